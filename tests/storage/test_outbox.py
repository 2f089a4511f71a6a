# SPDX-License-Identifier: Apache-2.0
"""Every store: its outbox is read in order, delivered by one relay at a time, purged and erased."""

import asyncio
from dataclasses import replace

import pytest

from storage.examples import NOW, NOW_MS, gateway_session, make_session, revocation, rotation, tokens
from tessera_service.models import Event, OutboxSize, RelayClaim, SessionMetadata
from tessera_service.storage.base import SessionStore

LEASE = 10_000


async def sequences(store: SessionStore, *, after: int = 0, limit: int = 100) -> list[int]:
    return [row.sequence for row in await store.read_outbox(after=after, limit=limit)]


async def events(store: SessionStore) -> list[Event]:
    return [row.event for row in await store.read_outbox(after=0)]


async def claim(store: SessionStore, holder: str, *, at_ms: int = NOW_MS, lease_ms: int = LEASE) -> RelayClaim | None:
    return await store.claim_relay("audit", holder=holder, now_ms=at_ms, lease_ms=lease_ms)


async def advance(
    store: SessionStore, fence: int, position: int, *, at_ms: int = NOW_MS, lease_ms: int = LEASE
) -> bool:
    return await store.advance_relay("audit", fence=fence, position=position, now_ms=at_ms, lease_ms=lease_ms)


# Reading


async def test_an_outbox_begins_empty(store: SessionStore) -> None:
    assert await store.read_outbox(after=0) == []
    assert await store.outbox_size() == OutboxSize(0, 0, {})


async def test_rows_are_read_after_a_sequence_in_order(store: SessionStore) -> None:
    for number in range(5):
        await store.create(make_session(f"s{number}"))
    assert await sequences(store) == [1, 2, 3, 4, 5]
    assert await sequences(store, after=2) == [3, 4, 5]
    assert await sequences(store, after=2, limit=2) == [3, 4]
    assert await sequences(store, after=5) == []
    assert await sequences(store, after=99) == []
    assert [event.session_id for event in await events(store)] == ["s0", "s1", "s2", "s3", "s4"]


async def test_many_at_once_leave_no_gap(store: SessionStore) -> None:
    await asyncio.gather(*(store.create(make_session(f"s{number}")) for number in range(30)))
    assert await sequences(store) == list(range(1, 31))


async def test_the_size_is_what_is_kept_and_the_head_what_ever_was(store: SessionStore) -> None:
    for number in range(3):
        await store.create(make_session(f"s{number}", created_ms=NOW_MS + number))
    await claim(store, "a")
    assert await store.outbox_size() == OutboxSize(3, 3, {"audit": 0})
    await store.purge_outbox(before_ms=NOW_MS + 2)
    await advance(store, 1, 2)
    assert await store.outbox_size() == OutboxSize(1, 3, {"audit": 2})


async def test_a_revocation_of_a_subject_counts_each_of_its_sessions(store: SessionStore) -> None:
    for number in range(4):
        await store.create(make_session(f"s{number}"))
    await store.revoke_session("s3", revocation=revocation())
    await store.revoke_subject("tenant-a", "alice", revocation=revocation())
    assert await store.outbox_size() == OutboxSize(8, 8, {})
    assert await sequences(store, after=5) == [6, 7, 8]


async def test_the_key_of_an_outbox_stays_the_same(store: SessionStore) -> None:
    before = store.outbox_key
    await store.close()
    assert store.outbox_key == before


# Relays


async def test_the_first_claim_begins_before_the_first_row(store: SessionStore) -> None:
    assert await claim(store, "a") == RelayClaim(position=0, fence=1)


@pytest.mark.parametrize(("later_ms", "is_over"), [(LEASE - 1, False), (LEASE, True)])
async def test_another_holder_waits_for_the_end_of_a_lease(store: SessionStore, later_ms: int, is_over: bool) -> None:
    await claim(store, "a")
    expected = RelayClaim(position=0, fence=2) if is_over else None
    assert await claim(store, "b", at_ms=NOW_MS + later_ms) == expected


async def test_who_holds_the_relay_may_claim_it_again_under_the_same_fence(store: SessionStore) -> None:
    await claim(store, "a")
    assert await claim(store, "a", at_ms=NOW_MS + LEASE - 1) == RelayClaim(0, 1)
    assert await claim(store, "b", at_ms=NOW_MS + LEASE) is None  # the second claim lasts longer
    assert await claim(store, "a", at_ms=NOW_MS + 9 * LEASE) == RelayClaim(0, 1)


async def test_what_was_delivered_is_where_the_next_begins(store: SessionStore) -> None:
    await claim(store, "a")
    assert await advance(store, 1, 7) is True
    assert await claim(store, "b", at_ms=NOW_MS + LEASE) == RelayClaim(7, 2)


async def test_an_old_fence_changes_nothing(store: SessionStore) -> None:
    await claim(store, "a")
    await claim(store, "b", at_ms=NOW_MS + LEASE)
    assert await advance(store, 1, 9, at_ms=NOW_MS + 90 * LEASE) is False
    assert await advance(store, 3, 9) is False
    assert (await store.outbox_size()).positions == {"audit": 0}
    assert await claim(store, "a", at_ms=NOW_MS + LEASE) is None  # still b's
    assert await advance(store, 2, 9) is True


async def test_a_late_holder_goes_on_while_nobody_else_came(store: SessionStore) -> None:
    await claim(store, "a")
    assert await advance(store, 1, 3, at_ms=NOW_MS + 5 * LEASE) is True
    assert await claim(store, "b", at_ms=NOW_MS + 5 * LEASE) is None


async def test_advancing_renews_the_lease_and_zero_releases_it(store: SessionStore) -> None:
    await claim(store, "a")
    await advance(store, 1, 1, at_ms=NOW_MS + LEASE - 1)
    assert await claim(store, "b", at_ms=NOW_MS + LEASE) is None
    assert await advance(store, 1, 2, at_ms=NOW_MS + LEASE, lease_ms=0) is True
    assert await claim(store, "b", at_ms=NOW_MS + LEASE) == RelayClaim(2, 2)
    assert await advance(store, 1, 5) is False


async def test_a_position_never_goes_back(store: SessionStore) -> None:
    await claim(store, "a")
    await advance(store, 1, 5)
    assert await advance(store, 1, 4) is True
    assert (await store.outbox_size()).positions == {"audit": 5}


async def test_a_sink_that_nobody_claimed_does_not_advance(store: SessionStore) -> None:
    assert await advance(store, 0, 5) is False
    assert (await store.outbox_size()).positions == {}


async def test_each_sink_has_its_own_relay(store: SessionStore) -> None:
    await claim(store, "a")
    other = await store.claim_relay("webhook", holder="b", now_ms=NOW_MS, lease_ms=LEASE)
    assert other == RelayClaim(0, 1)
    await advance(store, 1, 5)
    assert (await store.outbox_size()).positions == {"audit": 5, "webhook": 0}


@pytest.mark.parametrize(("ahead_ms", "is_over"), [(LEASE, False), (LEASE + 1, True)])
async def test_a_lease_by_a_clock_that_was_far_ahead_does_not_hold(
    store: SessionStore, ahead_ms: int, is_over: bool
) -> None:
    await claim(store, "a", at_ms=NOW_MS + ahead_ms)
    assert (await claim(store, "b") is not None) is is_over


async def test_of_many_that_claim_at_once_one_wins(store: SessionStore) -> None:
    claims = await asyncio.gather(*(claim(store, f"holder-{number}") for number in range(20)))
    assert [one for one in claims if one is not None] == [RelayClaim(0, 1)]


# Purging


@pytest.mark.parametrize(("before_ms", "left"), [(NOW_MS, [1, 2, 3]), (NOW_MS + 1, [2, 3]), (NOW_MS + 3, [])])
async def test_what_happened_before_a_time_goes(store: SessionStore, before_ms: int, left: list[int]) -> None:
    for number in range(3):
        await store.create(make_session(f"s{number}", created_ms=NOW_MS + number))
    assert await store.purge_outbox(before_ms=before_ms) == 3 - len(left)
    assert await sequences(store) == left
    assert (await store.outbox_size()).rows == len(left)


async def test_a_purge_has_its_limit_and_takes_the_oldest_first(store: SessionStore) -> None:
    for at in (3, 1, 2):
        await store.create(make_session(f"s{at}", created_ms=NOW_MS + at))
    assert [await store.purge_outbox(before_ms=NOW_MS + 9, limit=1) for _ in range(2)] == [1, 1]
    assert [event.session_id for event in await events(store)] == ["s3"]
    assert [await store.purge_outbox(before_ms=NOW_MS + 9) for _ in range(2)] == [1, 0]


async def test_a_sequence_is_not_used_again_after_a_purge(store: SessionStore) -> None:
    await store.create(make_session("s1"))
    await store.purge_outbox(before_ms=NOW_MS + 1)
    await store.create(make_session("s2"))
    assert await sequences(store) == [2]
    assert await sequences(store, after=1) == [2]


async def test_purging_touches_no_session_and_no_log(store: SessionStore) -> None:
    created = await store.create(make_session())
    await store.purge_outbox(before_ms=NOW_MS + 1)
    assert await store.get("s1") == created


# Erasing


async def test_an_erasure_takes_where_the_user_was_and_leaves_the_rest(store: SessionStore) -> None:
    origin = SessionMetadata(ip_address="203.0.113.9", user_agent="Firefox", device_type="ios", location="Hue")
    await store.create(replace(make_session("s1"), metadata=origin))
    await store.create(make_session("s2", subject="bob"))
    await store.revoke_token(tokens("s1", 0)[0], revocation=revocation())
    await store.revoke_subject("tenant-a", "alice", revocation=revocation())
    before = await events(store)
    assert await store.erase_events("tenant-a", "alice") == 3
    after = await events(store)
    for one, other in zip(before, after, strict=True):
        assert replace(one, data={}) == replace(other, data={})
        gone = {"ip_address", "user_agent", "location"} if one.user_id == "alice" else set()
        assert dict(other.data) == {name: None if name in gone else value for name, value in one.data.items()}
    assert [event.data["device_type"] for event in after] == ["ios", "web", "ios", "ios"]
    assert await store.erase_events("tenant-a", "alice") == 0


async def test_an_erasure_has_its_limit(store: SessionStore) -> None:
    for number in range(3):
        await store.create(make_session(f"s{number}"))
    assert [await store.erase_events("tenant-a", "alice", limit=2) for _ in range(3)] == [2, 1, 0]
    assert {event.data["ip_address"] for event in await events(store)} == {None}


async def test_an_erasure_is_of_one_user_of_one_tenant(store: SessionStore) -> None:
    await store.create(make_session())
    assert await store.erase_events("tenant-b", "alice") == 0
    assert await store.erase_events("tenant-a", "bob") == 0
    assert [event.data["ip_address"] for event in await events(store)] == ["203.0.113.9"]


async def test_what_was_erased_can_be_purged(store: SessionStore) -> None:
    await store.create(make_session())
    await store.erase_events("tenant-a", "alice")
    assert await store.purge_outbox(before_ms=NOW_MS + 1) == 1
    assert await store.erase_events("tenant-a", "alice") == 0


async def test_what_was_purged_is_not_erased(store: SessionStore) -> None:
    for number in range(2):
        await store.create(make_session(f"s{number}", created_ms=NOW_MS + number))
    await store.purge_outbox(before_ms=NOW_MS + 1)
    assert await store.erase_events("tenant-a", "alice") == 1


async def test_the_sessions_of_a_subject_are_erased(store: SessionStore) -> None:
    for name in ("s1", "s2", "s3"):
        await store.create(make_session(name))
    other = await store.create(make_session("s4", subject="bob"))
    await store.revoke_session("s1", revocation=revocation())
    before = {name: await store.get(name) for name in ("s1", "s2", "s3")}
    assert [await store.erase_subject("tenant-a", "alice", limit=2) for _ in range(3)] == [2, 1, 0]
    for name, session in before.items():
        assert session is not None
        assert await store.get(name) == replace(session, username=None, metadata=SessionMetadata())
    assert await store.get("s4") == other
    assert await store.erase_subject("tenant-b", "bob") == 0
    counts = await store.count_sessions("tenant-a", surface="token", now=NOW)
    assert (counts.total, counts.active) == (4, 3)


async def test_tokens_that_are_kept_for_a_session_are_erased_with_it(store: SessionStore) -> None:
    """Their payloads name the user."""
    await store.create(replace(make_session("s1"), username=None, metadata=SessionMetadata()))
    await store.rotate(rotation("s1-r0", 1))
    await store.create(gateway_session("s2"))
    assert await store.erase_subject("tenant-a", "alice") == 2
    assert await store.erase_subject("tenant-a", "alice") == 0
    for name in ("s1", "s2"):
        session = await store.get(name)
        assert session is not None
        assert (session.successor, session.successor_until_ms, session.newest) == (None, None, None)
