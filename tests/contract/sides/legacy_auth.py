# SPDX-License-Identifier: Apache-2.0
"""The legacy surface's side: it makes no session, but knows every access and refresh token."""

from contract.sides.side import ACCESS, REFRESH, Made, Side, Way
from surfaces.legacy_auth.calls import ask, log_out, refresh
from surfaces.service_rig import Rig
from surfaces.session_token.keys import claims_of


async def validate(rig: Rig, token: str) -> str | None:
    answer = await ask(rig, token)
    assert (answer.status_code, answer.json()["isValid"]) == (200, True)
    return str(answer.json()["sessionId"])


async def refuse_access(rig: Rig, token: str) -> None:
    for answer in (await ask(rig, token), await ask(rig, query={"accessToken": token})):
        assert (answer.status_code, answer.json()["isValid"]) == (401, False)
    answer = await log_out(rig, token, claims_of(token)["sid"])
    assert (answer.status_code, answer.json()["success"]) == (401, False)


async def refuse_refresh(rig: Rig, token: str) -> None:
    answer = await refresh(rig, token)
    assert (answer.status_code, answer.json()["success"]) == (401, False)


async def log_out_own(rig: Rig, made: Made) -> None:
    """By its own token."""
    await end(rig, made.tokens[ACCESS], made.session_id)


async def log_out_from_another(rig: Rig, made: Made) -> None:
    """By the token of another session of the same subject."""
    await end(rig, (await rig.issue(made.subject))["access_token"], made.session_id)


async def end(rig: Rig, token: str, session_id: str) -> None:
    answer = await log_out(rig, token, session_id)
    assert (answer.status_code, answer.json()["success"]) == (200, True)


SIDE = Side(
    surface="legacy_auth",
    validate={ACCESS: validate},
    refuse={ACCESS: refuse_access, REFRESH: refuse_refresh},
    by_token=(Way("logout", ACCESS, log_out_own),),
    by_id={"logout from another session": log_out_from_another},
)
