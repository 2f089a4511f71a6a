# SPDX-License-Identifier: Apache-2.0
"""The routes of the session-token surface. Validation is declared here and served by its plain endpoint."""

from collections.abc import Mapping

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from tessera_service.engine import Engine
from tessera_service.errors import InvalidInput, RevokeInvalid, Unauthorized
from tessera_service.http.bearer import read_bearer
from tessera_service.http.exchange import Exchange
from tessera_service.http.plain import Plain
from tessera_service.http.request import StrictRequest, StrictRoute
from tessera_service.http.tenant import asked_tenant
from tessera_service.http.times import format_time
from tessera_service.messages.session_token import REVOKED, TEXTS
from tessera_service.surfaces.session_token import documentation as doc
from tessera_service.surfaces.session_token.operations import CREATE, PATHS, REVOKE, REVOKE_METHODS, VALIDATE
from tessera_service.surfaces.session_token.schemas import CreateSessionTokenBody, RevokeSessionTokenBody
from tessera_service.surfaces.session_token.validate import ValidateEndpoint

TOKEN_HEADER = b"x-session-token"

router = APIRouter(route_class=StrictRoute, tags=["session_token"])


def plain_endpoints(engine: Engine) -> Mapping[str, ASGIApp]:
    """The endpoint that is served without routing."""
    return {PATHS[VALIDATE]: ValidateEndpoint(engine)}


def _engine(request: StrictRequest) -> Engine:
    engine: Engine = request.app.state.engine
    return engine


@router.post(PATHS[CREATE], **doc.describe(CREATE))
async def create(request: StrictRequest) -> Response:
    """Exchanges an access key for a session token."""
    exchange, engine = request.exchange, _engine(request)
    body = (await request.read()).decode_json(CreateSessionTokenBody)
    key = await exchange.in_time(
        engine.access_keys.check(body.access_key_id, body.secret_access_key, tenant_id=asked_tenant(exchange))
    )
    if key is None:
        raise Unauthorized("missing")  # no token was presented: the challenge names no error
    exchange.charge(tenant_id=key.tenant_id, client=key.access_key_id)
    made = await exchange.in_time(engine.session_tokens.create(key, duration_seconds=body.duration_seconds))
    session_token = {"token": made.token, "expires_at": format_time(made.expires_at)}
    return JSONResponse({"status": "success", "session_token": session_token})


@router.post(PATHS[VALIDATE], **doc.describe(VALIDATE))
async def validate(request: StrictRequest) -> Response:
    """Says whether a session token is alive, and whether its access key grants a permission on a resource."""
    return Plain(ValidateEndpoint(_engine(request)))


@router.delete(PATHS[REVOKE], **doc.describe(REVOKE))
@router.post(PATHS[REVOKE], **doc.describe(REVOKE, method="POST"))
@router.api_route(PATHS[REVOKE], methods=list(REVOKE_METHODS), include_in_schema=False)  # serves: it knows all methods
async def revoke(request: StrictRequest) -> Response:
    """Ends a session token before its time; it may be over already."""
    exchange, engine = request.exchange, _engine(request)
    exchange.charge_peer()
    body = (await request.read()).decode_json(RevokeSessionTokenBody)
    token = choose_token(exchange, body)
    await exchange.in_time(engine.session_tokens.revoke(token, tenant_id=asked_tenant(exchange)))
    return JSONResponse({"status": "success", "message": exchange.say(TEXTS[REVOKED])})


def choose_token(exchange: Exchange, body: RevokeSessionTokenBody) -> str:
    """The one token of a request: that of the body or of its own header (both: equal), else the bearer. InvalidInput
    without any, RevokeInvalid for two."""
    named = {body.session_token} if "session_token" in body.model_fields_set else set()
    if exchange.has_header(TOKEN_HEADER):
        value = exchange.header(TOKEN_HEADER)
        named.add("" if value is None else value.decode("latin-1"))  # sent twice: no token is empty
    if len(named) > 1:
        raise RevokeInvalid
    return named.pop() if named else _bearer(exchange)


def _bearer(exchange: Exchange) -> str:
    try:
        bearer = read_bearer(exchange)
    except Unauthorized:
        raise RevokeInvalid from None
    if bearer is None:
        raise InvalidInput("session_token", missing=True)
    return bearer
