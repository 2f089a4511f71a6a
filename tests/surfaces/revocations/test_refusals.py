# SPDX-License-Identifier: Apache-2.0
"""Who is told nothing, and when an answer is none."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from unittest import mock

import pytest

from surfaces.edge.asgi import ask as ask_plainly
from surfaces.revocations.calls import PATH, ask, end_session, follow, for_all_tenants
from surfaces.service_rig import OTHER_TENANT, TENANT, Rig
from surfaces.session_token.keys import claims_of
from tessera_service.engine.revocation_feed import MAX_FOLLOWERS_OF_TENANT
from tessera_service.errors import StoreUnavailable
from tessera_service.models import LogPage
from tessera_service.storage.base import RevocationLog

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    "query",
    [
        {"cursor": ""},
        {"cursor": "AAAA"},
        {"cursor": "A" * 64},
        {"cursor": "A" * 5000},
        {"cursor": "\u00e9"},
        {"wait": "31"},
        {"wait": "-1"},
        {"wait": "1.5"},
        {"wait": ""},
        {"wait": "\u0661"},
        {"wait": "999999999999999999999"},
        [("wait", "1"), ("wait", "1")],
        [("cursor", "A"), ("cursor", "A")],
        [(f"other{number}", "") for number in range(20)],
    ],
)
async def test_a_question_that_means_nothing_is_refused_without_an_echo(shared: Rig, query: Any) -> None:
    bearer = await shared.service_bearer("token.introspect")
    answer = await shared.client.get(PATH, params=query, headers={"Authorization": f"Bearer {bearer}"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "common.validation_error")
    assert "AAAA" not in answer.text


async def test_a_cursor_counts_for_whom_it_was_made_alone(shared: Rig) -> None:
    of_all = (await follow(shared, bearer=await for_all_tenants(shared))).cursor
    of_other_bearer = await shared.service_bearer("token.introspect", tenant_id=OTHER_TENANT)
    of_other = (await follow(shared, bearer=of_other_bearer)).cursor
    for cursor in (of_all, of_other):
        assert (await ask(shared, cursor)).status_code == 400
    own = (await follow(shared)).cursor
    changed = own[:-4] + ("AAAA" if own[-4:] != "AAAA" else "BBBB")
    assert (await ask(shared, changed)).status_code == 400


async def test_without_the_permission_nothing_is_told(shared: Rig) -> None:
    answer = await ask(shared, bearer=await shared.service_bearer("token.revoke"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "common.forbidden")


async def test_who_is_not_known_is_told_nothing(shared: Rig) -> None:
    for headers in ({}, {"Authorization": "Bearer aaaa.bbbb.cccc"}):
        answer = await shared.client.get(PATH, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_token_for_all_tenants_is_still_of_its_own(shared: Rig) -> None:
    bearer = await for_all_tenants(shared)
    assert (await ask(shared, bearer=bearer, headers={"X-Tenant-ID": TENANT})).status_code == 200
    answer = await ask(shared, bearer=bearer, headers={"X-Tenant-ID": OTHER_TENANT})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "auth.tenant.mismatch")


async def test_who_is_revoked_while_it_waits_is_sent_away(shared: Rig) -> None:
    bearer = await shared.mint("token.introspect")
    cursor = (await follow(shared, bearer=bearer)).cursor
    with mock.patch.object(shared.engine.feed, "_published", return_value=[]):  # its own end is no news for it
        waiting = asyncio.create_task(ask(shared, cursor, bearer=bearer, wait=30))
        await asyncio.sleep(0.1)
        await shared.engine.service_tokens.revoke(str(claims_of(bearer)["jti"]))
        async with asyncio.timeout(10):
            assert (await waiting).status_code == 401


@pytest.mark.parametrize("failure", ["raises", "hangs"])
async def test_silence_of_the_stores_is_no_silence_of_the_logs(shared: Rig, failure: str) -> None:
    cursor = (await follow(shared)).cursor
    waiting = asyncio.create_task(ask(shared, cursor, wait=30))
    await asyncio.sleep(0.1)
    shared.fail_stores(failure)
    async with asyncio.timeout(20):
        answer = await waiting
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    shared.fail_stores(None)
    async with asyncio.timeout(20):
        while (await ask(shared, cursor)).status_code != 200:  # noqa: ASYNC110 (until the logs were read again)
            await asyncio.sleep(0.05)


async def test_a_snapshot_that_breaks_off_has_no_last_line(shared: Rig) -> None:
    await end_session(shared)
    feed = shared.engine.feed
    whole = feed._pages

    async def breaks(log: RevocationLog) -> AsyncIterator[LogPage]:
        async for page in whole(log):
            yield page
        raise StoreUnavailable

    with mock.patch.object(feed, "_pages", breaks):
        answer = await ask(shared)
    assert answer.status_code == 200
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert lines[0]["snapshot"] is True
    assert lines[1:]
    assert all("cursor" not in line for line in lines)


async def test_beyond_the_seats_of_a_tenant_nobody_is_served(rig_of_one_store: Rig) -> None:
    rig = rig_of_one_store
    cursor = (await follow(rig)).cursor
    closed = False

    async def wait() -> int:
        """Again after a refusal: whoever asks whether all seats are taken takes one meanwhile."""
        while (answer := await ask(rig, cursor, wait=20)).status_code == 503 or not closed:  # noqa: ASYNC110 (an answer)
            await asyncio.sleep(0.05)
        return answer.status_code

    waiting = [asyncio.create_task(wait()) for _ in range(MAX_FOLLOWERS_OF_TENANT)]
    async with asyncio.timeout(120):
        while (answer := await ask(rig, cursor)).status_code == 200:  # noqa: ASYNC110 (not all of them have begun)
            await asyncio.sleep(0.05)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    other = await rig.service_bearer("token.introspect", tenant_id=OTHER_TENANT)
    assert (await ask(rig, bearer=other)).status_code == 200
    closed = True
    rig.engine.feed.close()
    assert {await answered for answered in waiting} == {200}
    assert (await ask(rig, cursor)).status_code == 200


async def test_when_the_service_ends_who_waits_is_answered_with_what_there_is(rig_of_one_store: Rig) -> None:
    cursor = (await follow(rig_of_one_store)).cursor
    waiting = asyncio.create_task(follow(rig_of_one_store, cursor, wait=30))
    await asyncio.sleep(0.1)
    rig_of_one_store.engine.feed.close()
    async with asyncio.timeout(5):
        assert (await waiting).cursor


@pytest.mark.parametrize("lost", [0, 1, 2])
async def test_a_client_that_goes_leaves_its_seat(shared: Rig, lost: int) -> None:
    """Also if what it waits for loses a cancellation or two, as drivers may."""
    bearer = await shared.service_bearer("token.introspect")
    cursor = (await follow(shared)).cursor
    cancelled = 0

    async def wait(*_: Any, **__: Any) -> None:
        nonlocal cancelled
        while True:
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                cancelled += 1
                if cancelled > lost:
                    raise

    async with asyncio.timeout(10):
        with mock.patch.object(shared.engine.feed, "news", wait):
            answer = await ask_plainly(
                shared.app,
                PATH,
                query_string=f"cursor={cursor}&wait=30".encode(),
                headers=[(b"authorization", b"Bearer " + bearer.encode())],
                messages=[{"type": "http.request"}, {"type": "http.disconnect"}],
            )
    assert answer.status == 0
    assert cancelled == lost + 1
