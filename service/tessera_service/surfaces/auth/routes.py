# SPDX-License-Identifier: Apache-2.0
"""The routes of the auth surface."""

from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from tessera_service.engine import Engine
from tessera_service.engine.permissions import READ_SESSIONS, REVOKE_SESSIONS, demand
from tessera_service.http.envelope import enclose
from tessera_service.http.request import StrictRequest, StrictRoute
from tessera_service.surfaces.auth import documentation as doc
from tessera_service.surfaces.auth.answers import SUCCESS, show_session, show_tokens
from tessera_service.surfaces.auth.calls import admit_caller, admit_leaver, admit_stranger
from tessera_service.surfaces.auth.operations import LIST, LOGIN, LOGOUT, PATHS, REQUEST_OTP, REVOKE
from tessera_service.surfaces.auth.query import read_query
from tessera_service.surfaces.auth.schemas import LogoutRequest, OtpRequest, RevokeSessionRequest
from tessera_service.surfaces.auth.signing_in import sign_in

router: Final = APIRouter(route_class=StrictRoute, tags=["auth"])


def _engine(request: StrictRequest) -> Engine:
    engine: Engine = request.app.state.engine
    return engine


@router.post(PATHS[LOGIN], **doc.describe(LOGIN))
async def login(request: StrictRequest) -> Response:
    """Signs a user in by name and password, or by number and one-time code."""
    exchange, engine = request.exchange, _engine(request)
    tenant_id = await admit_stranger(exchange, engine)
    issued = await sign_in(exchange, engine, tenant_id=tenant_id, sent=await request.read())
    return enclose(exchange, key="data", content=show_tokens(issued))


@router.post(PATHS[REQUEST_OTP], **doc.describe(REQUEST_OTP))
async def request_otp(request: StrictRequest) -> Response:
    """Sends a one-time code to a number, unless it had enough of them; the answer does not tell."""
    exchange, engine = request.exchange, _engine(request)
    tenant_id = await admit_stranger(exchange, engine)
    body = (await request.read()).decode(OtpRequest)
    await exchange.in_time(engine.codes.request(tenant_id, body.phone_number, exchange.peer))
    return enclose(exchange, key="data", content=SUCCESS, status=202)


@router.post(PATHS[LOGOUT], **doc.describe(LOGOUT))
async def logout(request: StrictRequest) -> Response:
    """Ends the session of the bearer, an access or a refresh token, with every token of it."""
    exchange, engine = request.exchange, _engine(request)
    caller = await admit_leaver(exchange, engine)
    body = (await request.read()).decode(LogoutRequest)
    await exchange.in_time(engine.auth_sessions.logout(caller, reason=body.reason))
    return enclose(exchange, key="data", content=SUCCESS)


@router.get(PATHS[LIST], **doc.describe(LIST))
async def list_sessions(request: StrictRequest) -> Response:
    """The sessions of a user, newest first: one's own, or with session.read:any anybody's, and then all of it."""
    exchange, engine = request.exchange, _engine(request)
    caller = await admit_caller(exchange, engine)
    query = read_query(request.query_params)
    listing = engine.auth_sessions.list(
        caller, subject=query.user_id, status=query.status, limit=query.limit, offset=query.offset
    )
    found = await exchange.in_time(listing)
    masked = not caller.may(READ_SESSIONS)
    shown = [show_session(listed, masked=masked) for listed in found.sessions]
    pagination = {"total": found.total, "limit": query.limit, "offset": query.offset}
    return enclose(exchange, key="data", content=shown, pagination=pagination)


@router.post(PATHS[REVOKE], **doc.describe(REVOKE))
async def revoke_session(request: StrictRequest) -> Response:
    """Ends a session by its id; one that is over already is a success."""
    exchange, engine = request.exchange, _engine(request)
    caller = await admit_caller(exchange, engine)
    demand(caller, REVOKE_SESSIONS)  # before the body is read
    body = (await request.read()).decode(RevokeSessionRequest)
    session_id = request.path_params["id"]
    await exchange.in_time(engine.auth_sessions.revoke(caller, session_id, reason=body.reason))
    return enclose(exchange, key="data", content=SUCCESS)
