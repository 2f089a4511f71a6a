# SPDX-License-Identifier: Apache-2.0
"""The authz surface: `/v1/authz`, which proxies ask about every request. No request limit."""

from typing import Final

from tessera_service.http.edge import Zone
from tessera_service.surfaces.authz.dialect import AuthzDialect
from tessera_service.surfaces.authz.operations import BASE
from tessera_service.surfaces.authz.routes import plain_endpoints, router
from tessera_service.surfaces.surface import Surface

SURFACE: Final = Surface(
    name="authz",
    router=router,
    # No preflights: a proxy that hands on the method of what it guards would take their 204 for a yes.
    zones=(Zone(BASE, AuthzDialect(), browsers=False),),
    plain=plain_endpoints,
)
