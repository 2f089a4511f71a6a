# SPDX-License-Identifier: Apache-2.0
"""The routes of the gateway surface. Validation is declared here and served by its plain endpoint."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from tessera_service.engine import Engine
from tessera_service.errors import InvalidInput, ServiceError
from tessera_service.http.plain import Plain
from tessera_service.http.request import StrictRequest, StrictRoute
from tessera_service.http.tenant import asked_tenant
from tessera_service.http.times import format_time
from tessera_service.messages import gateway as messages
from tessera_service.models import Session
from tessera_service.surfaces.gateway import documentation as doc
from tessera_service.surfaces.gateway.calls import demand_bearer, identify
from tessera_service.surfaces.gateway.clients import admit_client
from tessera_service.surfaces.gateway.operations import (
    CREATE,
    HEALTH,
    LIST,
    LOGOUT,
    PATHS,
    REFRESH,
    REVOKE,
    REVOKE_USER,
    STATS,
    VALIDATE,
)
from tessera_service.surfaces.gateway.schemas import CreateBody, LogoutBody
from tessera_service.surfaces.gateway.validate import ValidateEndpoint

SERVICE: Final = "session-service"  # as clients know it

router = APIRouter(route_class=StrictRoute, tags=["gateway"])


def plain_endpoints(engine: Engine) -> Mapping[str, ASGIApp]:
    """The endpoint that is served without routing."""
    return {PATHS[VALIDATE]: ValidateEndpoint(engine)}


def _engine(request: StrictRequest) -> Engine:
    engine: Engine = request.app.state.engine
    return engine


def _say(request: StrictRequest, name: str) -> str:
    return request.exchange.say(messages.TEXTS[name])


def _success(**members: Any) -> Response:
    return JSONResponse({"success": True, **members})


@router.get(PATHS[HEALTH], **doc.describe(HEALTH))
async def health(request: StrictRequest) -> Response:
    """Whether sessions can be made and validated now."""
    try:
        await request.exchange.in_time(_engine(request).ready())
    except ServiceError:
        message = _say(request, messages.UNHEALTHY)
        body = {"success": False, "service": SERVICE, "status": "unhealthy", "message": message}
        return JSONResponse(body, status_code=503, headers={"Retry-After": "1"})
    return _success(service=SERVICE, status="healthy", message=_say(request, messages.HEALTHY))


@router.post(PATHS[VALIDATE], **doc.describe(VALIDATE))
async def validate(request: StrictRequest) -> Response:
    """Says whether a token is alive, with its session, and with its successor when it is time."""
    return Plain(ValidateEndpoint(_engine(request)))


@router.post(f"{PATHS[CREATE]}/", include_in_schema=False)
@router.post(PATHS[CREATE], **doc.describe(CREATE))
async def create(request: StrictRequest) -> Response:
    """Makes a session for a user whom the gateway has authenticated."""
    exchange, engine = request.exchange, _engine(request)
    client = await admit_client(exchange, engine)
    body = (await request.read()).decode_json(CreateBody)
    session, token = await exchange.in_time(engine.gateway.create(client, body.to_request()))
    answer = {
        "success": True,
        "message": _say(request, messages.CREATED),
        "session_id": session.session_id,
        "token": token,
        "expires_at": format_time(session.expires_at),
        "user": {"id": session.subject, "username": session.username, "role": body.role_name},
    }
    return JSONResponse(answer, status_code=201)


@router.post(PATHS[REFRESH], **doc.describe(REFRESH))
async def refresh(request: StrictRequest) -> Response:
    """The successor of the bearer when it is time, else the bearer itself."""
    exchange, engine = request.exchange, _engine(request)
    bearer = demand_bearer(exchange)
    await identify(exchange, engine, bearer)
    await request.read()  # which says nothing here
    work = engine.gateway.refresh(bearer, tenant_id=asked_tenant(exchange))
    token, refreshed = await exchange.in_time(work)
    message = _say(request, messages.REFRESHED if refreshed else messages.NOT_REFRESHED)
    return _success(message=message, token=token, refreshed=refreshed)


@router.post(PATHS[LOGOUT], **doc.describe(LOGOUT))
async def logout(request: StrictRequest) -> Response:
    """Ends the session of a token: of the body's, else of the bearer."""
    exchange, engine = request.exchange, _engine(request)
    body = (await request.read()).decode_json(LogoutBody)
    token = body.token if "token" in body.model_fields_set else demand_bearer(exchange)
    await identify(exchange, engine, token)
    await exchange.in_time(engine.gateway.logout(token, tenant_id=asked_tenant(exchange)))
    return _success(message=_say(request, messages.REVOKED))


@router.get(PATHS[STATS], **doc.describe(STATS))
async def stats(request: StrictRequest) -> Response:
    """How many gateway sessions the tenant has."""
    exchange, engine = request.exchange, _engine(request)
    client = await admit_client(exchange, engine)
    counts = await exchange.in_time(engine.gateway.stats(client.tenant_id))
    figures = {
        "total_sessions": counts.total,
        "active_sessions": counts.active,
        "expired_sessions": counts.expired,
    }
    return _success(stats=figures)


@router.get(PATHS[LIST], **doc.describe(LIST))
async def list_sessions(request: StrictRequest) -> Response:
    """The active sessions of a user, newest first."""
    exchange, engine, user_id = request.exchange, _engine(request), request.path_params["user_id"]
    caller = await identify(exchange, engine, demand_bearer(exchange))
    sessions = await exchange.in_time(engine.gateway.list(caller, user_id))
    shown = [_show(session, current=caller.session_id) for session in sessions]
    return _success(user_id=user_id, sessions=shown, count=len(shown))


def _show(session: Session, *, current: str | None) -> dict[str, object]:
    return {
        "session_id": session.session_id,
        "created_at": format_time(session.created_ms // 1000),
        "last_activity": format_time(session.last_activity_ms // 1000),
        "is_active": True,
        "is_current": session.session_id == current,
    }


@router.delete(PATHS[REVOKE_USER], **doc.describe(REVOKE_USER))
async def revoke_user(request: StrictRequest) -> Response:
    """Ends the sessions of a user; with `exclude_current` all but the caller's own."""
    exchange, engine, user_id = request.exchange, _engine(request), request.path_params["user_id"]
    caller = await identify(exchange, engine, demand_bearer(exchange))
    keep = _read_flag(request, "exclude_current")
    work = engine.gateway.revoke_user(caller, user_id, exclude_current=keep)
    revoked, total = await exchange.in_time(work)
    message = _say(request, messages.USER_REVOKED)
    return _success(message=message, user_id=user_id, revoked_count=revoked, total_sessions=total)


def _read_flag(request: StrictRequest, name: str) -> bool:
    values = request.query_params.getlist(name)
    if len(values) > 1 or not {"true", "false"}.issuperset(values):
        raise InvalidInput(name)
    return values == ["true"]


@router.delete(PATHS[REVOKE], **doc.describe(REVOKE))
async def revoke(request: StrictRequest) -> Response:
    """Ends a session by its id; one that is over already is a success."""
    exchange, engine, session_id = request.exchange, _engine(request), request.path_params["session_id"]
    caller = await identify(exchange, engine, demand_bearer(exchange))
    await exchange.in_time(engine.gateway.revoke(caller, session_id))
    return _success(message=_say(request, messages.REVOKED), session_id=session_id)
