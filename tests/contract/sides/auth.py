# SPDX-License-Identifier: Apache-2.0
"""The auth surface's side: it lists and ends every session, whichever surface made it."""

from contract.sides.side import ACCESS, REFRESH, Made, Revoke, Side, Way
from surfaces.auth.calls import SUCCESS, call, check_error, check_success
from surfaces.auth.people import add_user, sign_in
from surfaces.service_rig import Rig
from surfaces.session_token.keys import claims_of
from tessera_service.surfaces.auth.operations import LIST, LOGOUT
from tessera_service.surfaces.auth.operations import REVOKE as END

_NAMES: dict[str, str] = {}


async def make(rig: Rig, subject: str) -> Made:
    """By name and password; of a user of that name, who is added, unless `subject` is the id of one that was."""
    if subject not in _NAMES:
        user = await add_user(rig, subject)
        _NAMES[user.user_id] = subject
        subject = user.user_id
    pair = await sign_in(rig, _NAMES[subject])
    return Made(pair["session_id"], subject, {kind: pair[f"{kind}_token"] for kind in (ACCESS, REFRESH)})


async def validate(rig: Rig, token: str) -> str | None:
    """As bearer of a list of one's own, which has that session among the active ones."""
    session_id = str(claims_of(token)["sid"])
    answer = await call(rig, LIST, bearer=token, status="active", limit=100)
    assert answer.status_code == 200, answer.text
    assert session_id in [session["session_id"] for session in answer.json()["data"]]
    return session_id


async def refuse_access(rig: Rig, token: str) -> None:
    check_error(await call(rig, LIST, bearer=token), 401, "auth.token.invalid")
    check_error(await call(rig, END, {}, bearer=token), 401, "auth.token.invalid")
    await refuse_logout(rig, token)


async def refuse_logout(rig: Rig, token: str) -> None:
    check_error(await call(rig, LOGOUT, {}, bearer=token), 400, "auth.token.already_revoked")


async def list_active(rig: Rig, subject: str) -> set[str]:
    bearer = await rig.service_bearer("session.read:any")
    answer = await call(rig, LIST, bearer=bearer, user_id=subject, status="active", limit=100)
    assert answer.status_code == 200, answer.text
    return {session["session_id"] for session in answer.json()["data"]}


def log_out(kind: str) -> Revoke:
    async def revoke(rig: Rig, made: Made) -> None:
        assert check_success(await call(rig, LOGOUT, {}, bearer=made.tokens[kind])) == SUCCESS

    return revoke


async def end(rig: Rig, made: Made) -> None:
    """By an operator."""
    bearer = await rig.service_bearer("session.revoke:any")
    assert check_success(await call(rig, END, {}, bearer=bearer, session_id=made.session_id)) == SUCCESS


SIDE = Side(
    surface="auth",
    makes=(ACCESS, REFRESH),
    make=make,
    names_subjects=True,
    validate={ACCESS: validate},
    refuse={ACCESS: refuse_access, REFRESH: refuse_logout},
    list_active=list_active,
    by_token=(Way("logout", ACCESS, log_out(ACCESS)), Way("logout", REFRESH, log_out(REFRESH))),
    by_id={"an operator's": end},
)
