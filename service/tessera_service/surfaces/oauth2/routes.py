# SPDX-License-Identifier: Apache-2.0
"""The routes of the OAuth surface."""

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from tessera_service.engine import Engine
from tessera_service.errors import RevokeInvalid
from tessera_service.http.errors import NotFound
from tessera_service.http.request import StrictRequest, StrictRoute
from tessera_service.surfaces.oauth2 import documentation as doc
from tessera_service.surfaces.oauth2.answers import to_standard
from tessera_service.surfaces.oauth2.calls import admit, read_token
from tessera_service.surfaces.oauth2.metadata import describe_server
from tessera_service.surfaces.oauth2.operations import INTROSPECT, METADATA, PATHS, REVOKE

router = APIRouter(route_class=StrictRoute, tags=["oauth2"])


def _engine(request: StrictRequest) -> Engine:
    engine: Engine = request.app.state.engine
    return engine


@router.post(PATHS[INTROSPECT], **doc.describe(INTROSPECT))
async def introspect(request: StrictRequest) -> Response:
    """Says whether a token is alive, and what it holds (RFC 7662)."""
    exchange, engine = request.exchange, _engine(request)
    caller = await admit(exchange, engine, INTROSPECT)
    token = (await read_token(request)).encode()
    answer = engine.tokens.introspect_now(token, tenant_id=caller.tenant_id)
    if answer is None:
        answer = await exchange.in_time(engine.tokens.introspect(token, tenant_id=caller.tenant_id))
    return JSONResponse(to_standard(answer))


@router.post(PATHS[REVOKE], **doc.describe(REVOKE))
async def revoke(request: StrictRequest) -> Response:
    """Revokes a token; a refresh token with its session (RFC 7009)."""
    exchange, engine = request.exchange, _engine(request)
    caller = await admit(exchange, engine, REVOKE)
    token = await read_token(request)
    try:
        await exchange.in_time(engine.tokens.revoke_token(caller, token))
    except RevokeInvalid as invalid:
        # What is no token of this tenant is as good as revoked (RFC 7009 section 2.2); what lives on must not seem so.
        if invalid.other_kind:
            raise
    return Response()


# The inner route serves both methods, the outer one is its description.
@router.get(PATHS[METADATA], **doc.describe(METADATA))
@router.api_route(PATHS[METADATA], methods=["GET", "HEAD"], include_in_schema=False)
async def metadata(request: StrictRequest) -> Response:
    """What standard clients find here, and where (RFC 8414); 404 where the issuer is no URL."""
    request.exchange.charge_peer()
    described = describe_server(_engine(request).issuer)
    if described is None:
        raise NotFound
    return JSONResponse(described)
