# SPDX-License-Identifier: Apache-2.0
"""The routes of the token surface. Introspect and JWKS are declared here and served by their plain endpoints."""

from collections.abc import Mapping

from fastapi import APIRouter
from starlette.responses import Response
from starlette.types import ASGIApp

from tessera_service.engine import Engine
from tessera_service.errors import Forbidden, InvalidInput, RefreshInvalid, ServiceError, TenantMismatch, Unauthorized
from tessera_service.http.bearer import read_bearer
from tessera_service.http.plain import Plain
from tessera_service.http.request import StrictBody, StrictRequest, StrictRoute
from tessera_service.surfaces.admission import authenticate, charge
from tessera_service.surfaces.token import documentation as doc
from tessera_service.surfaces.token.calls import admit
from tessera_service.surfaces.token.grants import issue_pair, refresh_pair, sign_in
from tessera_service.surfaces.token.introspect import IntrospectEndpoint
from tessera_service.surfaces.token.jwks import JwksEndpoint
from tessera_service.surfaces.token.operations import INTROSPECT, ISSUE, JWKS, PATHS, PERMISSIONS, REFRESH, REVOKE
from tessera_service.surfaces.token.revoking import revoke_target
from tessera_service.surfaces.token.schemas import GrantBody, IssueBody, PasswordBody, RefreshBody, RevokeBody

router = APIRouter(route_class=StrictRoute, tags=["token"])


def plain_endpoints(engine: Engine) -> Mapping[str, ASGIApp]:
    """The endpoints that are served without routing."""
    return {PATHS[INTROSPECT]: IntrospectEndpoint(engine), PATHS[JWKS]: JwksEndpoint(engine)}


def _engine(request: StrictRequest) -> Engine:
    engine: Engine = request.app.state.engine
    return engine


@router.post(PATHS[ISSUE], **doc.describe(ISSUE))
async def issue(request: StrictRequest) -> Response:
    """Issues a pair of tokens: for a subject, for a user who gives a password, or for a refresh token, as `grant_type`
    says."""
    exchange, engine = request.exchange, _engine(request)
    tenant_id = await admit(exchange, engine)
    try:
        caller = await authenticate(exchange, engine, tenant_id)
    except (Unauthorized, TenantMismatch) as refused:
        return await _issue_without_caller(request, tenant_id, refused)
    charge(exchange, caller, tenant_id)
    sent = await request.read()
    grant = _read_grant(sent)
    if grant == "password":
        return await sign_in(exchange, engine, tenant_id=tenant_id, body=sent.decode(PasswordBody))
    if grant == "refresh_token":
        exchange.operation = REFRESH
        body = sent.decode(RefreshBody)
        # The bearer is the caller's own, unless the body leaves it no other meaning.
        bearer = None if "refresh_token" in body.model_fields_set else read_bearer(exchange)
        return await refresh_pair(exchange, engine, tenant_id=tenant_id, body=body, bearer=bearer)
    if not caller.may(PERMISSIONS[ISSUE]):
        raise Forbidden
    return await issue_pair(exchange, engine, caller=caller, tenant_id=tenant_id, body=sent.decode(IssueBody))


async def _issue_without_caller(request: StrictRequest, tenant_id: str, refused: ServiceError) -> Response:
    """A refresh token and a password speak for themselves; every other grant needs a caller."""
    try:
        sent = await request.read()
        grant = _read_grant(sent)
    except ServiceError:
        raise refused from None
    if grant == "password":
        body = sent.decode(PasswordBody)
        return await sign_in(request.exchange, _engine(request), tenant_id=tenant_id, body=body)
    if grant != "refresh_token":
        raise refused
    return await _refresh(request, tenant_id, sent)


def _read_grant(sent: StrictBody) -> str:
    grant = sent.decode(GrantBody).grant_type
    if grant not in ("jwt_bearer", "password", "refresh_token"):
        raise InvalidInput("grant_type")
    return grant


@router.post(PATHS[REFRESH], **doc.describe(REFRESH))
async def refresh(request: StrictRequest) -> Response:
    """Exchanges a refresh token for the next pair of its session."""
    tenant_id = await admit(request.exchange, _engine(request))
    _refresh_bearer(request)  # one that is malformed is told before the body is read
    return await _refresh(request, tenant_id, await request.read())


async def _refresh(request: StrictRequest, tenant_id: str, sent: StrictBody) -> Response:
    request.exchange.operation = REFRESH
    bearer = _refresh_bearer(request)
    body = sent.decode(RefreshBody)
    return await refresh_pair(request.exchange, _engine(request), tenant_id=tenant_id, body=body, bearer=bearer)


def _refresh_bearer(request: StrictRequest) -> str | None:
    try:
        return read_bearer(request.exchange)
    except Unauthorized:
        raise RefreshInvalid from None


@router.post(PATHS[REVOKE], **doc.describe(REVOKE))
async def revoke(request: StrictRequest) -> Response:
    """Revokes a session, every session of a subject, or one token; without a body the current session."""
    exchange, engine = request.exchange, _engine(request)
    tenant_id = await admit(exchange, engine)
    caller = await authenticate(exchange, engine, tenant_id)
    charge(exchange, caller, tenant_id)
    body = (await request.read()).decode(RevokeBody, form=True)
    await exchange.in_time(revoke_target(engine.tokens, caller, body))
    return Response(status_code=204)


@router.post(PATHS[INTROSPECT], **doc.describe(INTROSPECT))
async def introspect(request: StrictRequest) -> Response:
    """Says whether a token is alive, and what it holds."""
    return Plain(IntrospectEndpoint(_engine(request)))


@router.get(PATHS[JWKS], **doc.describe(JWKS))
async def jwks(request: StrictRequest) -> Response:
    """The public keys that verify the tokens of this service."""
    return Plain(JwksEndpoint(_engine(request)))
