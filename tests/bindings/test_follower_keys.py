# SPDX-License-Identifier: Apache-2.0
"""RemoteKeySet: the last known good keys, fetched once for many."""

import json
import math
import threading
from collections.abc import Iterator
from unittest import mock

import pytest

import tessera
from bindings.follower_server import Question, Reply, ScriptedServer, in_a_fork, serving, until
from tessera.follower import RemoteKeySet, keys


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with serving() as opened:
        yield opened


def jwks(*keys: tessera.PrivateKey) -> bytes:
    return tessera.KeySet([key.public_key for key in keys]).jwks().encode()


def document(*keys: tessera.PrivateKey, **headers: str) -> Reply:
    """A JWKS as a service sends it."""
    return Reply(jwks(*keys), headers={"Content-Type": "application/json", **headers})


def fetched(server: ScriptedServer, *, cooldown_seconds: float = 0, max_staleness_seconds: float = 60) -> RemoteKeySet:
    """Without a pause between fetches unless one is given."""
    made = RemoteKeySet(server.url, cooldown_seconds=cooldown_seconds, max_staleness_seconds=max_staleness_seconds)
    made.follow()
    return made


def test_the_keys_are_fetched_when_they_are_first_needed(server: ScriptedServer, key: tessera.PrivateKey) -> None:
    server.rest = document(key)
    remote = RemoteKeySet(server.url)
    assert (len(remote.key_set), remote.staleness_seconds, remote.is_fresh) == (0, math.inf, False)
    remote.follow()
    assert remote.key_set.kids == ["k1"]
    assert remote.is_fresh
    assert remote.last_error is None
    assert [asked.path for asked in server.questions] == ["/.well-known/jwks.json"]
    for _ in range(100):
        remote.follow()
    assert len(server.questions) == 1


def test_many_who_ask_at_once_are_one_fetch(server: ScriptedServer, key: tessera.PrivateKey) -> None:
    server.rest = Reply(jwks(key), seconds=0.3)
    remote = RemoteKeySet(server.url)
    threads = [threading.Thread(target=remote.follow) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert remote.key_set.kids == ["k1"]
    assert len(server.questions) == 1


def test_between_two_fetches_is_a_pause_however_often_somebody_asks(
    server: ScriptedServer, key: tessera.PrivateKey
) -> None:
    server.rest = document(key)
    remote = fetched(server, cooldown_seconds=0.5)
    for _ in range(100):
        remote.refresh()
    assert len(server.questions) == 1

    def asked_twice() -> bool:
        remote.refresh()
        return len(server.questions) == 2

    until(asked_twice)


def test_a_fetch_that_runs_at_a_fork_is_begun_again_in_the_child(
    server: ScriptedServer, key: tessera.PrivateKey
) -> None:
    server.rest = Reply(jwks(key), seconds=0.5)
    remote = RemoteKeySet(server.url)
    remote.follow(wait=False)
    until(lambda: len(server.questions) == 1)

    def child() -> bool:
        remote.follow()
        return remote.key_set.kids == ["k1"]

    assert in_a_fork(child)


def test_a_fetch_that_could_not_begin_stops_no_later_one(
    server: ScriptedServer, key: tessera.PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.rest = document(key)
    remote = RemoteKeySet(server.url, cooldown_seconds=0)
    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", mock.Mock(side_effect=RuntimeError("can't start new thread")))
        with pytest.raises(RuntimeError):
            remote.follow()
    remote.follow()
    assert remote.key_set.kids == ["k1"]


BAD = {
    "nothing": Reply(b""),
    "no JSON": Reply(b"<html>"),
    "no keys": Reply(b'{"keys": []}'),
    "no list": Reply(b'{"keys": {}}'),
    "another document": Reply(b"{}"),
    "an error": Reply(status=500),
    "a redirect": Reply(status=301, headers={"Location": "/elsewhere"}),
    "not modified, though nothing was held": Reply(status=304),
    "very much": Reply(b" " * 300_000),
    "a cut one": Reply(b'{"keys": []}', cut=3),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_answer_leaves_the_last_known_good_keys(
    server: ScriptedServer, key: tessera.PrivateKey, other_key: tessera.PrivateKey, name: str
) -> None:
    server.replies = [document(key), BAD[name]]
    server.rest = document(key, other_key)
    remote = fetched(server)
    remote.refresh()
    if name != "not modified, though nothing was held":
        assert remote.last_error is not None
    assert remote.key_set.kids == ["k1"]
    remote.refresh()
    assert sorted(remote.key_set.kids) == ["k1", "k2"]
    assert remote.last_error is None


@pytest.mark.parametrize("name", BAD)
def test_a_bad_first_answer_is_no_key_set(server: ScriptedServer, key: tessera.PrivateKey, name: str) -> None:
    server.replies, server.rest = [BAD[name]], document(key)
    remote = fetched(server)
    assert (len(remote.key_set), remote.is_fresh) == (0, False)
    remote.follow()
    assert remote.is_fresh


def test_what_did_not_change_is_not_sent_again_and_is_fresh(server: ScriptedServer, key: tessera.PrivateKey) -> None:
    server.replies = [document(key, ETag='"1"')]
    server.rest = Reply(status=304)
    remote = fetched(server)
    generation, before = remote.key_set.generation, remote.staleness_seconds
    remote.refresh()
    assert server.questions[1].headers["if-none-match"] == '"1"'
    assert "if-none-match" not in server.questions[0].headers
    assert remote.key_set.generation == generation
    assert remote.staleness_seconds < before + 1
    assert remote.last_error is None


def test_the_same_keys_again_are_no_change(server: ScriptedServer, key: tessera.PrivateKey) -> None:
    server.rest = document(key)
    remote = fetched(server)
    generation = remote.key_set.generation
    remote.refresh()
    assert (len(server.questions), remote.key_set.generation) == (2, generation)


def test_another_key_under_the_same_id_is_a_change(server: ScriptedServer, key: tessera.PrivateKey) -> None:
    server.replies, server.rest = [document(key)], document(tessera.PrivateKey.generate(kid="k1"))
    remote = fetched(server)
    generation = remote.key_set.generation
    remote.refresh()
    assert remote.key_set.generation > generation


@pytest.mark.parametrize(
    ("cache_control", "seconds"),
    [
        ("public, max-age=120", 120),
        ("max-age=1", 30),
        ("max-age=99999999", 3600),
        ("", 3600),
        ("no-store", 3600),
        ("max-age=\u0661", 3600),
        ("x-max-age=120", 3600),
    ],
)
def test_how_long_an_answer_may_be_kept_is_said_by_it_within_bounds(cache_control: str, seconds: float) -> None:
    assert keys._refresh_after(cache_control) == seconds


def test_when_it_is_time_the_keys_are_fetched_behind_the_caller(
    server: ScriptedServer, key: tessera.PrivateKey, other_key: tessera.PrivateKey
) -> None:
    server.replies, server.rest = [document(key)], Reply(jwks(key, other_key), seconds=0.5)
    remote = fetched(server)
    remote._due = 0
    remote.follow()
    assert remote.key_set.kids == ["k1"]  # it did not wait
    until(lambda: sorted(remote.key_set.kids) == ["k1", "k2"])


def test_a_machine_that_slept_fetches_the_keys_when_it_wakes(
    server: ScriptedServer, key: tessera.PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CLOCK_MONOTONIC stood still meanwhile."""
    server.rest = document(key, **{"Cache-Control": "max-age=3600"})
    remote = RemoteKeySet(server.url)
    remote.follow()
    now_ns = tessera.boottime_ns
    monkeypatch.setattr("tessera._core.boottime_ns", lambda: now_ns() + 3_601 * 10**9)
    remote.follow()
    until(lambda: len(server.questions) == 2)
    until(lambda: remote.staleness_seconds < 3000)


def test_a_withdrawn_key_does_not_come_back(
    server: ScriptedServer, key: tessera.PrivateKey, other_key: tessera.PrivateKey
) -> None:
    server.rest = document(key, other_key)
    remote = fetched(server)
    remote.withdraw("k1")
    assert remote.key_set.kids == ["k2"]
    remote.refresh()
    assert remote.key_set.kids == ["k2"]
    early = RemoteKeySet(server.url)
    early.withdraw("k2")
    early.follow()
    assert early.key_set.kids == ["k1"]


def test_keys_that_do_not_verify_here_are_passed_over(server: ScriptedServer, key: tessera.PrivateKey) -> None:
    members = json.loads(jwks(key))["keys"]
    server.rest = Reply(json.dumps({"keys": [{"kty": "EC", "crv": "P-256", "kid": "e"}, *members]}).encode())
    assert fetched(server).key_set.kids == ["k1"]


def test_the_last_known_good_keys_grow_too_old(server: ScriptedServer, key: tessera.PrivateKey) -> None:
    server.replies = [document(key)]
    remote = fetched(server, max_staleness_seconds=0.2)
    until(lambda: not remote.is_fresh)


def test_who_does_not_wait_is_not_kept(server: ScriptedServer, key: tessera.PrivateKey) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def slowly(_: Question) -> Reply:
        reached.set()
        assert go_on.wait(10)
        return document(key)

    server.rest = slowly
    remote = RemoteKeySet(server.url)
    remote.follow(wait=False)
    assert reached.wait(10)
    assert len(remote.key_set) == 0
    go_on.set()
    until(lambda: remote.is_fresh)
