# SPDX-License-Identifier: Apache-2.0
"""Where the auth surface takes tokens."""

import httpx

from contract.kinds import ACCESS, REFRESH, SERVICE, Token
from contract.slots.slot import BEARER, Refusal, Slot, as_bearer, call
from surfaces.service_rig import Rig

LOGOUT = "POST /auth/logout"
LIST = "GET /auth/sessions"
REVOKE = "POST /auth/sessions/{id}/revoke"
NOBODY = Refusal(401, "auth.token.invalid")
MISMATCH = Refusal(403, "auth.tenant_mismatch")


async def revoke_a_session(rig: Rig, token: Token) -> httpx.Response:
    """As the caller: an access token may hold the permission as well as a service token."""
    other = await rig.issue()
    return await call(rig, REVOKE.format(id=other["session_id"]), bearer=token.text)


SLOTS = (
    Slot(
        *(LOGOUT, BEARER, (ACCESS, REFRESH), NOBODY, as_bearer(LOGOUT)),
        apart={f"foreign {kind}": MISMATCH for kind in (ACCESS, REFRESH)},
    ),
    *(
        Slot(
            operation,
            BEARER,
            (ACCESS, SERVICE),
            NOBODY,
            send,
            apart={f"foreign {ACCESS}": MISMATCH, f"foreign {SERVICE}": MISMATCH},
        )
        for operation, send in ((LIST, as_bearer(LIST)), (REVOKE, revoke_a_session))
    ),
)
