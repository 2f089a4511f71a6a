# SPDX-License-Identifier: Apache-2.0
"""Who may make sessions and read their figures: a gateway key, a service token with
token.generate, or, where that is allowed, who runs on this machine. Everybody else: Forbidden."""

import re
from typing import Final

from tessera_service.engine import Engine, GatewayClient
from tessera_service.errors import Forbidden, TenantMismatch, Unauthorized
from tessera_service.http.bearer import read_bearer
from tessera_service.http.errors import UnsupportedMediaType
from tessera_service.http.exchange import Exchange
from tessera_service.http.media import Media, parse_content_type
from tessera_service.http.peer import parse_address
from tessera_service.http.tenant import asked_tenant
from tessera_service.models import TokenKind

KEY_HEADER: Final = b"x-gateway-key"

_PERMISSION: Final = "token.generate"
_RELAYED: Final = frozenset({b"origin", b"forwarded", b"x-real-ip", b"via"})  # a browser or a proxy stands between
_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::[0-9]{1,5})?")


async def admit_client(exchange: Exchange, engine: Engine) -> GatewayClient:
    """The gateway behind the request, and its tenant; counts the request against it. Forbidden, RateLimited."""
    client = await _find_client(exchange, engine)
    if asked_tenant(exchange) not in (None, client.tenant_id):
        raise Forbidden
    exchange.charge(tenant_id=client.tenant_id, client=client.name)
    return client


async def _find_client(exchange: Exchange, engine: Engine) -> GatewayClient:
    if exchange.has_header(KEY_HEADER):
        return await _by_key(exchange, engine)
    if exchange.has_header(b"authorization"):
        return await _by_bearer(exchange, engine)
    if engine.gateway.allow_loopback and is_local(exchange):
        return GatewayClient(engine.gateway.default_tenant, "loopback")
    raise Forbidden


async def _by_key(exchange: Exchange, engine: Engine) -> GatewayClient:
    key = exchange.header(KEY_HEADER)
    tenant_id = None
    if key is not None:
        tenant_id = await exchange.in_time(engine.gateway_keys.check(key.decode("latin-1")))
    if tenant_id is None:
        raise Forbidden
    return GatewayClient(tenant_id, "gateway-key")


async def _by_bearer(exchange: Exchange, engine: Engine) -> GatewayClient:
    try:
        bearer = read_bearer(exchange)
        caller = engine.tokens.authenticate_now(bearer, tenant_id=None)
        if caller is None:
            caller = await exchange.in_time(engine.tokens.authenticate(bearer, tenant_id=None))
    except (Unauthorized, TenantMismatch):
        raise Forbidden from None
    if caller.kind is not TokenKind.SERVICE or not caller.may(_PERMISSION):
        raise Forbidden
    return GatewayClient(caller.tenant_id, caller.client_id or caller.subject, caller.permissions)


def is_local(exchange: Exchange) -> bool:
    """Whether a program on this machine asks by itself: no browser that was led here, no proxy for somebody else. A
    page elsewhere cannot send JSON without an Origin, nor a Host that is not its own. nginx that was told nothing else
    names its upstream as the Host and itself nowhere, but sends HTTP/1.0, which programs do not. A proxy that hides
    better cannot be told from a program: where there is one, nobody should go without a key."""
    client = exchange.scope.get("client")
    address = parse_address(str(client[0])) if client else None
    if address is None or not address.is_loopback or not _names_loopback(exchange.header(b"host")):
        return False
    if exchange.scope["http_version"] == "1.0":
        return False
    if any(name in _RELAYED or name.startswith(b"x-forwarded-") for name, _ in exchange.scope["headers"]):
        return False
    return exchange.method == "GET" or _has_json_body(exchange)


def _names_loopback(host: bytes | None) -> bool:
    match = _HOST.fullmatch((host or b"").decode("latin-1").lower())
    if match is None:
        return False
    address = parse_address(match[1])
    return match[1] == "localhost" if address is None else address.is_loopback


def _has_json_body(exchange: Exchange) -> bool:
    try:
        return parse_content_type(exchange.header(b"content-type") or b"") is Media.JSON
    except UnsupportedMediaType:
        return False
