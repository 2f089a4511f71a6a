# SPDX-License-Identifier: Apache-2.0
"""What followers are told: everything that still counts, and what is new."""

import asyncio
from unittest import mock

import pytest

from surfaces.revocations.calls import PATH, ask, end_session, follow, for_all_tenants, read, revoke
from surfaces.service_rig import OTHER_TENANT, TENANT, Rig
from surfaces.session_token.keys import claims_of
from tessera_service.surfaces.revocations import lines

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_snapshot_tells_every_kind_of_revocation_in_the_order_of_their_log(shared: Rig) -> None:
    pair, subject = await shared.issue(), f"user-{next(shared.numbers)}"
    await shared.issue(subject)
    await revoke(shared, token=pair["access_token"])
    session_id = await end_session(shared)
    before = shared.clock.now_ms()
    await revoke(shared, sub=subject)
    told = await follow(shared)
    assert (told.first["tenant_id"], told.first["snapshot"]) == (TENANT, True)
    jti, session, cutoff = [entry for entry in told.entries if entry["tenant_id"] == TENANT][-3:]
    assert (jti["kind"], set(jti)) == ("jti", {"kind", "id", "expires_at", "tenant_id"})
    assert (session["kind"], session["id"]) == ("session", session_id)
    assert (cutoff["kind"], cutoff["id"]) == ("subject", subject)
    assert before <= cutoff["cutoff_ms"] <= shared.clock.now_ms()
    assert all(entry["expires_at"] > shared.clock.now() for entry in (jti, session, cutoff))


async def test_from_a_cursor_on_only_what_is_new_is_told(shared: Rig) -> None:
    old = await end_session(shared)
    told = await follow(shared)
    assert old in told.ids
    new = [await end_session(shared), await end_session(shared)]
    ids: list[str] = []
    while len(ids) < len(new):
        told = await follow(shared, told.cursor, wait=20)
        assert told.first["snapshot"] is False
        ids += told.ids
    assert ids == new


async def test_the_same_cursor_tells_the_same_again(shared: Rig) -> None:
    cursor, session_id = (await follow(shared)).cursor, await end_session(shared)
    for _ in range(2):
        assert (await follow(shared, cursor, wait=20)).ids == [session_id]


async def test_who_waits_is_told_as_soon_as_there_is_something(shared: Rig) -> None:
    cursor = (await follow(shared)).cursor
    waiting = asyncio.create_task(follow(shared, cursor, wait=30))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    session_id = await end_session(shared)
    async with asyncio.timeout(10):
        assert (await waiting).ids == [session_id]


async def test_what_another_tenant_revokes_ends_no_wait_and_shows_in_no_cursor(shared: Rig) -> None:
    cursor = (await follow(shared)).cursor
    waiting = asyncio.create_task(follow(shared, cursor, wait=2))
    foreign = await end_session(shared, tenant_id=OTHER_TENANT)
    told = await waiting
    assert told.entries == []
    assert foreign not in (await follow(shared)).ids
    assert len({len((await follow(shared, told.cursor)).cursor) for _ in range(3)}) == 1


async def test_when_the_time_is_over_there_is_nothing_and_a_cursor_to_go_on_from(shared: Rig) -> None:
    told = await follow(shared)
    told = await follow(shared, told.cursor, wait=1)
    assert told.entries == []
    assert 0 <= told.last["as_of_ms"] <= 5000  # read while it waited
    session_id = await end_session(shared)
    assert (await follow(shared, told.cursor, wait=20)).ids == [session_id]


async def test_what_is_told_at_once_is_as_of_the_last_reading(shared: Rig) -> None:
    told = await follow(shared)
    told = await follow(shared, told.cursor)
    assert told.last["as_of_ms"] is not None
    assert -2000 <= told.last["as_of_ms"] <= 0


async def test_a_token_for_all_tenants_is_told_of_all(shared: Rig) -> None:
    everybody = await for_all_tenants(shared)
    here, there = await end_session(shared), await end_session(shared, tenant_id=OTHER_TENANT)
    told = await follow(shared, bearer=everybody)
    assert told.first["tenant_id"] is None
    assert {entry["id"]: entry["tenant_id"] for entry in told.entries if entry["id"] in (here, there)} == {
        here: TENANT,
        there: OTHER_TENANT,
    }
    more = await end_session(shared, tenant_id=OTHER_TENANT)
    assert (await follow(shared, told.cursor, bearer=everybody, wait=20)).ids == [more]


async def test_each_log_is_named(shared: Rig) -> None:
    told = await follow(shared)
    assert told.first["logs"] == [tail.log_id for tail in shared.engine.mirror.tails]
    assert (await follow(shared, told.cursor)).first["logs"] == told.first["logs"]


async def test_the_end_of_a_service_token_is_told(shared: Rig) -> None:
    cursor = (await follow(shared)).cursor
    token = await shared.mint("reports.read")
    jti = claims_of(token)["jti"]
    await shared.engine.service_tokens.revoke(jti)
    (entry,) = (await follow(shared, cursor, wait=20)).entries
    assert (entry["kind"], entry["id"]) == ("jti", jti)


async def test_an_answer_is_compressed_for_who_takes_that(shared: Rig) -> None:
    await end_session(shared)
    packed = await ask(shared, headers={"Accept-Encoding": "br, gzip"})
    plain = await ask(shared, headers={"Accept-Encoding": "br, gzip;q=0"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    for answer in (packed, plain):
        assert answer.headers["vary"] == "Accept-Encoding"
        assert answer.headers["content-type"] == "application/x-ndjson"
        assert answer.headers["cache-control"] == "no-store"
    assert read(packed).entries == read(plain).entries


@pytest.mark.parametrize("coding", ["gzip", "identity"])
async def test_a_long_search_for_what_concerns_a_tenant_does_not_look_like_a_broken_connection(
    shared: Rig, coding: str
) -> None:
    for _ in range(3):
        await end_session(shared, tenant_id=OTHER_TENANT)
    session_id = await end_session(shared)
    with mock.patch.object(lines, "_SILENCE_SECONDS", 0):
        told = await follow(shared, headers={"Accept-Encoding": coding})
    assert told.entries.count({"kind": "pause"}) >= len(told.first["logs"])
    assert session_id in [entry.get("id") for entry in told.entries]
    assert {"kind": "pause"} not in (await follow(shared, headers={"Accept-Encoding": coding})).entries


async def test_only_get_is_answered(shared: Rig) -> None:
    for method in ("POST", "HEAD", "DELETE"):
        answer = await shared.client.request(method, PATH)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
