# SPDX-License-Identifier: Apache-2.0
"""LocalVerifier: genuine and not revoked, or refused, or no answer at all."""

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

import tessera
from bindings.follower_server import Reply, ScriptedServer, jti, quiet, serving, told, until
from tessera.follower import LocalVerifier, NotFreshError, RemoteKeySet, RevocationFollower

TENANT = "tenant-a"
POLICY = tessera.Policy(issuer="https://issuer.example", audience="dx-vas")
FOR_EVER = 4_000_000_000


def session_id(created_ms: int) -> str:
    """A UUIDv7 of that time."""
    return str(uuid.UUID(int=created_ms << 80 | 0x7 << 76 | 0b10 << 62 | 1))


@dataclass
class Place:
    """A verifier, and the servers that it follows."""

    revocations: ScriptedServer
    jwks: ScriptedServer
    follower: RevocationFollower
    keys: RemoteKeySet
    verifier: LocalVerifier
    key: tessera.PrivateKey

    def sign(self, *, key: tessera.PrivateKey | None = None, **others: Any) -> str:
        """A token that is good now; a claim that is None is left out."""
        now = int(time.time())
        claims: dict[str, Any] = {"iss": "https://issuer.example", "aud": "dx-vas", "sub": "alice", "jti": "j"}
        claims |= {"iat": now, "exp": now + 900, "tenant_id": TENANT, "sid": session_id(now * 1000)} | others
        kept = {name: value for name, value in claims.items() if value is not None}
        return tessera.Signer(key or self.key).sign(kept)

    def refusal(self, token: str, **options: Any) -> str:
        """The code of why not."""
        with pytest.raises(tessera.TokenError) as refused:
            self.verifier.verify(token, **options)
        return refused.value.code


Open = Callable[..., Place]


@pytest.fixture
def open_place(key: tessera.PrivateKey) -> Iterator[Open]:
    """Starts a place whose service tells these entries."""
    with serving() as revocations, serving() as jwks:
        jwks.rest = Reply(tessera.KeySet([key.public_key]).jwks().encode())
        keys = RemoteKeySet(jwks.url, cooldown_seconds=0.2)
        follower = RevocationFollower(revocations.url, "t", keys=keys, max_staleness_seconds=3)

        def start(*entries: dict[str, Any], tenant_id: str | None = TENANT, **options: Any) -> Place:
            revocations.replies, revocations.rest = [told(*entries, tenant_id=tenant_id)], quiet
            if tenant_id != TENANT:
                revocations.rest = Reply(status=503)
            follower.start()
            assert follower.wait_until_fresh(10)
            verifier = LocalVerifier(keys, POLICY, revocations=follower, **options)
            return Place(revocations, jwks, follower, keys, verifier, key)

        yield start
        follower.close()


def cut_off(subject: str, cutoff_ms: int, tenant_id: str = TENANT) -> dict[str, Any]:
    return jti(subject, kind="subject", cutoff_ms=cutoff_ms, tenant_id=tenant_id)


def test_a_live_token_gives_its_claims(open_place: Open) -> None:
    place = open_place()
    assert place.verifier.verify(place.sign())["sub"] == "alice"


def test_what_is_revoked_is_refused(open_place: Open) -> None:
    over = session_id(1_700_000_000_000)
    place = open_place(jti("dead"), jti(over, kind="session"))
    assert place.refusal(place.sign(jti="dead")) == "token_revoked"
    assert place.refusal(place.sign(sid=over)) == "session_revoked"
    place.verifier.verify(place.sign())


def test_what_is_not_genuine_is_refused(open_place: Open, other_key: tessera.PrivateKey) -> None:
    place = open_place()
    assert place.refusal(place.sign(exp=1, iat=0)) == "token_expired"
    assert place.refusal(place.sign(iss="https://other.example")) == "issuer_mismatch"
    assert place.refusal(place.sign(key=other_key)) == "key_unknown"
    assert place.refusal("x") == "token_malformed"


@pytest.mark.parametrize(("created", "dead"), [(-1, True), (0, True), (1, False)])
def test_a_cut_off_ends_the_sessions_that_were_opened_until_then(open_place: Open, created: int, dead: bool) -> None:
    cutoff_ms = int(time.time()) * 1000 + 500
    place = open_place(cut_off("alice", cutoff_ms))
    token = place.sign(sid=session_id(cutoff_ms + created))
    if dead:
        assert place.refusal(token) == "subject_cut_off"
    else:
        place.verifier.verify(token)
    place.verifier.verify(place.sign(sub="bob", sid=session_id(cutoff_ms - 1)))


def test_a_cut_off_of_another_tenant_is_none_here(open_place: Open) -> None:
    place = open_place(cut_off("alice", int(time.time() * 1000) + 10_000, tenant_id="tenant-b"), tenant_id=None)
    place.verifier.verify(place.sign())
    assert place.refusal(place.sign(tenant_id="tenant-b")) == "subject_cut_off"


def test_no_session_is_younger_than_its_token(open_place: Open) -> None:
    now = int(time.time())
    place = open_place(cut_off("alice", now * 1000 - 1))
    assert place.refusal(place.sign(iat=now - 10, sid=session_id(now * 1000 + 60_000))) == "subject_cut_off"


@pytest.mark.parametrize("sid", ["not-a-uuid", "a6f4c9e2-0000-4000-8000-000000000000"])
def test_a_session_whose_id_has_no_time_is_as_old_as_its_token(open_place: Open, sid: str) -> None:
    now = int(time.time())
    place = open_place(cut_off("alice", now * 1000))
    assert place.refusal(place.sign(iat=now, sid=sid)) == "subject_cut_off"
    place.verifier.verify(place.sign(iat=now + 1, sid=sid))


def test_a_token_without_session_has_no_cut_off(open_place: Open) -> None:
    place = open_place(cut_off("alice", int(time.time() * 1000) + 10_000), jti("dead"))
    place.verifier.verify(place.sign(sid=None))
    assert place.refusal(place.sign(sid=None, jti="dead")) == "token_revoked"


@pytest.mark.parametrize("tenant_id", ["tenant-b", None])
def test_a_tenant_that_is_not_followed_is_refused(open_place: Open, tenant_id: str | None) -> None:
    place = open_place()
    assert place.refusal(place.sign(tenant_id=tenant_id)) == "tenant_not_followed"


def test_who_follows_all_tenants_verifies_for_all(open_place: Open) -> None:
    place = open_place(tenant_id=None)
    for tenant_id in (TENANT, "tenant-b", None):
        place.verifier.verify(place.sign(tenant_id=tenant_id))


def test_what_is_too_old_is_no_answer_about_a_token(open_place: Open) -> None:
    place = open_place(jti("dead"))
    place.revocations.rest = Reply(status=503)
    until(lambda: not place.follower.is_fresh)
    for token in (place.sign(), place.sign(jti="dead"), "x"):
        with pytest.raises(NotFreshError) as refused:
            place.verifier.verify(token)
        assert refused.value.code == "revocations_stale"
        assert not isinstance(refused.value, tessera.TokenError)
    with pytest.raises(NotFreshError):
        place.verifier.verify(place.sign(), allow_staleness_seconds=1)
    place.verifier.verify(place.sign(), allow_staleness_seconds=3600)
    assert place.refusal(place.sign(jti="dead"), allow_staleness_seconds=3600) == "token_revoked"


def test_one_call_may_ask_for_more_than_the_others(open_place: Open) -> None:
    place = open_place()
    with pytest.raises(NotFreshError):
        place.verifier.verify(place.sign(), allow_staleness_seconds=-1)
    with pytest.raises(NotFreshError):
        place.verifier.verify(place.sign(), allow_staleness_seconds=float("nan"))
    place.verifier.verify(place.sign())


def test_without_any_snapshot_nothing_is_verified_whatever_is_allowed(key: tessera.PrivateKey) -> None:
    with serving() as nobody, serving() as jwks:
        jwks.rest = Reply(tessera.KeySet([key.public_key]).jwks().encode())
        keys = RemoteKeySet(jwks.url)
        with RevocationFollower(nobody.url, "t") as follower:
            verifier = LocalVerifier(keys, POLICY, revocations=follower)
            with pytest.raises(NotFreshError):
                verifier.verify("x", allow_staleness_seconds=float("inf"))


def test_keys_that_are_too_old_are_no_answer_either(key: tessera.PrivateKey) -> None:
    with serving() as revocations, serving() as jwks:
        jwks.replies = [Reply(tessera.KeySet([key.public_key]).jwks().encode())]
        revocations.replies, revocations.rest = [told()], quiet
        keys = RemoteKeySet(jwks.url, max_staleness_seconds=0.2, cooldown_seconds=0)
        with RevocationFollower(revocations.url, "t") as follower:
            assert follower.wait_until_fresh(10)
            keys.follow()
            until(lambda: not keys.is_fresh)
            with pytest.raises(NotFreshError) as refused:
                LocalVerifier(keys, POLICY, revocations=follower).verify("x")
            assert refused.value.code == "keys_stale"


def test_a_new_key_is_fetched_when_its_first_token_comes(open_place: Open, other_key: tessera.PrivateKey) -> None:
    place = open_place()
    place.verifier.verify(place.sign())
    both = tessera.KeySet([place.key.public_key, other_key.public_key])
    place.jwks.rest = Reply(both.jwks().encode())
    time.sleep(0.25)  # the pause between two fetches
    place.verifier.verify(place.sign(key=other_key))
    assert len(place.jwks.questions) == 2


def test_tokens_under_unknown_keys_make_few_fetches(open_place: Open, other_key: tessera.PrivateKey) -> None:
    place = open_place()
    began = time.monotonic()
    for _ in range(200):
        assert place.refusal(place.sign(key=other_key)) == "key_unknown"
    assert len(place.jwks.questions) <= 2 + (time.monotonic() - began) / 0.2


def test_a_loop_is_not_kept_by_a_fetch(open_place: Open, other_key: tessera.PrivateKey) -> None:
    place = open_place(wait_for_keys=False)
    place.keys.follow()
    both = tessera.KeySet([place.key.public_key, other_key.public_key])
    place.jwks.rest = Reply(both.jwks().encode(), seconds=0.5)
    time.sleep(0.25)
    assert place.refusal(place.sign(key=other_key)) == "key_unknown"
    until(lambda: "k2" in place.keys.key_set)
    place.verifier.verify(place.sign(key=other_key))


def test_a_withdrawn_key_verifies_nothing_any_more_though_it_is_still_published(
    open_place: Open, other_key: tessera.PrivateKey
) -> None:
    place = open_place()
    place.jwks.rest = Reply(tessera.KeySet([place.key.public_key, other_key.public_key]).jwks().encode())
    place.keys.follow()
    token = place.sign(key=other_key)
    place.verifier.verify(token)
    withdrawn = {"kind": "key", "id": "k2", "expires_at": FOR_EVER}
    place.revocations.replies.append(told(withdrawn, snapshot=False, cursor="cursor-2"))
    until(lambda: "k2" not in place.keys.key_set)
    assert place.refusal(token) == "key_unknown"
    time.sleep(0.25)
    assert place.refusal(token) == "key_unknown"
    place.verifier.verify(place.sign())


def test_a_revocation_that_arrives_is_refused_from_then_on(open_place: Open) -> None:
    place = open_place()
    token = place.sign(jti="soon dead")
    place.verifier.verify(token)
    place.revocations.replies.append(told(jti("soon dead"), snapshot=False, cursor="cursor-2"))
    until(lambda: place.follower.revocations.is_jti_revoked("soon dead"))
    assert place.refusal(token) == "token_revoked"


def test_a_cached_token_is_refused_too(open_place: Open) -> None:
    place = open_place(cache=tessera.TokenCache())
    token = place.sign(jti="soon dead")
    for _ in range(2):
        place.verifier.verify(token)
    place.follower.revocations.revoke_jti("soon dead", expires_at=FOR_EVER)
    assert place.refusal(token) == "token_revoked"
