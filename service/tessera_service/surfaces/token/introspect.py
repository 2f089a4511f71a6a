# SPDX-License-Identifier: Apache-2.0
"""POST /v1/token/introspect: the hot path, bytes in and bytes out. A warm process awaits nothing but the body."""

from typing import Final

from starlette.types import Receive, Scope, Send

from tessera_service.engine import Engine
from tessera_service.errors import Forbidden, InvalidInput
from tessera_service.http.errors import MethodNotAllowed
from tessera_service.http.exchange import Exchange, exchange_of
from tessera_service.http.request import read_strictly
from tessera_service.surfaces.admission import authenticate, charge
from tessera_service.surfaces.token.calls import admit
from tessera_service.surfaces.token.operations import INTROSPECT, PERMISSIONS
from tessera_service.surfaces.token.schemas import IntrospectBody

MAX_TOKEN_BYTES: Final = 8192


class IntrospectEndpoint:
    """Answers for every method of the path, so that no routing stands before it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = exchange_of(scope)
        if exchange.method != "POST":
            raise MethodNotAllowed(["POST"])
        tenant_id = await self._admit_caller(exchange)
        body = await read_strictly(exchange, receive)
        token = body.decode(IntrospectBody, form=True).token.encode()
        if len(token) > MAX_TOKEN_BYTES:
            raise InvalidInput("token")
        answer = self._engine.tokens.introspect_now(token, tenant_id=tenant_id)
        if answer is None:
            answer = await exchange.in_time(self._engine.tokens.introspect(token, tenant_id=tenant_id))
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _admit_caller(self, exchange: Exchange) -> str:
        tenant_id = await admit(exchange, self._engine)
        caller = await authenticate(exchange, self._engine, tenant_id)
        charge(exchange, caller, tenant_id)
        if not caller.may(PERMISSIONS[INTROSPECT]):
            raise Forbidden
        return tenant_id
