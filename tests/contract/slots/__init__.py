# SPDX-License-Identifier: Apache-2.0
"""Every slot of every surface."""

from collections.abc import Sequence

from contract.slots import auth, authz, gateway, legacy_auth, oauth2, revocations, session_token, token
from contract.slots.slot import Refusal, Slot

SLOTS: Sequence[Slot] = (
    *token.SLOTS,
    *auth.SLOTS,
    *gateway.SLOTS,
    *legacy_auth.SLOTS,
    *session_token.SLOTS,
    *authz.SLOTS,
    *oauth2.SLOTS,
    *revocations.SLOTS,
)

__all__ = ["SLOTS", "Refusal", "Slot"]
