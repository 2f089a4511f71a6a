# SPDX-License-Identifier: Apache-2.0
"""The gateway surface's side."""

from collections.abc import Mapping

from contract.sides.side import ACCESS, Made, Side, Way
from surfaces.gateway import calls
from surfaces.gateway.calls import send
from surfaces.service_rig import Rig


async def make(rig: Rig, subject: str) -> Made:
    made = await calls.make(rig, subject)
    return Made(made["session_id"], subject, {ACCESS: made["token"]})


async def operator(rig: Rig) -> str:
    """The token of a user who may see and end the sessions of others."""
    return str((await calls.make(rig, permissions=["session.read:any", "session.revoke:any"]))["token"])


async def validate(rig: Rig, token: str) -> str | None:
    answer = await calls.validate(rig, token)
    assert answer["is_valid"] is True
    return str(answer["session"]["session_id"])


async def refuse(rig: Rig, token: str) -> None:
    assert await calls.code_of(rig, token) == "session_inactive"
    answers = [
        await send(rig, "POST", "/refresh", bearer=token),
        await send(rig, "POST", "/logout", bearer=token),
        await send(rig, "POST", "/logout", {"token": token}),
        await send(rig, "GET", "/user/alice", bearer=token),
        await send(rig, "DELETE", "/user/alice", bearer=token),
        await send(rig, "DELETE", "/01930000-0000-7000-8000-000000000000", bearer=token),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["error_code"]) == (401, "session_inactive")


async def list_active(rig: Rig, subject: str) -> set[str]:
    answer = await send(rig, "GET", f"/user/{subject}", bearer=await operator(rig))
    assert answer.status_code == 200, answer.text
    return {session["session_id"] for session in answer.json()["sessions"]}


async def log_out(rig: Rig, token: str, body: Mapping[str, str] | None = None) -> None:
    answer = await send(rig, "POST", "/logout", body, bearer=None if body else token)
    assert (answer.status_code, answer.json()["success"]) == (200, True)


async def revoke(rig: Rig, path: str, *, bearer: str | None = None) -> None:
    answer = await send(rig, "DELETE", path, bearer=bearer or await operator(rig))
    assert (answer.status_code, answer.json()["success"]) == (200, True)


async def revoke_own(rig: Rig, made: Made) -> None:
    """By its own token."""
    await revoke(rig, f"/{made.session_id}", bearer=made.tokens[ACCESS])


SIDE = Side(
    surface="gateway",
    makes=(ACCESS,),
    make=make,
    validate={ACCESS: validate},
    refuse={ACCESS: refuse},
    list_active=list_active,
    by_token=(
        Way("logout by bearer", ACCESS, lambda rig, made: log_out(rig, made.tokens[ACCESS])),
        Way("logout by body", ACCESS, lambda rig, made: log_out(rig, "", {"token": made.tokens[ACCESS]})),
        Way("its id by its bearer", ACCESS, revoke_own),
    ),
    by_id={"an operator's": lambda rig, made: revoke(rig, f"/{made.session_id}")},
    by_subject={"an operator's": lambda rig, made: revoke(rig, f"/user/{made.subject}")},
)
