# SPDX-License-Identifier: Apache-2.0
import json
from typing import Any

import pytest

import tessera


class Mirror:
    """A checker with what it looks into."""

    def __init__(self, verifier: tessera.Verifier) -> None:
        self.revoked = tessera.RevocationSet()
        self.table = tessera.SessionTable()
        self.checker = tessera.Checker(verifier, revocations=self.revoked, sessions=self.table)

    def fill(self, now: int, **changes: Any) -> bool:
        snapshot = {
            "id": "0190-sid",
            "tenant_id": "tenant-a",
            "subject": "alice",
            "created_ms": (now - 60) * 1000,
            "expires_at": now + 900,
            "data": b"record",
        }
        return self.table.put(self.table.ticket(), **{**snapshot, **changes})

    def open(self) -> None:
        self.checker.keep_fresh_for(600_000, since_boottime_ns=tessera.boottime_ns())


@pytest.fixture
def mirror(verifier: tessera.Verifier, now: int) -> Mirror:
    made = Mirror(verifier)
    made.fill(now)
    made.open()
    return made


def is_fresh(mirror: Mirror) -> bool:
    return mirror.checker.is_fresh


def test_an_alive_token_brings_claims_type_and_session(
    mirror: Mirror, token: str, claims: dict[str, Any], now: int
) -> None:
    verdict = mirror.checker.check(token, now=now)
    assert (verdict.status, verdict.cause, verdict.type, verdict.session) == ("alive", None, "at+jwt", b"record")
    assert verdict.claims is not None
    assert json.loads(verdict.claims) == claims
    assert repr(verdict) == "<tessera.Verdict status='alive' cause=None>"
    assert mirror.checker.check(token.encode(), now=now).status == "alive"


def test_a_checker_starts_closed(verifier: tessera.Verifier, token: str, now: int) -> None:
    mirror = Mirror(verifier)
    mirror.fill(now)
    assert is_fresh(mirror) is False
    assert mirror.checker.check(token, now=now).status == "ask_store"
    mirror.open()
    assert is_fresh(mirror) is True
    assert mirror.checker.check(token, now=now).status == "alive"
    mirror.checker.close()
    verdict = mirror.checker.check(token, now=now)
    assert (verdict.status, verdict.session) == ("ask_store", None)


def test_a_deadline_that_is_over_opens_nothing(mirror: Mirror, token: str, now: int) -> None:
    mirror.checker.close()
    mirror.checker.keep_fresh_for(1000, since_boottime_ns=max(0, tessera.boottime_ns() - 2_000_000_000))
    assert is_fresh(mirror) is False
    mirror.checker.keep_fresh_for(2**62, since_boottime_ns=2**62)
    assert is_fresh(mirror) is True


def test_a_token_without_a_record_is_for_the_store(mirror: Mirror, token: str, now: int) -> None:
    mirror.table.drop("0190-sid")
    verdict = mirror.checker.check(token, now=now)
    assert (verdict.status, verdict.cause, verdict.session) == ("no_record", None, None)
    assert verdict.claims is not None


def test_a_record_past_its_expiry_is_a_miss(mirror: Mirror, token: str, now: int) -> None:
    mirror.fill(now, expires_at=now)
    assert mirror.checker.check(token, now=now).status == "no_record"
    mirror.fill(now, expires_at=now + 1)
    assert mirror.checker.check(token, now=now).status == "alive"


def test_a_token_without_a_session_is_looked_up_by_its_jti(
    mirror: Mirror, key: tessera.PrivateKey, claims: dict[str, Any], now: int
) -> None:
    del claims["sid"]
    token = tessera.Signer(key).sign(claims)
    assert mirror.checker.check(token, now=now).status == "no_record"
    mirror.fill(now, id="0190-jti", data=b"service")
    assert mirror.checker.check(token, now=now).session == b"service"


@pytest.mark.parametrize("fresh", [True, False])
def test_a_revocation_is_told_before_anything_is_asked(mirror: Mirror, token: str, now: int, fresh: bool) -> None:
    if not fresh:
        mirror.checker.close()
    mirror.revoked.revoke_session("0190-sid", expires_at=now + 900)
    assert mirror.checker.check(token, now=now).cause == "session_revoked"
    mirror.revoked.revoke_jti("0190-jti", expires_at=now + 900)
    verdict = mirror.checker.check(token, now=now)
    assert (verdict.status, verdict.cause, verdict.session) == ("dead", "token_revoked", None)
    assert verdict.claims is not None


def test_a_cut_off_kills_by_the_creation_of_the_session(mirror: Mirror, token: str, now: int) -> None:
    created_ms = (now - 60) * 1000
    mirror.revoked.cut_off("tenant-a", "alice", cutoff_ms=created_ms - 1, expires_at=now + 900)
    assert mirror.checker.check(token, now=now).status == "alive"
    mirror.revoked.cut_off("tenant-a", "alice", cutoff_ms=created_ms, expires_at=now + 900)
    assert mirror.checker.check(token, now=now).cause == "subject_cut_off"


@pytest.mark.parametrize("change", [{"tenant_id": "tenant-b"}, {"subject": "bob"}])
def test_a_record_of_someone_else_is_no_record_of_the_token(
    mirror: Mirror, token: str, now: int, change: dict[str, str]
) -> None:
    mirror.fill(now, **change)
    verdict = mirror.checker.check(token, now=now)
    assert (verdict.status, verdict.cause) == ("dead", "claim_invalid")


def test_a_dead_token_says_why_and_carries_no_claims_unless_they_were_right(
    mirror: Mirror, token: str, claims: dict[str, Any]
) -> None:
    over = mirror.checker.check(token, now=claims["exp"])
    assert (over.status, over.cause, over.session) == ("dead", "token_expired", None)
    forged = mirror.checker.check(token[:-4] + "AAAA", now=claims["exp"] - 1)
    assert (forged.status, forged.cause, forged.claims, forged.type) == ("dead", "signature_invalid", None, None)


@pytest.mark.parametrize("text", ["", "é", "\ud800", "a.b.c", b"\xff"])
def test_a_bad_token_is_a_verdict_and_no_exception(mirror: Mirror, text: str | bytes, now: int) -> None:
    assert mirror.checker.check(text, now=now).cause == "token_malformed"


@pytest.mark.parametrize("value", [None, 1, bytearray(b"a.b.c"), memoryview(b"a.b.c")])
def test_a_token_is_str_or_bytes(mirror: Mirror, value: Any, now: int) -> None:
    with pytest.raises(TypeError, match="token must be str or bytes"):
        mirror.checker.check(value, now=now)


def test_deadlines_are_whole_numbers_that_are_not_negative(mirror: Mirror) -> None:
    wrong: Any = 1.5
    with pytest.raises(TypeError):
        mirror.checker.keep_fresh_for(wrong, since_boottime_ns=0)
    with pytest.raises(ValueError, match="milliseconds must be at least 0"):
        mirror.checker.keep_fresh_for(-1, since_boottime_ns=0)
    with pytest.raises(ValueError, match="since_boottime_ns must be at least 0"):
        mirror.checker.keep_fresh_for(1, since_boottime_ns=-1)


def test_a_checker_is_made_of_the_right_parts(verifier: tessera.Verifier) -> None:
    revoked, table = tessera.RevocationSet(), tessera.SessionTable()
    for arguments in ((None, revoked, table), (verifier, table, revoked), (verifier, revoked, None)):
        first, second, third = arguments
        wrong: Any = tessera.Checker
        with pytest.raises(TypeError, match="must be"):
            wrong(first, revocations=second, sessions=third)


def test_the_clock_of_the_mirror_runs_forward() -> None:
    before = tessera.boottime_ns()
    assert tessera.boottime_ns() >= before > 0
