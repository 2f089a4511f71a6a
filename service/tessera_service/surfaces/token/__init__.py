# SPDX-License-Identifier: Apache-2.0
"""The token surface: `/v1/token` and `/.well-known/jwks.json`."""

from typing import Final

from tessera_service.http.edge import Zone
from tessera_service.surfaces.surface import Surface
from tessera_service.surfaces.token.dialect import TokenDialect
from tessera_service.surfaces.token.operations import ISSUE, JWKS, PATHS
from tessera_service.surfaces.token.routes import plain_endpoints, router
from tessera_service.surfaces.token.schemas import IntrospectBody, IssueBody, PasswordBody, RefreshBody, RevokeBody

_DIALECT: Final = TokenDialect()

SURFACE: Final = Surface(
    name="token",
    router=router,
    zones=(
        Zone(PATHS[ISSUE], _DIALECT, limited=True),
        Zone(PATHS[JWKS], _DIALECT),
        Zone("/", _DIALECT),  # what no surface claims
    ),
    plain=plain_endpoints,
    schemas=(IssueBody, PasswordBody, RefreshBody, RevokeBody, IntrospectBody),
)
