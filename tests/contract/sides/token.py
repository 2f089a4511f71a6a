# SPDX-License-Identifier: Apache-2.0
"""The token surface's side: introspection says what is alive; lists nothing."""

from contract.sides.side import ACCESS, REFRESH, Made, Revoke, Side, Way
from surfaces.service_rig import Rig
from tessera_service.surfaces.token import operations
from tessera_service.surfaces.token.operations import INTROSPECT, ISSUE, PATHS, REVOKE


async def make(rig: Rig, subject: str) -> Made:
    pair = await rig.issue(subject)
    tokens = {kind: pair[f"{kind}_token"] for kind in (ACCESS, REFRESH)}
    return Made(pair["session_id"], subject, tokens)


async def introspect(rig: Rig, token: str) -> str | None:
    answer = await rig.introspect(token)
    assert answer["active"] is True
    return str(answer["session_id"])


async def refuse_access(rig: Rig, token: str) -> None:
    assert await rig.introspect(token) == {"active": False}
    answer = await rig.post(PATHS[INTROSPECT], {"token": token}, bearer=token)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "auth.unauthorized")
    answer = await rig.post(PATHS[REVOKE], bearer=token)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "auth.unauthorized")


async def refuse_refresh(rig: Rig, token: str) -> None:
    assert await rig.introspect(token) == {"active": False}
    grant = {"grant_type": "refresh_token", "refresh_token": token}
    answers = [
        await rig.post(PATHS[operations.REFRESH], {"refresh_token": token}),
        await rig.post(PATHS[operations.REFRESH], bearer=token),
        await rig.post(PATHS[ISSUE], grant),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "auth.session.revoked")


async def revoke(rig: Rig, body: dict[str, str], *, bearer: str | None = None) -> None:
    operator = bearer or await rig.service_bearer("token.revoke")
    answer = await rig.post(PATHS[REVOKE], body, bearer=operator)
    assert (answer.status_code, answer.content) == (204, b"")


def by_token(kind: str) -> Revoke:
    return lambda rig, made: revoke(rig, {"token": made.tokens[kind]})


SIDE = Side(
    surface="token",
    makes=(ACCESS, REFRESH),
    make=make,
    validate={ACCESS: introspect, REFRESH: introspect},
    refuse={ACCESS: refuse_access, REFRESH: refuse_refresh},
    by_token=(
        Way("its bearer", ACCESS, lambda rig, made: revoke(rig, {}, bearer=made.tokens[ACCESS])),
        Way("token", ACCESS, by_token(ACCESS), ends_session=False),
        Way("token", REFRESH, by_token(REFRESH)),
    ),
    by_id={"session_id": lambda rig, made: revoke(rig, {"session_id": made.session_id})},
    by_subject={"sub": lambda rig, made: revoke(rig, {"sub": made.subject})},
)
