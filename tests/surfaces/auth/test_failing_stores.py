# SPDX-License-Identifier: Apache-2.0
"""A store that fails is neither a dead token nor success, and nobody waits long for it."""

import asyncio
import time

import pytest

from surfaces.auth.calls import BODIES, OTP_LOGIN, call, check_error
from surfaces.service_rig import Rig
from tessera_service.surfaces.auth.operations import LIST, LOGIN, LOGOUT, REVOKE


@pytest.mark.parametrize("failure", ["raises", "hangs"])
async def test_every_call_is_unavailable_within_two_seconds_and_changes_nothing(rig: Rig, failure: str) -> None:
    one, other, third = await rig.issue("alice"), await rig.issue("alice"), await rig.issue("bob")
    admin = await rig.service_bearer("session.read:any", "session.revoke:any")
    rig.fail_stores(failure)
    began = time.monotonic()
    answers = await asyncio.gather(
        call(rig, LOGIN, BODIES[LOGIN]),
        call(rig, LOGIN, OTP_LOGIN),
        call(rig, LOGOUT, bearer=one["access_token"]),
        call(rig, LOGOUT, bearer=other["refresh_token"]),
        call(rig, LIST, bearer=admin, user_id="alice"),
        call(rig, REVOKE, bearer=admin, session_id=third["session_id"]),
    )
    assert time.monotonic() - began < 2.5  # all at once, on a busy machine
    for answer in answers:
        check_error(answer, 503, "auth.internal_error")
    rig.fail_stores(None)
    for pair in (one, other, third):
        assert await rig.is_alive(pair["access_token"])
