# SPDX-License-Identifier: Apache-2.0
"""One session seen from all sides: a row for every surface that is served."""

from collections.abc import Sequence

from contract.sides import auth, authz, gateway, legacy_auth, oauth2, revocations, session_token, token
from contract.sides.side import Made, Revoke, Side, Way

SIDES: Sequence[Side] = (
    token.SIDE,
    auth.SIDE,
    gateway.SIDE,
    legacy_auth.SIDE,
    session_token.SIDE,
    authz.SIDE,
    oauth2.SIDE,
    revocations.SIDE,
    Side(surface="ops"),  # health, metrics and documentation: nothing of sessions
)

__all__ = ["SIDES", "Made", "Revoke", "Side", "Way"]
