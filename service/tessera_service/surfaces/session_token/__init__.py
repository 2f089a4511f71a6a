# SPDX-License-Identifier: Apache-2.0
"""The session-token surface: `/session-token`."""

from typing import Final

from tessera_service.http.edge import Zone
from tessera_service.surfaces.session_token.dialect import SessionTokenDialect
from tessera_service.surfaces.session_token.operations import BASE
from tessera_service.surfaces.session_token.routes import plain_endpoints, router
from tessera_service.surfaces.session_token.schemas import (
    CreateSessionTokenBody,
    RevokeSessionTokenBody,
    ValidateSessionTokenBody,
)
from tessera_service.surfaces.surface import Surface

SURFACE: Final = Surface(
    name="session_token",
    router=router,
    zones=(Zone(BASE, SessionTokenDialect(), limited=True),),
    plain=plain_endpoints,
    schemas=(CreateSessionTokenBody, ValidateSessionTokenBody, RevokeSessionTokenBody),
)
