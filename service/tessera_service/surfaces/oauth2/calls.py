# SPDX-License-Identifier: Apache-2.0
"""What a call under /oauth2 begins with: who calls, and for which tenant; the request limit; the permission."""

from tessera_service.engine import Engine
from tessera_service.errors import ClientForbidden, Forbidden, InvalidInput
from tessera_service.http.basic import read_basic
from tessera_service.http.bearer import read_bearer
from tessera_service.http.exchange import Exchange
from tessera_service.http.request import StrictRequest
from tessera_service.http.tenant import asked_tenant
from tessera_service.models import Caller
from tessera_service.surfaces.admission import charge
from tessera_service.surfaces.oauth2.operations import INTROSPECT, PERMISSIONS
from tessera_service.surfaces.oauth2.schemas import OAuthTokenForm


async def admit(exchange: Exchange, engine: Engine, operation: str) -> Caller:
    """Who calls: an access key, by Basic, or a bearer token. The tenant is that of the credential. ClientRefused,
    ClientForbidden; Unauthorized, TenantMismatch, Forbidden; RateLimited."""
    pair = read_basic(exchange)
    if pair is None:
        return await _admit_bearer(exchange, engine, operation)
    work = engine.clients.authenticate(*pair, tenant_id=asked_tenant(exchange))
    caller = await exchange.in_time(work)
    charge(exchange, caller, caller.tenant_id)
    if not caller.may(PERMISSIONS[operation]):
        raise ClientForbidden
    return caller


async def _admit_bearer(exchange: Exchange, engine: Engine, operation: str) -> Caller:
    bearer, tenant_id = read_bearer(exchange), asked_tenant(exchange)
    caller = engine.tokens.authenticate_now(bearer, tenant_id=tenant_id)
    if caller is None:
        caller = await exchange.in_time(engine.tokens.authenticate(bearer, tenant_id=tenant_id))
    charge(exchange, caller, caller.tenant_id)
    if operation == INTROSPECT and not caller.may(PERMISSIONS[INTROSPECT]):
        raise Forbidden
    return caller


async def read_token(request: StrictRequest) -> str:
    """The token in the form. InvalidInput, UnsupportedMediaType, BodyTooLarge."""
    form = (await request.read()).decode_form(OAuthTokenForm)
    if form.has_credentials:
        raise InvalidInput
    return form.token
