# SPDX-License-Identifier: Apache-2.0
"""What this surface does without its stores, and what it keeps to itself."""

import asyncio
import io
import time

import pytest

from surfaces.oauth2.calls import POSTS, check_error, introspect, make_client, revoke, send
from surfaces.service_rig import Rig
from tessera_service.surfaces.oauth2.operations import INTROSPECT, PATHS, REVOKE

FAILURES = ("raises", "hangs")


@pytest.mark.parametrize("failure", FAILURES)
async def test_every_call_that_needs_a_store_is_unavailable_within_two_seconds(rig: Rig, failure: str) -> None:
    client, pair = await make_client(rig), await rig.issue("alice")
    bearer = await rig.service_bearer("token.introspect", "token.revoke")
    unseen = await rig.mint("token.introspect", "token.revoke")
    token = {"token": pair["refresh_token"]}
    rig.fail_stores(failure)
    began = time.monotonic()
    answers = await asyncio.gather(
        *(send(rig, operation, {"token": "x"}, client=client) for operation in POSTS),
        *(send(rig, operation, token, bearer=bearer) for operation in POSTS),
        *(send(rig, operation, {"token": "x"}, bearer=unseen) for operation in POSTS),
    )
    assert time.monotonic() - began < 2.5  # all at once, on a busy machine
    for answer in answers:
        check_error(answer, 503, "temporarily_unavailable")


async def test_a_client_who_cannot_be_looked_up_is_counted(rig: Rig) -> None:
    client = await make_client(rig)
    rig.fail_stores("raises")
    check_error(await send(rig, INTROSPECT, {"token": "x"}, client=client), 503, "temporarily_unavailable")
    read = rig.app.state.metrics.registry.get_sample_value
    assert read("tessera_store_errors_total", {"call": "client"}) == 1


async def test_a_revocation_that_was_not_stored_is_not_acknowledged(rig: Rig) -> None:
    token = (await rig.issue("alice"))["access_token"]
    bearer = await rig.service_bearer("token.introspect", "token.revoke")
    rig.fail_stores("raises")
    check_error(await send(rig, REVOKE, {"token": token}, bearer=bearer), 503, "temporarily_unavailable")
    rig.fail_stores(None)
    assert await rig.is_alive(token)
    await revoke(rig, token)
    assert not await rig.is_alive(token)


async def test_what_was_sent_comes_back_in_no_error_and_reaches_no_log(rig: Rig, logged: io.StringIO) -> None:
    before = len(logged.getvalue())
    canary = "c4nary-4711"
    client, pair = await make_client(rig), await rig.issue("alice")
    answers = []
    for operation in POSTS:
        for fields in (
            [("token", canary * 1000)],
            [("token", canary), ("token", canary)],
            [("token", "x"), ("token_type_hint", canary * 20)],
            [("token", "x"), ("client_secret", canary)],
            [(canary, canary)],
        ):
            answers.append(await send(rig, operation, fields, client=client))
        for value in (f"Basic {canary}", f"Bearer {canary}", f"Bearer a.{canary}.b", canary):
            answers.append(await send(rig, operation, {"token": canary}, headers={"Authorization": value}))
        for name in ("Content-Type", "X-Tenant-ID"):
            answers.append(await send(rig, operation, {"token": canary}, client=client, headers={name: f"{canary}/"}))
        answers.append(await rig.client.get(f"{PATHS[operation]}?token={canary}"))
    assert all(400 <= answer.status_code < 500 for answer in answers)
    assert len(answers) > 20
    for answer in answers:
        assert canary not in answer.text + str(answer.headers)
    await introspect(rig, pair["access_token"], client=client)
    await revoke(rig, pair["refresh_token"], client=client)
    written = logged.getvalue()[before:]
    assert PATHS[INTROSPECT] in written
    basic = client.authorization.removeprefix("Basic ")
    for secret in (canary, client.secret, basic, pair["refresh_token"].rsplit(".", 1)[1], pair["access_token"][:60]):
        assert secret not in written


async def test_what_is_done_here_is_counted_and_a_revocation_is_logged(rig: Rig, logged: io.StringIO) -> None:
    before = len(logged.getvalue())
    client = await make_client(rig, subject="portal")
    token = (await rig.issue("alice"))["access_token"]
    await introspect(rig, token, client=client)
    await revoke(rig, token, client=client)
    await introspect(rig, token, client=client)
    await revoke(rig, "x", client=client)
    figures = (await rig.client.get("/metrics")).text
    assert 'tessera_introspections_total{outcome="active"} 1.0' in figures
    assert 'tessera_introspections_total{outcome="inactive"} 1.0' in figures
    assert 'tessera_revocations_total{outcome="ok",what="token"} 1.0' in figures
    assert 'tessera_revocations_total{outcome="revoke_invalid",what="token"} 1.0' in figures
    (line,) = [line for line in logged.getvalue()[before:].splitlines() if '"revoked"' in line]
    assert '"portal"' in line
