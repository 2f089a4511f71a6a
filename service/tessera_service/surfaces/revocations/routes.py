# SPDX-License-Identifier: Apache-2.0
"""The route of the revocations surface: declared here, served by its plain endpoint."""

from collections.abc import Mapping

from fastapi import APIRouter
from starlette.responses import Response
from starlette.types import ASGIApp

from tessera_service.engine import Engine
from tessera_service.http.plain import Plain
from tessera_service.http.request import StrictRequest, StrictRoute
from tessera_service.surfaces.revocations.documentation import DESCRIBED
from tessera_service.surfaces.revocations.endpoint import RevocationsEndpoint
from tessera_service.surfaces.revocations.operations import PATH

router = APIRouter(route_class=StrictRoute, tags=["revocations"])


def plain_endpoints(engine: Engine) -> Mapping[str, ASGIApp]:
    """The endpoint that is served without routing."""
    return {PATH: RevocationsEndpoint(engine)}


@router.get(PATH, **DESCRIBED)
async def follow(request: StrictRequest) -> Response:
    """Tells verifiers elsewhere what is revoked: everything that still counts, then what is new, by long poll."""
    return Plain(RevocationsEndpoint(request.app.state.engine))
