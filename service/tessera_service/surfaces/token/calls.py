# SPDX-License-Identifier: Apache-2.0
"""What every call under /v1/token begins with: request id, tenant, caller, request limit; in this order.

On a warm process these coroutines end without having waited for anything."""

from contextlib import suppress

from tessera_service.engine import Engine
from tessera_service.errors import InvalidInput, ServiceError, UnknownTenant
from tessera_service.http.bearer import read_bearer
from tessera_service.http.exchange import Exchange
from tessera_service.models import Caller

REQUEST_ID = "X-Request-ID"
TENANT_ID = "X-Tenant-ID"

_TENANT_HEADER = b"x-tenant-id"
_REQUEST_HEADER = b"x-request-id"
_TENANT_LETTERS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")


async def admit(exchange: Exchange, engine: Engine) -> str:
    """The tenant that the request is for. InvalidInput for a header that is missing or malformed, UnknownTenant. A
    tenant that is known is echoed even if the request id is not right."""
    if not exchange.asked_request_id:
        with suppress(ServiceError):
            await _find_tenant(exchange, engine)
        raise InvalidInput(REQUEST_ID, missing=not exchange.has_header(_REQUEST_HEADER))
    return await _find_tenant(exchange, engine)


async def _find_tenant(exchange: Exchange, engine: Engine) -> str:
    tenant_id = _read_tenant(exchange)
    exists = engine.tenants.exists_now(tenant_id)
    if exists is None:
        exists = await exchange.in_time(engine.tenants.exists(tenant_id))
    if not exists:
        raise UnknownTenant
    exchange.tenant_id = tenant_id
    return tenant_id


def _read_tenant(exchange: Exchange) -> str:
    value = exchange.header(_TENANT_HEADER)
    if value is None and not exchange.has_header(_TENANT_HEADER):
        raise InvalidInput(TENANT_ID, missing=True)
    if not value or len(value) > 64 or not _TENANT_LETTERS.issuperset(value):
        raise UnknownTenant
    return value.decode()


def echo_tenant(exchange: Exchange, engine: Engine) -> None:
    """Echoes a tenant that this process knows, where no operation asks for one. Awaits nothing."""
    with suppress(ServiceError):
        tenant_id = _read_tenant(exchange)
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
