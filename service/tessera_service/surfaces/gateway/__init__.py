# SPDX-License-Identifier: Apache-2.0
"""The gateway surface: `/api/v1/sessions`."""

from typing import Final

from tessera_service.http.edge import Zone
from tessera_service.surfaces.gateway.dialect import GatewayDialect
from tessera_service.surfaces.gateway.operations import BASE, HEALTH, PATHS
from tessera_service.surfaces.gateway.routes import plain_endpoints, router
from tessera_service.surfaces.gateway.schemas import CreateBody, LogoutBody, ValidateBody
from tessera_service.surfaces.surface import Surface

_DIALECT: Final = GatewayDialect()

SURFACE: Final = Surface(
    name="gateway",
    router=router,
    zones=(Zone(BASE, _DIALECT, limited=True), Zone(PATHS[HEALTH], _DIALECT, stored=True)),
    plain=plain_endpoints,
    schemas=(ValidateBody, CreateBody, LogoutBody),
)
