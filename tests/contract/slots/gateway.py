# SPDX-License-Identifier: Apache-2.0
"""Where the gateway surface takes tokens."""

from contract.kinds import ACCESS, SERVICE
from contract.slots.slot import BEARER, Refusal, Slot, as_bearer, as_member, says
from surfaces.gateway.calls import BASE, body

VALIDATE = f"POST {BASE}/validate"
LOGOUT = f"POST {BASE}/logout"
BEARERS = (
    *(f"POST {BASE}/refresh", LOGOUT, f"GET {BASE}/user/{{user_id}}"),
    *(f"DELETE {BASE}/{{session_id}}", f"DELETE {BASE}/user/{{user_id}}"),
)
CREATE = f"POST {BASE}"
STATS = f"GET {BASE}/stats"
NOT_FOUND = Refusal(401, "session_not_found")
FORBIDDEN = Refusal(403, "forbidden")

SLOTS = (
    Slot(
        VALIDATE,
        "token",
        (ACCESS,),
        Refusal(200, "session_not_found"),
        as_member(VALIDATE, "token"),
        passes=says("is_valid"),
    ),
    *(Slot(operation, BEARER, (ACCESS,), NOT_FOUND, as_bearer(operation)) for operation in BEARERS),
    Slot(LOGOUT, "token", (ACCESS,), NOT_FOUND, as_member(LOGOUT, "token")),
    Slot(CREATE, BEARER, (SERVICE,), FORBIDDEN, as_bearer(CREATE, body())),
    Slot(STATS, BEARER, (SERVICE,), FORBIDDEN, as_bearer(STATS)),
)
