# SPDX-License-Identifier: Apache-2.0
"""What happens at the same time, over HTTP, on every store."""

import asyncio
import os
from datetime import UTC, datetime
from typing import Any

import pytest

from surfaces.gateway.calls import PERMISSIONS, THRESHOLD, body, code_of, make, send
from surfaces.service_rig import Rig

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROUNDS = 100 if os.environ.get("TESSERA_FAULTS") == "1" else 15
CREATES = 50
LIMIT = 5


async def make_due(rig: Rig) -> dict[str, Any]:
    """A session that is inside the threshold from the beginning."""
    end = datetime.fromtimestamp(rig.clock.now() + THRESHOLD, UTC)
    return await make(rig, expires_at=end.strftime("%Y-%m-%dT%H:%M:%SZ"))


@pytest.mark.slow
async def test_creations_at_once_never_leave_more_than_the_limit(shared: Rig) -> None:
    reader = (await make(shared, permissions=["session.read:any"], remember_me=True))["token"]
    bearer = await shared.service_bearer(*PERMISSIONS)
    for number in range(ROUNDS):
        user = f"racer-{number}"
        work = [send(shared, "POST", "", body(user), bearer=bearer) for _ in range(CREATES)]
        seen = [asyncio.create_task(send(shared, "GET", f"/user/{user}", bearer=reader)) for _ in range(3)]
        answers = await asyncio.gather(*work)
        made = [answer.status_code for answer in answers].count(201)
        assert {answer.status_code for answer in answers} <= {201, 503}  # a busy machine may be too slow for some
        listed = [await task for task in seen]
        assert {answer.status_code for answer in listed} <= {200, 503}
        assert all(answer.json()["count"] <= LIMIT for answer in listed if answer.status_code == 200)
        last = (await send(shared, "GET", f"/user/{user}", bearer=reader)).json()
        assert min(made, LIMIT) <= last["count"] <= LIMIT


async def test_validations_and_refreshes_at_once_get_one_successor(shared: Rig) -> None:
    for _ in range(20):
        made = await make_due(shared)
        validations = [send(shared, "POST", "/validate", {"token": made["token"]}) for _ in range(25)]
        refreshes = [send(shared, "POST", "/refresh", bearer=made["token"]) for _ in range(25)]
        answers = [answer.json() for answer in await asyncio.gather(*validations, *refreshes)]
        assert len({answer.get("new_token") or answer["token"] for answer in answers}) == 1
        assert len({answer["session"]["expires_at"] for answer in answers[:25]}) == 1


async def test_nothing_that_slides_during_a_revocation_lives(shared: Rig) -> None:
    for _ in range(50):
        made = await make_due(shared)
        *answers, revoked = await asyncio.gather(
            *(send(shared, "POST", "/validate", {"token": made["token"]}) for _ in range(5)),
            send(shared, "POST", "/logout", bearer=made["token"]),
        )
        assert revoked.status_code == 200
        tokens = {made["token"], *(answer.json().get("new_token", made["token"]) for answer in answers)}
        assert [await code_of(shared, token) for token in tokens] == ["session_inactive"] * len(tokens)
