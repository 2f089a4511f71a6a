# SPDX-License-Identifier: Apache-2.0
"""What POST /v1/token and POST /v1/token/refresh do once their body is read."""

from starlette.responses import Response

from tessera_service.engine import Engine
from tessera_service.errors import RefreshInvalid, Unauthorized
from tessera_service.http.exchange import Exchange
from tessera_service.models import Caller, IssuedTokens, IssueRequest
from tessera_service.surfaces.token.envelope import enclose
from tessera_service.surfaces.token.schemas import IssueBody, RefreshBody


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


async def identify_client(exchange: Exchange, engine: Engine, *, token: str, tenant_id: str) -> None:
    """Counts the request against the client of a genuine refresh token, unless it was counted. RateLimited."""
    if not exchange.counted:
        found = await exchange.in_time(engine.tokens.identify_refresh(token, tenant_id=tenant_id))
        if found is not None:
            exchange.charge(tenant_id=found[0], client=found[1])


async def refresh_pair(
    exchange: Exchange, engine: Engine, *, tenant_id: str, body: RefreshBody, bearer: str | None
) -> Response:
    """The next pair of a session. The token: bearer or body; both have to be equal."""
    token = choose_token(body, bearer)
    await identify_client(exchange, engine, token=token, tenant_id=tenant_id)
    session_id = body.session_id or None
    return answer_pair(
        exchange, await exchange.in_time(engine.tokens.refresh(token, tenant_id=tenant_id, session_id=session_id))
    )


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
