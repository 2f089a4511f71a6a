# SPDX-License-Identifier: Apache-2.0
"""What POST /v1/token and POST /v1/token/refresh do once their body is read."""

from dataclasses import replace

from starlette.responses import Response

from tessera_service.engine import Engine, PasswordLogin
from tessera_service.errors import InvalidInput, RefreshInvalid, SessionEnded, SessionNotFound, Unauthorized
from tessera_service.http.envelope import enclose
from tessera_service.http.exchange import Exchange
from tessera_service.http.peer import show_address
from tessera_service.models import Caller, IssuedTokens, IssueRequest
from tessera_service.surfaces.token.schemas import IssueBody, PasswordBody, RefreshBody


async def issue_pair(
    exchange: Exchange, engine: Engine, *, caller: Caller, tenant_id: str, body: IssueBody
) -> Response:
    """A new session for `body.sub`."""
    request = IssueRequest(
        tenant_id=tenant_id,
        subject=body.sub,
        client_id=body.client_id,
        scope=body.scope,
        permissions=tuple(body.permissions),
        roles=tuple(body.roles),
        metadata=body.session_metadata.to_metadata(),
    )
    return answer_pair(exchange, await exchange.in_time(engine.tokens.issue(caller, request)))


async def sign_in(exchange: Exchange, engine: Engine, *, tenant_id: str, body: PasswordBody) -> Response:
    """A new session for a user of the tenant. Counts against the peer, who is nobody's client yet; the address of the
    session is the peer's, whatever the body says."""
    named = {name: getattr(body, name) for name in ("username", "email") if name in body.model_fields_set}
    if len(named) != 1:
        raise InvalidInput("username", missing=not named)
    exchange.charge_peer()
    login = PasswordLogin(
        tenant_id=tenant_id,
        password=body.password,
        address=exchange.peer,
        metadata=replace(body.session_metadata.to_metadata(), ip_address=show_address(exchange.peer)),
        surface="token",
        client_id=body.client_id,
        scope=body.scope,
        auth_method="password",
        **named,
    )
    return answer_pair(exchange, await exchange.in_time(engine.login.with_password(login)))


async def refresh_pair(
    exchange: Exchange, engine: Engine, *, tenant_id: str, body: RefreshBody, bearer: str | None
) -> Response:
    """The next pair of a session. The token: bearer or body; both have to be equal. Counts against the token's client
    unless it was counted; a token that turns out to be dead counts against the peer. RateLimited: nothing is spent."""
    token = choose_token(body, bearer)
    client = None
    if not exchange.counted:
        client = await exchange.in_time(engine.tokens.identify_refresh(token, tenant_id=tenant_id))
    if client is not None:
        exchange.charge(tenant_id=client[0], client=client[1])
    refreshed = engine.tokens.refresh(token, tenant_id=tenant_id, session_id=body.session_id or None)
    try:
        return answer_pair(exchange, await exchange.in_time(refreshed))
    except (RefreshInvalid, SessionEnded, SessionNotFound):
        if client is not None:
            exchange.discharge(tenant_id=client[0], client=client[1])
        raise


def choose_token(body: RefreshBody, bearer: str | None) -> str:
    """The one refresh token of a request. Unauthorized without any, RefreshInvalid for two."""
    if "refresh_token" not in body.model_fields_set:
        if bearer is None:
            raise Unauthorized("missing")
        return bearer
    if bearer is not None and bearer != body.refresh_token:
        raise RefreshInvalid
    return body.refresh_token


def answer_pair(exchange: Exchange, issued: IssuedTokens) -> Response:
    """A signed pair in the envelope."""
    content = {
        "access_token": issued.access_token,
        "refresh_token": issued.refresh_token,
        "token_type": "Bearer",
        "expires_in": issued.expires_in,
        "session_id": issued.session_id,
    }
    return enclose(exchange, key="data", content=content)
