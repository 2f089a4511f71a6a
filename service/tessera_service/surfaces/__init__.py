# SPDX-License-Identifier: Apache-2.0
"""The documented surfaces. A surface is served because it has a row here, and retired by deleting row and folder."""

from collections.abc import Sequence
from typing import Final

from tessera_service.surfaces import auth, authz, gateway, legacy_auth, oauth2, ops, revocations, session_token, token
from tessera_service.surfaces.surface import Surface

SURFACES: Final[Sequence[Surface]] = (
    token.SURFACE,
    gateway.SURFACE,
    legacy_auth.SURFACE,
    session_token.SURFACE,
    auth.SURFACE,
    authz.SURFACE,
    oauth2.SURFACE,
    revocations.SURFACE,
    ops.SURFACE,
)

__all__ = ["SURFACES", "Surface"]
