# SPDX-License-Identifier: Apache-2.0
"""The side of authz: it says who a bearer is, and changes nothing."""

from contract.sides.side import ACCESS, Side
from surfaces.authz.calls import AUTHZ, NOBODY, ask, told
from surfaces.service_rig import TENANT, Rig

SESSION_HEADER = "x-auth-session"


async def validate(rig: Rig, token: str) -> str | None:
    answer = await ask(rig, token)
    assert (answer.status_code, answer.headers["x-auth-tenant"]) == (200, TENANT)
    return str(answer.headers[SESSION_HEADER])


async def refuse(rig: Rig, token: str) -> None:
    for path in (AUTHZ, f"{AUTHZ}/anybody"):
        answer = await ask(rig, token, path)
        assert (answer.status_code, told(answer)) == (401, NOBODY)


SIDE = Side(surface="authz", validate={ACCESS: validate}, refuse={ACCESS: refuse})
