# SPDX-License-Identifier: Apache-2.0
"""The OAuth surface's side: it tells of tokens and revokes them, and makes and lists nothing."""

from contract.sides.side import ACCESS, REFRESH, Revoke, Side, Way
from surfaces.oauth2 import calls
from surfaces.oauth2.calls import POSTS, check_error, send
from surfaces.service_rig import Rig


async def validate(rig: Rig, token: str) -> str | None:
    told = await calls.introspect(rig, token)
    assert told["active"] is True
    return str(told["session_id"])


async def refuse_access(rig: Rig, token: str) -> None:
    await refuse(rig, token)
    for operation in POSTS:
        check_error(await send(rig, operation, {"token": "x"}, bearer=token), 401, "invalid_token")


async def refuse(rig: Rig, token: str) -> None:
    assert await calls.introspect(rig, token) == {"active": False}


def by_token(kind: str) -> Revoke:
    return lambda rig, made: calls.revoke(rig, made.tokens[kind])


SIDE = Side(
    surface="oauth2",
    validate={ACCESS: validate, REFRESH: validate},
    refuse={ACCESS: refuse_access, REFRESH: refuse},
    by_token=(
        Way("token", ACCESS, by_token(ACCESS), ends_session=False),
        Way("token", REFRESH, by_token(REFRESH)),
    ),
)
