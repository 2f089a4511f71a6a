# SPDX-License-Identifier: Apache-2.0
"""Where the token surface takes tokens."""

import httpx

from contract.kinds import ACCESS, REFRESH, SERVICE, Token
from contract.slots.slot import BEARER, Refusal, Send, Slot, as_bearer, as_member, call, says
from surfaces.service_rig import Rig

ISSUE = "POST /v1/token"
EXCHANGE = "POST /v1/token/refresh"
REVOKE = "POST /v1/token/revoke"
INTROSPECT = "POST /v1/token/introspect"

CALLERS = (ACCESS, SERVICE)
NOBODY = Refusal(401, "auth.unauthorized")
FOREIGN = {f"foreign {kind}": Refusal(403, "auth.tenant.mismatch") for kind in CALLERS}
LOST = {f"lost {kind}": Refusal(204, "none") for kind in (ACCESS, REFRESH, SERVICE)}  # genuine, and over already
NO_REFRESH = Refusal(400, "auth.refresh.invalid")
NO_SESSION = {"lost refresh": Refusal(404, "auth.session.not_found")}


async def revoke_by_operator(rig: Rig, token: Token) -> httpx.Response:
    return await call(rig, REVOKE, {"token": token.text}, bearer=await rig.service_bearer("token.revoke"))


async def introspect_by_operator(rig: Rig, token: Token) -> httpx.Response:
    return await call(rig, INTROSPECT, {"token": token.text}, bearer=await rig.service_bearer("token.introspect"))


async def revoke_a_session(rig: Rig, token: Token) -> httpx.Response:
    """As the caller: an access token may hold the permission as well as a service token."""
    other = await rig.issue()
    return await call(rig, REVOKE, {"session_id": other["session_id"]}, bearer=token.text)


def _calls(operation: str, send: Send) -> Slot:
    return Slot(operation, BEARER, CALLERS, NOBODY, send, apart=FOREIGN)


def _refreshes(operation: str, place: str, send: Send) -> Slot:
    return Slot(operation, place, (REFRESH,), NO_REFRESH, send, apart=NO_SESSION)


GRANT = {"grant_type": "refresh_token"}
SLOTS = (
    _calls(ISSUE, as_bearer(ISSUE, {"sub": "bob"})),
    _calls(INTROSPECT, as_bearer(INTROSPECT, {"token": "x"})),
    _calls(REVOKE, revoke_a_session),
    _refreshes(EXCHANGE, BEARER, as_bearer(EXCHANGE)),
    _refreshes(EXCHANGE, "refresh_token", as_member(EXCHANGE, "refresh_token")),
    _refreshes(ISSUE, "refresh_token", as_member(ISSUE, "refresh_token", **GRANT)),
    _refreshes(ISSUE, "bearer of a refresh", as_bearer(ISSUE, GRANT)),
    Slot(
        *(INTROSPECT, "token", (ACCESS, REFRESH, SERVICE), Refusal(200, "inactive")),
        send=introspect_by_operator,
        passes=says("active"),
    ),
    Slot(
        *(REVOKE, "token", (ACCESS, REFRESH, SERVICE), Refusal(400, "auth.revoke.invalid")),
        send=revoke_by_operator,
        apart=LOST,
    ),
)
