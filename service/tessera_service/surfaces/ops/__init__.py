# SPDX-License-Identifier: Apache-2.0
"""What operators ask: `/livez`, `/readyz`, `/metrics`, `/docs`, `/openapi.json`. No limits."""

from typing import Final

from tessera_service.http.edge import Zone
from tessera_service.surfaces.ops.routes import METRICS, PATHS, router
from tessera_service.surfaces.surface import Surface

SURFACE: Final = Surface(name="ops", router=router, zones=tuple(Zone(path, stored=path != METRICS) for path in PATHS))
