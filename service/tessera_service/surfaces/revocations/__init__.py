# SPDX-License-Identifier: Apache-2.0
"""The revocations surface: `/v1/revocations`, which verifiers elsewhere follow."""

from typing import Final

from tessera_service.http.edge import Zone
from tessera_service.surfaces.revocations.operations import PATH
from tessera_service.surfaces.revocations.routes import plain_endpoints, router
from tessera_service.surfaces.surface import Surface

SURFACE: Final = Surface(
    name="revocations",
    router=router,
    zones=(Zone(PATH, limited=True),),  # in the dialect of the paths that no surface claims
    plain=plain_endpoints,
)
