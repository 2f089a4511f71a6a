# SPDX-License-Identifier: Apache-2.0
"""The OAuth surface, for standard clients: `/oauth2` (RFC 7662, RFC 7009) and the metadata that lead there (8414)."""

from typing import Final

from tessera_service.http.edge import Zone
from tessera_service.surfaces.oauth2.dialect import OAuthDialect
from tessera_service.surfaces.oauth2.operations import BASE, METADATA, PATHS
from tessera_service.surfaces.oauth2.routes import router
from tessera_service.surfaces.oauth2.schemas import OAuthTokenForm
from tessera_service.surfaces.surface import Surface

_DIALECT: Final = OAuthDialect()

SURFACE: Final = Surface(
    name="oauth2",
    router=router,
    zones=(Zone(BASE, _DIALECT, limited=True), Zone(PATHS[METADATA], _DIALECT, limited=True)),
    schemas=(OAuthTokenForm,),
)
