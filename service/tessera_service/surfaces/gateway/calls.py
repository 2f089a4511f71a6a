# SPDX-License-Identifier: Apache-2.0
"""What the calls of a user's token begin with."""

from tessera_service.engine import Engine
from tessera_service.errors import Unauthorized
from tessera_service.http.bearer import read_bearer
from tessera_service.http.exchange import Exchange
from tessera_service.http.tenant import asked_tenant
from tessera_service.models import Caller


def demand_bearer(exchange: Exchange) -> str:
    """The bearer token. Unauthorized without one."""
    bearer = read_bearer(exchange)
    if bearer is None:
        raise Unauthorized("missing")
    return bearer


async def identify(exchange: Exchange, engine: Engine, token: str) -> Caller:
    """Who presents that token; counts the request against the client. TokenDead, RateLimited."""
    caller = await exchange.in_time(engine.gateway.identify(token, tenant_id=asked_tenant(exchange)))
    exchange.charge(tenant_id=caller.tenant_id, client=caller.client_id or caller.subject)
    return caller
