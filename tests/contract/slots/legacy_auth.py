# SPDX-License-Identifier: Apache-2.0
"""Where the legacy surface takes tokens."""

import httpx

from contract.kinds import ACCESS, REFRESH, Token
from contract.slots.slot import BEARER, Refusal, Send, Slot, as_bearer, as_member, call

SESSION = "GET /api/v1/auth/session"
EXCHANGE = "POST /api/v1/auth/refresh"
LOGOUT = "POST /api/v1/auth/logout"
NO_SESSION = Refusal(401, "The session is not valid.")
NO_REFRESH = Refusal(401, "The refresh token is not valid.")
NO_ACCESS = Refusal(401, "The access token is not valid.")


def in_query(name: str) -> Send:
    return lambda rig, token: call(rig, f"{SESSION}?{name}={token.text}")


async def log_out(rig: object, token: Token) -> httpx.Response:
    """Of its own session."""
    return await as_member(LOGOUT, "accessToken", sessionId=token.session_id)(rig, token)  # type: ignore[arg-type]


SLOTS = (
    Slot(SESSION, BEARER, (ACCESS,), NO_SESSION, as_bearer(SESSION)),
    Slot(SESSION, "accessToken", (ACCESS,), NO_SESSION, in_query("accessToken")),
    Slot(SESSION, "access_token", (ACCESS,), NO_SESSION, in_query("access_token")),
    Slot(EXCHANGE, "refreshToken", (REFRESH,), NO_REFRESH, as_member(EXCHANGE, "refreshToken")),
    Slot(EXCHANGE, "refresh_token", (REFRESH,), NO_REFRESH, as_member(EXCHANGE, "refresh_token")),
    Slot(LOGOUT, "accessToken", (ACCESS,), NO_ACCESS, log_out),
)
