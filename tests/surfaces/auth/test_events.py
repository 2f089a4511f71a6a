# SPDX-License-Identifier: Apache-2.0
"""What each call leaves in the outbox: exactly the right rows, and none for what changed nothing."""

from typing import Any

import pytest

from surfaces.auth.calls import NOBODY, call
from surfaces.auth.people import add_user, sign_in
from surfaces.service_rig import TENANT, Rig
from tessera_service.http.times import format_time
from tessera_service.surfaces.auth.operations import LIST, LOGIN, LOGOUT, REVOKE

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
METADATA = {"ip_address": "203.113.12.1", "user_agent": FIREFOX, "device_type": "ios", "location": "Ho Chi Minh, VN"}


async def written(rig: Rig, after: int = 0) -> list[tuple[int, str, str | None, dict[str, Any]]]:
    """The rows of the session store's outbox about sessions: sequence, id, subject of the event, data."""
    rows = await rig.stores[1].read_outbox(after=after)
    return [
        (row.sequence, row.event.event_id, row.event.session_id, dict(row.event.data))
        for row in rows
        if row.event.session_id is not None
    ]


async def head(rig: Rig) -> int:
    return int((await rig.stores[1].outbox_size()).head)


async def issue(rig: Rig) -> dict[str, Any]:
    return await rig.issue("alice", session_metadata=METADATA)


def ended(pair: dict[str, Any], at: int, *, reason: str, by: str) -> tuple[str, str, dict[str, Any]]:
    session_id = pair["session_id"]
    data = {
        "session_id": session_id,
        "user_id": "alice",
        "tenant_id": TENANT,
        "revoked_reason": reason,
        "revoked_at": format_time(at),
        "revoked_by": by,
        "ip_address": METADATA["ip_address"],
        "device_type": METADATA["device_type"],
    }
    return f"{session_id}.revoked", session_id, data


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
async def test_a_logout_is_one_event_and_a_second_one_none(rig: Rig, which: str) -> None:
    pair, now = await issue(rig), rig.clock.freeze()
    before = await head(rig)
    assert (await call(rig, LOGOUT, {"reason": "device_lost"}, bearer=pair[which])).status_code == 200
    assert (await call(rig, LOGOUT, bearer=pair[which])).status_code == 400
    found = await written(rig, before)
    assert [row[1:] for row in found] == [ended(pair, now, reason="device_lost", by="alice")]


async def test_a_revocation_is_one_event_and_its_repetition_none(rig: Rig) -> None:
    pair, admin = await issue(rig), await rig.service_bearer("session.revoke:any")
    before, now = await head(rig), rig.clock.freeze()
    for _ in range(2):
        answer = await call(rig, REVOKE, {"reason": "admin_forced"}, bearer=admin, session_id=pair["session_id"])
        assert answer.status_code == 200
    found = await written(rig, before)
    assert [row[1:] for row in found] == [ended(pair, now, reason="admin_forced", by="gateway")]


async def test_what_changes_nothing_leaves_nothing(rig: Rig) -> None:
    pair, admin = await issue(rig), await rig.service_bearer("session.read:any", "session.revoke:any")
    before = await head(rig)
    answers = [
        await call(rig, LOGOUT, bearer="aaaa.bbbb.cccc"),
        await call(rig, LOGOUT, {"reason": ""}, bearer=pair["access_token"]),
        await call(rig, LIST, bearer=admin, user_id="alice"),
        await call(rig, REVOKE, bearer=admin, session_id=NOBODY),
        await call(rig, REVOKE, bearer=pair["access_token"], session_id=pair["session_id"]),
        await call(rig, LOGIN, {"login_type": "local", "username": "nobody", "password": "guessed it"}),
    ]
    assert [answer.status_code for answer in answers] == [401, 400, 200, 404, 403, 401]
    assert await head(rig) == before


async def test_a_login_is_one_event_with_where_it_came_from_and_no_token(rig: Rig) -> None:
    user = await add_user(rig)
    before = await head(rig)
    pair = await sign_in(rig, headers={"User-Agent": FIREFOX, "X-Device-Type": "ios"})
    ((_, event_id, session_id, data),) = await written(rig, before)
    assert (event_id, session_id) == (f"{pair['session_id']}.issued", pair["session_id"])
    assert data == {
        "user_id": user.user_id,
        "tenant_id": TENANT,
        "auth_method": "local",
        "session_id": pair["session_id"],
        "ip_address": "127.0.0.1",
        "user_agent": FIREFOX,
        "device_type": "ios",
        "location": None,
    }
