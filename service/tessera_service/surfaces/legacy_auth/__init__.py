# SPDX-License-Identifier: Apache-2.0
"""The legacy surface: `/api/v1/auth`."""

from typing import Final

from tessera_service.http.edge import Zone
from tessera_service.surfaces.legacy_auth.dialect import LegacyDialect
from tessera_service.surfaces.legacy_auth.operations import BASE
from tessera_service.surfaces.legacy_auth.routes import plain_endpoints, router
from tessera_service.surfaces.legacy_auth.schemas import LegacyLogoutBody, LegacyRefreshBody
from tessera_service.surfaces.surface import Surface

SURFACE: Final = Surface(
    name="legacy_auth",
    router=router,
    zones=(Zone(BASE, LegacyDialect(), limited=True),),
    plain=plain_endpoints,
    schemas=(LegacyRefreshBody, LegacyLogoutBody),
)
