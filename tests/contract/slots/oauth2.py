# SPDX-License-Identifier: Apache-2.0
"""Where the OAuth surface takes tokens."""

import httpx

from contract.kinds import ACCESS, REFRESH, SERVICE, SESSION, UNOPENED, Token
from contract.slots.slot import BEARER, Refusal, Slot, says
from surfaces.oauth2.calls import ENDPOINTS, make_client, send
from surfaces.service_rig import TENANT, Rig
from tessera_service.surfaces.oauth2.operations import INTROSPECT, REVOKE

HEADERS = {"X-Tenant-ID": TENANT}
NOBODY = Refusal(401, "invalid_token")
# Genuine, and for another surface to revoke: it lives, or nothing is known of it.
ELSEWHERE = dict.fromkeys((SESSION, "lost session", UNOPENED), Refusal(400, "unsupported_token_type"))


async def introspect_as(rig: Rig, token: Token) -> httpx.Response:
    return await send(rig, INTROSPECT, {"token": "x"}, bearer=token.text, headers=HEADERS)


async def revoke_as(rig: Rig, token: Token) -> httpx.Response:
    return await send(rig, REVOKE, {"token": "x"}, bearer=token.text, headers=HEADERS)


async def introspect(rig: Rig, token: Token) -> httpx.Response:
    return await send(rig, INTROSPECT, {"token": token.text}, client=await make_client(rig))


async def revoke(rig: Rig, token: Token) -> httpx.Response:
    return await send(rig, REVOKE, {"token": token.text}, client=await make_client(rig))


SLOTS = (
    Slot(ENDPOINTS[INTROSPECT], BEARER, (ACCESS, SERVICE), NOBODY, introspect_as),
    Slot(ENDPOINTS[REVOKE], BEARER, (ACCESS, SERVICE), NOBODY, revoke_as),
    Slot(
        *(ENDPOINTS[INTROSPECT], "token", (ACCESS, REFRESH, SERVICE), Refusal(200, "inactive")),
        send=introspect,
        passes=says("active"),
    ),
    # What is no token of the tenant is answered like one that was revoked (RFC 7009 section 2.2).
    Slot(
        *(ENDPOINTS[REVOKE], "token", (ACCESS, REFRESH, SERVICE), Refusal(200, "none")),
        send=revoke,
        apart=ELSEWHERE,
    ),
)
