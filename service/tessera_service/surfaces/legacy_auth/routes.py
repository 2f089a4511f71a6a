# SPDX-License-Identifier: Apache-2.0
"""The routes of the legacy surface. The session is declared here and served by its plain endpoint."""

from collections.abc import Mapping

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from tessera_service.engine import Engine
from tessera_service.errors import RefreshInvalid, SessionEnded, SessionForbidden, SessionNotFound
from tessera_service.http.plain import Plain
from tessera_service.http.request import StrictRequest, StrictRoute
from tessera_service.http.tenant import asked_tenant
from tessera_service.messages.legacy_auth import LOGGED_OUT, REFRESHED, TEXTS
from tessera_service.surfaces.legacy_auth import documentation as doc
from tessera_service.surfaces.legacy_auth.operations import LOGOUT, PATHS, REFRESH, SESSION
from tessera_service.surfaces.legacy_auth.schemas import LegacyLogoutBody, LegacyRefreshBody
from tessera_service.surfaces.legacy_auth.session import SessionEndpoint

router = APIRouter(route_class=StrictRoute, tags=["legacy"])


def plain_endpoints(engine: Engine) -> Mapping[str, ASGIApp]:
    """The endpoint that is served without routing."""
    return {PATHS[SESSION]: SessionEndpoint(engine)}


def _engine(request: StrictRequest) -> Engine:
    engine: Engine = request.app.state.engine
    return engine


@router.get(PATHS[SESSION], **doc.describe(SESSION))
async def session(request: StrictRequest) -> Response:
    """Says whose session an access token is, and whether it lives."""
    return Plain(SessionEndpoint(_engine(request)))


@router.post(PATHS[REFRESH], **doc.describe(REFRESH))
async def refresh(request: StrictRequest) -> Response:
    """Exchanges a refresh token for the next pair of its session."""
    exchange, tokens = request.exchange, _engine(request).tokens
    token = (await request.read()).decode_json(LegacyRefreshBody).refresh_token
    tenant_id = asked_tenant(exchange)
    client = await exchange.in_time(tokens.identify_refresh(token, tenant_id=tenant_id))
    if client is not None:
        exchange.charge(tenant_id=client[0], client=client[1])
    try:
        issued = await exchange.in_time(tokens.refresh(token, tenant_id=tenant_id))
    except (RefreshInvalid, SessionEnded, SessionNotFound):
        if client is not None:  # a dead token may not use up what its client has
            exchange.discharge(tenant_id=client[0], client=client[1])
        raise
    answer = {
        "success": True,
        "accessToken": issued.access_token,
        "refreshToken": issued.refresh_token,
        "expiresIn": issued.expires_in,
        "message": exchange.say(TEXTS[REFRESHED]),
    }
    return JSONResponse(answer)


@router.post(PATHS[LOGOUT], **doc.describe(LOGOUT))
async def logout(request: StrictRequest) -> Response:
    """Ends a session of the token's subject; an expired token may end its own."""
    exchange, legacy = request.exchange, _engine(request).legacy
    body = (await request.read()).decode_json(LegacyLogoutBody)
    who = legacy.who_logs_out(body.access_token, session_id=body.session_id, tenant_id=asked_tenant(exchange))
    caller = await exchange.in_time(who)
    exchange.charge(tenant_id=caller.tenant_id, client=caller.client_id or caller.subject)
    try:
        await exchange.in_time(legacy.logout(caller, body.session_id))
    except SessionNotFound:
        raise SessionForbidden from None  # nobody learns here which ids exist, by no header either
    return JSONResponse({"success": True, "message": exchange.say(TEXTS[LOGGED_OUT])})
