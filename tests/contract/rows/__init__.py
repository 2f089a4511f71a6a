# SPDX-License-Identifier: Apache-2.0
"""Every answer of every surface, by the surface's name."""

from contract.rows import auth, gateway, legacy_auth, oauth2, revocations, session_token, token
from contract.rows.row import Row, Unreachable

_ROOMS = (token, auth, gateway, legacy_auth, session_token, revocations, oauth2)
ROWS: list[Row] = [row for room in _ROOMS for row in room.ROWS]
UNREACHABLE: list[Unreachable] = [row for room in _ROOMS for row in room.UNREACHABLE]

__all__ = ["ROWS", "UNREACHABLE", "Row", "Unreachable"]
