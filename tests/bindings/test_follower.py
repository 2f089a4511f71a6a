# SPDX-License-Identifier: Apache-2.0
"""RevocationFollower against a server that may say anything."""

import math
import time
import zlib
from collections.abc import Iterator
from dataclasses import replace
from unittest import mock

import pytest

from bindings.follower_server import (
    FIRST,
    LAST,
    Reply,
    ScriptedServer,
    in_a_fork,
    jti,
    lines,
    quiet,
    reply,
    serving,
    told,
    until,
)
from tessera.follower import FollowError, RevocationFollower, revocations


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with serving() as opened:
        yield opened


@pytest.fixture
def follower(server: ScriptedServer) -> Iterator[RevocationFollower]:
    """Not started."""
    made = RevocationFollower(server.url, "the-token", max_staleness_seconds=3)
    yield made
    made.close()


def knows(follower: RevocationFollower, *keys: str) -> bool:
    return all(follower.revocations.is_jti_revoked(key) for key in keys)


def test_a_snapshot_fills_the_set_and_news_are_added(server: ScriptedServer, follower: RevocationFollower) -> None:
    session = {"kind": "session", "id": "s", "expires_at": 4_000_000_000, "tenant_id": "tenant-a"}
    subject = {**session, "kind": "subject", "id": "alice", "cutoff_ms": 5000}
    server.replies = [told(jti("a"), session, subject), told(jti("b"), snapshot=False, cursor="cursor-2")]
    server.rest = quiet
    assert follower.staleness_seconds == math.inf
    follower.start()
    until(lambda: knows(follower, "a", "b") and len(server.questions) > 2)
    assert follower.revocations.is_session_revoked("s")
    assert follower.revocations.is_cut_off("tenant-a", "alice", created_ms=5000)
    assert not follower.revocations.is_cut_off("tenant-a", "alice", created_ms=5001)
    first, second, third, *_ = server.questions
    assert (first.path, first.query) == ("/v1/revocations", {"wait": "1"})
    assert (second.query["cursor"], third.query["cursor"]) == ("cursor-1", "cursor-2")
    assert {asked.headers["authorization"] for asked in server.questions} == {"Bearer the-token"}
    assert first.headers["accept-encoding"] == "gzip"
    assert follower.is_fresh
    assert (follower.tenant_id, follower.snapshots, follower.last_error) == ("tenant-a", 1, None)


def test_answers_are_unpacked(server: ScriptedServer, follower: RevocationFollower) -> None:
    keys = [f"key-{number}" for number in range(5000)]
    server.replies, server.rest = [told(*map(jti, keys), packed=True)], quiet
    follower.start()
    assert follower.wait_until_fresh(10)
    assert knows(follower, *keys)


def test_kinds_of_later_services_are_ignored(server: ScriptedServer, follower: RevocationFollower) -> None:
    server.replies, server.rest = [told({"kind": "moon", "phase": 1}, jti("a"))], quiet
    follower.start()
    assert follower.wait_until_fresh(10)
    assert knows(follower, "a")


WHOLE = lines(FIRST, jti("a"), LAST)
BAD_LINES: dict[str, list[object]] = {
    "no first line": [jti("a"), LAST],
    "no logs": [{**FIRST, "logs": []}, LAST],
    "logs of another type": [{**FIRST, "logs": [1]}, LAST],
    "no tenant": [{"logs": ["life-1"], "snapshot": True}, LAST],
    "snapshot of another type": [{**FIRST, "snapshot": 1}, LAST],
    "an entry of no kind": [FIRST, {"id": "a", "expires_at": 4_000_000_000}, LAST],
    "an entry without id": [FIRST, {"kind": "jti", "expires_at": 4_000_000_000}, LAST],
    "an empty id": [FIRST, jti(""), LAST],
    "an id beyond all ids": [FIRST, jti("x" * 1025), LAST],
    "an id of another type": [FIRST, {**jti("a"), "id": 1}, LAST],
    "no expiry": [FIRST, {"kind": "jti", "id": "a"}, LAST],
    "an expiry with a fraction": [FIRST, jti("a", expires_at=1.5), LAST],
    "an expiry that is a truth": [FIRST, jti("a", expires_at=True), LAST],
    "an expiry beyond all times": [FIRST, jti("a", expires_at=10**30), LAST],
    "a subject without cut-off": [FIRST, jti("a", kind="subject"), LAST],
    "a subject without tenant": [FIRST, jti("a", kind="subject", cutoff_ms=1, tenant_id=None), LAST],
    "a line that is no object": [FIRST, [1], LAST],
    "a line after the last": [FIRST, LAST, jti("b")],
    "two last lines": [FIRST, LAST, LAST],
    "an empty cursor": [FIRST, {**LAST, "cursor": ""}],
    "a cursor of another type": [FIRST, {**LAST, "cursor": 1}],
    "a position without time": [FIRST, {"cursor": "cursor-1"}],
    "a time of another type": [FIRST, {**LAST, "as_of_ms": "0"}],
    "a snapshot as of no time": [FIRST, {**LAST, "as_of_ms": None}],
    "news for who has nothing": [{**FIRST, "snapshot": False}, LAST],
}
BOMB = zlib.compressobj(9, zlib.DEFLATED, 31)
BOMB_BYTES = b"".join(BOMB.compress(b"x" * 1_048_576) for _ in range(64)) + BOMB.flush()
PACKED = told(jti("a"), packed=True).body
BROKEN: dict[str, tuple[Reply, str]] = {
    **{name: (reply(lines(*bad)), "answer_malformed") for name, bad in BAD_LINES.items()},
    "nothing": (reply(b""), "answer_cut"),
    "no last line": (reply(lines(FIRST, jti("a"))), "answer_cut"),
    "half a last line": (reply(WHOLE[:-5]), "answer_cut"),
    "a body that is cut": (reply(WHOLE, cut=20), "answer_cut"),
    "a pack that is cut": (reply(PACKED[:-9], Content_Encoding="gzip"), "answer_cut"),
    "more after the pack": (reply(PACKED + b"x", Content_Encoding="gzip"), "answer_malformed"),
    "two packs": (reply(PACKED + PACKED, Content_Encoding="gzip"), "answer_malformed"),
    "no pack": (reply(WHOLE, Content_Encoding="gzip"), "answer_malformed"),
    "another coding": (reply(WHOLE, Content_Encoding="br"), "answer_malformed"),
    "a bomb": (reply(BOMB_BYTES, Content_Encoding="gzip"), "answer_malformed"),
    "no JSON": (reply(b"{}}\n"), "answer_malformed"),
    "a member twice": (reply(WHOLE.replace(b'{"logs"', b'{"snapshot": false, "logs"')), "answer_malformed"),
    "no number": (reply(lines(FIRST) + b'{"cursor": "c", "as_of_ms": NaN}\n'), "answer_malformed"),
    "a page": (Reply(b"<html>", headers={"Content-Type": "text/html"}), "answer_malformed"),
    "no type": (Reply(WHOLE), "answer_malformed"),
    "a redirect": (Reply(status=302, headers={"Location": "/elsewhere"}), "status_302"),
    "no content": (Reply(status=204), "status_204"),
    "nobody": (Reply(status=401), "status_401"),
    "an error": (Reply(b"x" * 200_000, status=500), "status_500"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_answer_moves_nothing_and_the_next_one_counts(
    server: ScriptedServer, follower: RevocationFollower, name: str
) -> None:
    broken, code = BROKEN[name]
    server.replies = [broken]
    noted: list[str | None] = []

    def look(asked: object) -> Reply:
        noted.append(follower.last_error)
        return told(jti("z"))

    server.rest = look
    follower.start()
    assert follower.wait_until_fresh(10)
    assert noted[0] == code
    assert "cursor" not in server.questions[1].query
    assert {asked.path for asked in server.questions} == {"/v1/revocations"}
    assert knows(follower, "z")


@pytest.mark.parametrize("name", ["no last line", "a body that is cut", "a redirect", "an error"])
def test_a_broken_answer_later_is_asked_for_again_and_revives_nothing(
    server: ScriptedServer, follower: RevocationFollower, name: str
) -> None:
    server.replies = [told(jti("a")), BROKEN[name][0]]
    server.rest = lambda _: told(jti("b"), snapshot=False, cursor="cursor-2", seconds=0.1)
    follower.start()
    until(lambda: knows(follower, "a", "b"))
    assert [asked.query.get("cursor") for asked in server.questions[:3]] == [None, "cursor-1", "cursor-1"]


def test_a_bomb_is_not_unpacked_whole(server: ScriptedServer, follower: RevocationFollower) -> None:
    """64 MiB of one line: given up at the length of a line."""
    import tracemalloc

    server.replies, server.rest = [BROKEN["a bomb"][0]], told(jti("a"))
    tracemalloc.start()
    try:
        follower.start()
        assert follower.wait_until_fresh(10)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8_000_000


def test_more_entries_than_may_be_are_not_read(server: ScriptedServer) -> None:
    server.rest = told(*(jti(f"key-{number}") for number in range(11)))
    with RevocationFollower(server.url, "t", max_entries=10) as follower:
        until(lambda: follower.last_error == "too_many_entries")
        assert not follower.is_followed


def test_an_unknown_cursor_begins_again(server: ScriptedServer, follower: RevocationFollower) -> None:
    server.replies = [told(jti("a")), Reply(status=400), told(jti("b"), cursor="cursor-9")]
    server.rest = quiet
    follower.start()
    until(lambda: len(server.questions) > 3)
    assert [asked.query.get("cursor") for asked in server.questions[:4]] == [None, "cursor-1", None, "cursor-9"]
    assert knows(follower, "a", "b")


def test_another_log_comes_as_a_snapshot_and_revives_nothing(
    server: ScriptedServer, follower: RevocationFollower
) -> None:
    server.replies = [told(jti("a")), told(jti("b"), logs=["life-2"], cursor="cursor-2")]
    server.rest = quiet
    follower.start()
    until(lambda: len(server.questions) > 2)
    assert knows(follower, "a", "b")
    assert follower.snapshots == 2


def test_a_snapshot_of_another_tenant_counts_for_that_one(server: ScriptedServer, follower: RevocationFollower) -> None:
    server.replies = [told(), told(snapshot=False, tenant_id="tenant-b")]
    server.rest = told(tenant_id="tenant-b", seconds=0.1)
    follower.start()
    until(lambda: follower.is_followed and follower.tenant_id == "tenant-b")
    assert "cursor" not in server.questions[2].query


def test_what_is_known_grows_stale_when_no_answers_come(server: ScriptedServer, follower: RevocationFollower) -> None:
    server.replies, server.rest = [told(jti("a"))], Reply(status=503)
    follower.start()
    assert follower.wait_until_fresh(10)
    until(lambda: not follower.is_fresh)
    assert 3 <= follower.staleness_seconds < 60
    assert follower.last_error == "status_503"
    server.rest = quiet
    assert follower.wait_until_fresh(20)
    assert knows(follower, "a")


def test_an_answer_that_is_not_as_of_now_makes_nothing_fresher(
    server: ScriptedServer, follower: RevocationFollower
) -> None:
    server.replies = [told(as_of_ms=-2000)]
    server.rest = lambda asked: told(snapshot=False, as_of_ms=None, seconds=0.05)
    follower.start()
    until(lambda: follower.is_followed)
    assert follower.staleness_seconds >= 2
    until(lambda: len(server.questions) > 5)
    assert not follower.is_fresh


def test_no_answer_is_as_of_the_future(server: ScriptedServer, follower: RevocationFollower) -> None:
    server.replies, server.rest = [told(as_of_ms=10**9)], Reply(status=503)
    follower.start()
    until(lambda: follower.is_followed)
    until(lambda: not follower.is_fresh)


def test_who_waits_for_the_first_snapshot_is_told_that_there_is_none(
    server: ScriptedServer, follower: RevocationFollower
) -> None:
    follower.start()
    assert not follower.wait_until_fresh(0.3)
    assert not follower.is_followed
    with pytest.raises(FollowError) as refusal:
        _ = follower.tenant_id
    assert refusal.value.code == "not_followed_yet"


def test_a_service_that_asks_for_patience_gets_it(server: ScriptedServer, follower: RevocationFollower) -> None:
    server.replies, server.rest = [Reply(status=503, headers={"Retry-After": "1"})], quiet
    waited: list[float] = []
    with mock.patch.object(follower, "_closing") as closing:
        closing.is_set.side_effect = [False, False, True]
        closing.wait.side_effect = waited.append
        follower._run()
    assert waited[0] >= 1


def test_pauses_between_failures_grow_to_their_bound(server: ScriptedServer, follower: RevocationFollower) -> None:
    waited: list[float] = []
    with mock.patch.object(follower, "_closing") as closing:
        closing.is_set.side_effect = [step == 24 for step in range(25)]
        closing.wait.side_effect = waited.append
        follower._run()
    assert waited[0] <= 0.2
    assert 2.5 <= waited[-1] <= 5


def test_the_token_may_come_from_a_function(server: ScriptedServer) -> None:
    tokens = iter(["first", "second", "bad token"])
    server.rest = quiet
    server.replies = [told(), quiet]
    with RevocationFollower(server.url, lambda: next(tokens)) as follower:
        until(lambda: follower.last_error == "token_malformed")
    assert [asked.headers["authorization"] for asked in server.questions] == ["Bearer first", "Bearer second"]


def test_a_connection_that_the_service_closed_is_made_again(
    server: ScriptedServer, follower: RevocationFollower, caplog: pytest.LogCaptureFixture
) -> None:
    server.replies = [replace(told(jti("a")), chunked=True, hangs_up=True)]
    server.rest = told(jti("b"), snapshot=False, cursor="cursor-2", seconds=0.1)
    follower.start()
    until(lambda: knows(follower, "a", "b"))
    assert not caplog.records  # at once, not as after a failure


def test_a_connection_is_kept_also_after_an_answer_whose_length_was_told(
    server: ScriptedServer, follower: RevocationFollower
) -> None:
    """As proxies send it that read the whole answer first."""
    server.replies = [told(jti("a"))]
    server.rest = quiet
    follower.start()
    until(lambda: len(server.questions) > 3)
    assert len({asked.peer for asked in server.questions}) == 1


@pytest.mark.parametrize("part", ["head", "body"])
def test_an_answer_that_drips_is_given_up_when_its_time_is_over(server: ScriptedServer, part: str) -> None:
    """Byte after byte, each within the time of silence."""
    server.rest = replace(told(jti("a")), drips=part)
    code = {"head": "connection_failed", "body": "answer_too_slow"}[part]
    with (
        mock.patch.object(revocations, "_ANSWER_SECONDS", 1.0),
        RevocationFollower(server.url, "the-token", max_staleness_seconds=3) as follower,
    ):
        until(lambda: follower.last_error == code, 20)


def test_a_follower_may_be_told_that_what_it_knows_is_never_too_old(server: ScriptedServer) -> None:
    server.replies, server.rest = [told(jti("a"))], quiet
    with RevocationFollower(server.url, "the-token", max_staleness_seconds=math.inf) as follower:
        until(lambda: len(server.questions) > 1)
        assert follower.is_fresh
    assert server.questions[0].query == {"wait": "20"}
    with pytest.raises(ValueError, match="max_staleness_seconds"):
        RevocationFollower(server.url, "the-token", max_staleness_seconds=math.nan)


def test_close_ends_a_wait_at_once(server: ScriptedServer, follower: RevocationFollower) -> None:
    server.replies, server.rest = [told()], told(snapshot=False, seconds=20)
    follower.start()
    until(lambda: len(server.questions) == 2)
    follower.close()
    assert follower._thread is not None
    assert not follower._thread.is_alive()
    follower.close()


def test_close_ends_a_wait_over_a_kept_connection_without_another_question(
    server: ScriptedServer, follower: RevocationFollower
) -> None:
    server.replies = [replace(told(), chunked=True)]
    server.rest = told(snapshot=False, seconds=2)
    follower.start()
    until(lambda: len(server.questions) == 2)
    follower.close()
    assert len(server.questions) == 2


def test_in_a_child_of_a_fork_nothing_is_fresh_until_it_is_started_there(
    server: ScriptedServer, follower: RevocationFollower
) -> None:
    server.replies, server.rest = [told(jti("a"))], told(seconds=0.2)
    follower.start()
    until(lambda: follower.is_fresh)

    def child() -> bool:
        was_fresh = follower.is_fresh
        follower.start()
        return not was_fresh and knows(follower, "a") and follower.wait_until_fresh(10)

    assert in_a_fork(child)


def test_it_is_started_once(follower: RevocationFollower) -> None:
    follower.start()
    with pytest.raises(RuntimeError):
        follower.start()


@pytest.mark.parametrize(
    "url",
    [
        "ftp://service.example",
        "service.example",
        "https://",
        "https://user@service.example",
        "https://service.example/?a=b",
        "https://service.example/#a",
        "https://service.example/a b",
        "https://service.example/a\r\nb",
        "https://s\u00e9rvice.example",
        "http://service.example",
        "http://192.0.2.1",
    ],
)
def test_an_address_that_is_none_or_shows_the_token_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="url"):
        RevocationFollower(url, "t")


def test_addresses() -> None:
    RevocationFollower("http://service.example", "t", allow_plaintext=True)
    RevocationFollower("http://[::1]:8081/", "t")
    assert RevocationFollower("https://service.example/below/v1/revocations", "t")._path == "/below/v1/revocations"
    assert RevocationFollower("https://service.example", "t")._path == "/v1/revocations"
    with pytest.raises(ValueError, match="max_staleness_seconds"):
        RevocationFollower("https://service.example", "t", max_staleness_seconds=math.nan)


def test_nothing_of_the_token_or_of_an_answer_is_logged(
    server: ScriptedServer, follower: RevocationFollower, caplog: pytest.LogCaptureFixture
) -> None:
    server.replies = [reply(lines({**FIRST, "logs": "canary"})), Reply(b"canary", status=401)]
    follower.start()
    until(lambda: len(server.questions) > 3)
    assert "revocations are not followed" in caplog.text
    assert "canary" not in caplog.text
    assert "the-token" not in caplog.text


def test_expired_entries_leave_the_set(server: ScriptedServer, follower: RevocationFollower) -> None:
    server.replies, server.rest = [told(jti("old", expires_at=1), jti("a"))], quiet
    with mock.patch.object(revocations, "_PURGE_SECONDS", 0):
        follower.start()
        until(lambda: len(server.questions) > 2)
    assert knows(follower, "a")
    assert not knows(follower, "old")


def test_a_clock_that_jumps_ahead_takes_nothing_out_of_the_set(follower: RevocationFollower) -> None:
    follower.revocations.revoke_jti("a", expires_at=int(time.time()) + 3600)
    tomorrow = mock.patch.object(time, "time_ns", return_value=time.time_ns() + 86_400 * 10**9)
    with mock.patch.object(revocations, "_PURGE_SECONDS", 0), tomorrow:
        follower._purge()
    assert knows(follower, "a")
