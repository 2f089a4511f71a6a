# SPDX-License-Identifier: Apache-2.0
"""The auth surface's side. It makes sessions too, but of users of the directory, whose ids nobody chooses."""

from contract.sides.side import ACCESS, REFRESH, Made, Side, Way
from surfaces.auth.calls import NOBODY, SUCCESS, call, check_success
from surfaces.service_rig import Rig
from tessera_service.surfaces.auth.operations import LIST, LOGOUT, REVOKE


async def validate(rig: Rig, token: str) -> str | None:
    assert (await call(rig, LIST, bearer=token)).status_code == 200
    return None


async def refuse_access(rig: Rig, token: str) -> None:
    for operation in (LIST, REVOKE):
        answer = await call(rig, operation, bearer=token, session_id=NOBODY)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "auth.token.invalid"), operation
    await refuse_logout(rig, token)


async def refuse_logout(rig: Rig, token: str) -> None:
    answer = await call(rig, LOGOUT, bearer=token)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "auth.token.already_revoked")


async def list_active(rig: Rig, subject: str) -> set[str]:
    admin = await rig.service_bearer("session.read:any")
    answer = await call(rig, LIST, bearer=admin, user_id=subject, status="active", limit=100)
    assert answer.status_code == 200, answer.text
    return {session["session_id"] for session in answer.json()["data"]}


async def log_out(rig: Rig, token: str) -> None:
    assert check_success(await call(rig, LOGOUT, bearer=token)) == SUCCESS


async def revoke(rig: Rig, made: Made) -> None:
    """By somebody who may."""
    admin = await rig.service_bearer("session.revoke:any")
    assert check_success(await call(rig, REVOKE, bearer=admin, session_id=made.session_id)) == SUCCESS


SIDE = Side(
    surface="auth",
    validate={ACCESS: validate},
    refuse={ACCESS: refuse_access, REFRESH: refuse_logout},
    list_active=list_active,
    by_token=(
        Way("logout", ACCESS, lambda rig, made: log_out(rig, made.tokens[ACCESS])),
        Way("logout", REFRESH, lambda rig, made: log_out(rig, made.tokens[REFRESH])),
    ),
    by_id={"an administrator's": revoke},
)
