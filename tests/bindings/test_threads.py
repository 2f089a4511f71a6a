# SPDX-License-Identifier: Apache-2.0
"""What each class says about threads. Nothing is timed: a thread makes progress, or it does not."""

import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import tessera

THREADS = 8


def hammer(work: Callable[[int], object], rounds: int = 200) -> None:
    """Runs work(round) in every thread, from one common start; the first exception is raised here."""
    start = threading.Barrier(THREADS)

    def run() -> None:
        start.wait()
        for number in range(rounds):
            work(number)

    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(run) for _ in range(THREADS)]:
            done.result()


def advances_during(work: Callable[[], object], *, attempts: int = 20) -> bool:
    """Whether another Python thread runs while `work` does. It counts, and hands the GIL back after each step."""
    counted, at_start, is_over = [0], threading.Event(), threading.Event()

    def count() -> None:
        at_start.wait()
        while not is_over.is_set():
            counted[0] += 1
            time.sleep(0)

    counter = threading.Thread(target=count)
    counter.start()
    at_start.set()
    try:
        return any(_grows(counted, work) for _ in range(attempts))
    finally:
        is_over.set()
        counter.join()


def _grows(counted: list[int], work: Callable[[], object]) -> bool:
    before = counted[0]
    work()
    return counted[0] > before


@pytest.fixture
def patient() -> Any:
    """No thread is asked to hand over the GIL: it changes hands only where it is released."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    yield
    sys.setswitchinterval(interval)


def test_others_run_while_many_tokens_are_verified(
    verifier: tessera.Verifier, token: str, now: int, patient: None
) -> None:
    tokens = [token] * 2000
    assert advances_during(lambda: verifier.verify_many(tokens, now=now))


def test_others_run_while_one_token_is_verified_or_signed(
    verifier: tessera.Verifier, key: tessera.PrivateKey, token: str, claims: dict[str, Any], now: int, patient: None
) -> None:
    signer = tessera.Signer(key)
    assert advances_during(lambda: [signer.sign(claims) for _ in range(200)])
    assert advances_during(lambda: [verifier.verify(token, now=now) for _ in range(2000)])
    assert advances_during(lambda: [tessera.verify_jws(token, key.public_key) for _ in range(2000)])
    assert advances_during(lambda: [tessera.sign_jws(key, b'{"alg":"RS256"}', b"") for _ in range(200)])


def test_others_run_while_a_key_is_made_or_opened(key: tessera.PrivateKey, patient: None) -> None:
    pem = key.to_pem(password="secret")
    assert advances_during(lambda: tessera.PrivateKey.generate(bits=3072))
    assert advances_during(lambda: tessera.PrivateKey.from_pem(pem, password="secret"))


def test_a_checker_keeps_the_gil(verifier: tessera.Verifier, token: str, now: int, patient: None) -> None:
    checker = tessera.Checker(verifier, revocations=tessera.RevocationSet(), sessions=tessera.SessionTable())
    assert not advances_during(lambda: [checker.check(token, now=now) for _ in range(500)])


def test_the_list_of_tokens_may_change_while_it_is_verified(
    verifier: tessera.Verifier, key: tessera.PrivateKey, claims: dict[str, Any], now: int
) -> None:
    signer = tessera.Signer(key)
    tokens = [signer.sign({**claims, "jti": str(number)}) for number in range(50)] * 20
    is_over = threading.Event()

    def change() -> None:
        while not is_over.is_set():
            tokens[:] = [text[:1] + text[1:] for text in tokens]

    changer = threading.Thread(target=change)
    changer.start()
    for _ in range(3):
        assert all(isinstance(entry, dict) for entry in verifier.verify_many(tokens, now=now))
    is_over.set()
    changer.join()


def test_threads_share_a_verifier_its_cache_and_its_revocations(
    key: tessera.PrivateKey, policy: tessera.Policy, claims: dict[str, Any], now: int
) -> None:
    revoked, cache = tessera.RevocationSet(), tessera.TokenCache(max_bytes=65536)
    verifier = tessera.Verifier(key.public_key, policy, cache=cache, revocations=revoked)
    signer = tessera.Signer(key)
    tokens = [signer.sign({**claims, "jti": str(number)}) for number in range(50)]
    revoked.revoke_jti("7", expires_at=now + 1000)

    def work(number: int) -> None:
        if number % 50 == 7:
            with pytest.raises(tessera.RevokedTokenError):
                verifier.verify(tokens[7], now=now)
        else:
            assert verifier.verify(tokens[number % 50], now=now)["jti"] == str(number % 50)
        if number % 40 == 0:
            cache.clear()

    hammer(work)


def test_keys_are_replaced_while_others_verify_and_sign(
    key: tessera.PrivateKey, other_key: tessera.PrivateKey, policy: tessera.Policy, claims: dict[str, Any], now: int
) -> None:
    keys = tessera.KeySet([other_key.public_key], signing_key=key)
    verifier, signer = tessera.Verifier(keys, policy, cache=tessera.TokenCache()), tessera.Signer(keys)
    before = keys.generation
    both = [key.public_key, other_key.public_key]

    def work(number: int) -> None:
        if number % 10 == 0:
            keys.replace(both, signing_key=(key, other_key)[number // 10 % 2])
        assert verifier.verify(signer.sign(claims), now=now)["sub"] == "alice"

    hammer(work, rounds=40)
    assert keys.generation == before + THREADS * 4


def test_nothing_that_was_revoked_is_missed_while_others_write_and_purge(now: int) -> None:
    revoked = tessera.RevocationSet()

    def work(number: int) -> None:
        name = f"{threading.get_ident()}-{number}"
        revoked.revoke_jti(name, expires_at=now + 1000)
        assert revoked.is_jti_revoked(name)
        revoked.revoke_session(name, expires_at=now - 100_000)
        revoked.cut_off("t", name, cutoff_ms=number, expires_at=now + 1000)
        assert revoked.is_cut_off("t", name, created_ms=number)
        if number % 50 == 0:
            revoked.purge(now=now)

    hammer(work)
    revoked.purge(now=now)
    assert len(revoked) == THREADS * 200 * 2


def test_a_session_table_and_a_checker_are_shared(verifier: tessera.Verifier, token: str, now: int) -> None:
    table = tessera.SessionTable(max_entries=64)
    checker = tessera.Checker(verifier, revocations=tessera.RevocationSet(), sessions=table)

    def work(number: int) -> None:
        checker.keep_fresh_for(60_000, since_boottime_ns=tessera.boottime_ns())
        ticket = table.ticket()
        times = {"created_ms": 1, "expires_at": now + 900}
        table.put(ticket, id="0190-sid", tenant_id="tenant-a", subject="alice", data=b"record", **times)
        assert checker.check(token, now=now).status in {"alive", "no_record"}
        if number % 20 == 0:
            table.drop("0190-sid")
        assert len(table) <= 64

    hammer(work)


def test_a_hasher_is_shared() -> None:
    hasher = tessera.AccessKeyHasher(bytes(32))
    pairs = [tessera.AccessKey.generate() for _ in range(20)]
    stored = [hasher.hash(pair.id, pair.secret) for pair in pairs]

    def work(number: int) -> None:
        pair = pairs[number % 20]
        assert hasher.verify(pair.id, pair.secret, expected=stored[number % 20])
        assert not hasher.verify(pair.id, pair.secret, expected=stored[(number + 1) % 20])

    hammer(work)
