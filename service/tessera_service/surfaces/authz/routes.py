# SPDX-License-Identifier: Apache-2.0
"""The routes of the authz surface, as OpenAPI describes them. `/v1/authz` and the policies of the settings are served
by plain endpoints; the names of all other policies end here and are refused."""

from collections.abc import Mapping

from fastapi import APIRouter
from starlette.responses import Response
from starlette.types import ASGIApp

from tessera_service.engine import Engine
from tessera_service.http.plain import Plain
from tessera_service.http.request import StrictRequest, StrictRoute
from tessera_service.surfaces.authz import documentation as doc
from tessera_service.surfaces.authz.endpoint import AuthzEndpoint
from tessera_service.surfaces.authz.operations import BASE, WITH_POLICY

router = APIRouter(route_class=StrictRoute, tags=["authz"])


def plain_endpoints(engine: Engine) -> Mapping[str, ASGIApp]:
    """The endpoints that are served without routing."""
    named = {WITH_POLICY.format(policy=name): AuthzEndpoint(engine, name) for name in engine.authz.policies}
    return {BASE: AuthzEndpoint(engine, None), **named}


def _engine(request: StrictRequest) -> Engine:
    engine: Engine = request.app.state.engine
    return engine


@router.get(BASE, **doc.describe("get"))
@router.post(BASE, **doc.describe("post"))
async def authorize(request: StrictRequest) -> Response:
    """Says whether the bearer is alive, and who it is."""
    return Plain(AuthzEndpoint(_engine(request), None))


@router.get(WITH_POLICY, **doc.describe("get", policy=True))
@router.post(WITH_POLICY, **doc.describe("post", policy=True))
async def authorize_by_policy(request: StrictRequest) -> Response:
    """Says whether the bearer is alive and holds what the policy demands, and who it is."""
    return Plain(AuthzEndpoint(_engine(request), request.path_params["policy"]))
