# SPDX-License-Identifier: Apache-2.0
"""What the calls of this surface begin with, beside the tenant: who it is that asks."""

from tessera_service.engine import Engine
from tessera_service.http.bearer import read_bearer
from tessera_service.http.exchange import Exchange
from tessera_service.models import Caller
from tessera_service.surfaces.admission import admit_tenant, authenticate, charge


async def admit_stranger(exchange: Exchange, engine: Engine) -> str:
    """The tenant of a call without a token, which counts against its peer. RateLimited."""
    tenant_id = await admit_tenant(exchange, engine)
    exchange.charge_peer()
    return tenant_id


async def admit_caller(exchange: Exchange, engine: Engine) -> Caller:
    """The caller, in the tenant that the call is for. Unauthorized, TenantMismatch, RateLimited."""
    tenant_id = await admit_tenant(exchange, engine)
    caller = await authenticate(exchange, engine, tenant_id)
    charge(exchange, caller, tenant_id)
    return caller


async def admit_leaver(exchange: Exchange, engine: Engine) -> Caller:
    """Whose session the bearer is to end: a refresh token will do, too. As `admit_caller`; TokenAlreadyRevoked."""
    tenant_id = await admit_tenant(exchange, engine)
    bearer = read_bearer(exchange)
    caller = await exchange.in_time(engine.auth_sessions.who_logs_out(bearer, tenant_id=tenant_id))
    charge(exchange, caller, tenant_id)
    return caller
