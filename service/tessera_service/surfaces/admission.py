# SPDX-License-Identifier: Apache-2.0
"""What a call begins with where X-Tenant-ID is demanded: tenant, caller, request limit; in this order.

On a warm process these coroutines end without having waited for anything."""

from contextlib import suppress

from tessera_service.engine import Engine
from tessera_service.errors import ServiceError, UnknownTenant
from tessera_service.http.bearer import read_bearer
from tessera_service.http.exchange import Exchange
from tessera_service.http.tenant import demanded_tenant
from tessera_service.models import Caller


async def admit_tenant(exchange: Exchange, engine: Engine) -> str:
    """The tenant that the request is for; it is echoed from now on. InvalidInput without the header, UnknownTenant."""
    tenant_id = demanded_tenant(exchange)
    exists = engine.tenants.exists_now(tenant_id)
    if exists is None:
        exists = await exchange.in_time(engine.tenants.exists(tenant_id))
    if not exists:
        raise UnknownTenant
    exchange.tenant_id = tenant_id
    return tenant_id


def echo_tenant(exchange: Exchange, engine: Engine) -> None:
    """Echoes a tenant that this process knows, where no operation asks for one. Awaits nothing."""
    with suppress(ServiceError):
        tenant_id = demanded_tenant(exchange)
        if engine.tenants.exists_now(tenant_id):
            exchange.tenant_id = tenant_id


async def authenticate(exchange: Exchange, engine: Engine, tenant_id: str) -> Caller:
    """The caller behind the bearer, within that tenant. Unauthorized, TenantMismatch."""
    bearer = read_bearer(exchange)
    caller = engine.tokens.authenticate_now(bearer, tenant_id=tenant_id)
    if caller is None:
        caller = await exchange.in_time(engine.tokens.authenticate(bearer, tenant_id=tenant_id))
    return caller


def charge(exchange: Exchange, caller: Caller, tenant_id: str) -> None:
    """Counts the request against the caller. RateLimited."""
    exchange.charge(tenant_id=tenant_id, client=caller.client_id or caller.subject)
