# SPDX-License-Identifier: Apache-2.0
"""The session-token surface's side: it knows its own kind of token and nothing by its id."""

from collections.abc import Mapping

from contract.sides.side import SESSION, Made, Revoke, Side, Way
from surfaces.service_rig import Rig
from surfaces.session_token.keys import DEAD, REVOKE, REVOKED, claims_of, make_key, open_token, send
from surfaces.session_token.keys import validate as ask


async def make(rig: Rig, subject: str) -> Made:
    token = await open_token(rig, await make_key(rig, subject=subject))
    return Made(str(claims_of(token)["sid"]), subject, {SESSION: token})


async def validate(rig: Rig, token: str) -> str | None:
    answer = await ask(rig, token)
    assert (answer["is_valid"], answer["has_permission"]) == (True, True)
    return None


async def refuse(rig: Rig, token: str) -> None:
    assert await ask(rig, token) == DEAD


async def revoke(
    rig: Rig, body: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None, method: str = "DELETE"
) -> None:
    answer = await send(rig, REVOKE, body, method=method, headers=headers)
    assert (answer.status_code, answer.json()) == (200, REVOKED)


def by_header(name: str, value: str) -> Revoke:
    return lambda rig, made: revoke(rig, headers={name: value.format(made.tokens[SESSION])})


SIDE = Side(
    surface="session_token",
    makes=(SESSION,),
    make=make,
    validate={SESSION: validate},
    refuse={SESSION: refuse},
    by_token=(
        Way("body", SESSION, lambda rig, made: revoke(rig, {"session_token": made.tokens[SESSION]})),
        Way("header", SESSION, by_header("X-Session-Token", "{}")),
        Way(
            "bearer",
            SESSION,
            by_header("Authorization", "Bearer {}"),
        ),
        Way("POST", SESSION, lambda rig, made: revoke(rig, {"session_token": made.tokens[SESSION]}, method="POST")),
    ),
)
