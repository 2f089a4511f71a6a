# SPDX-License-Identifier: Apache-2.0
"""Where the session-token surface takes tokens."""

from contract.kinds import SESSION
from contract.slots.slot import BEARER, Refusal, Send, Slot, as_bearer, as_header, as_member, says
from surfaces.session_token.keys import DEAD, REVOKED

VALIDATE = "POST /session-token/validate"
REVOKES = ("DELETE /session-token/revoke", "POST /session-token/revoke")
NO_TOKEN = Refusal(400, "Session token is not valid")
LOST = {"lost session": Refusal(200, str(REVOKED["message"]))}  # genuine, and over already


def _revokes(operation: str, place: str, send: Send) -> Slot:
    return Slot(operation, place, (SESSION,), NO_TOKEN, send, apart=LOST)


SLOTS = (
    Slot(
        VALIDATE,
        "session_token",
        (SESSION,),
        Refusal(200, str(DEAD["message"])),
        as_member(VALIDATE, "session_token"),
        passes=says("is_valid"),
    ),
    *(
        slot
        for operation in REVOKES
        for slot in (
            _revokes(operation, "session_token", as_member(operation, "session_token")),
            _revokes(operation, "X-Session-Token", as_header(operation, "X-Session-Token")),
            _revokes(operation, BEARER, as_bearer(operation)),
        )
    ),
)
