# SPDX-License-Identifier: Apache-2.0
"""GET and POST /v1/authz and /v1/authz/{policy}: plain ASGI. A warm process awaits nothing, and reads no more than the
head."""

import json
from functools import partial
from typing import Final

from starlette.types import Receive, Scope, Send

from tessera_service.engine import AuthzAnswer, Engine
from tessera_service.errors import Forbidden, ServiceError, Unauthorized
from tessera_service.http.bearer import read_bearer
from tessera_service.http.errors import MethodNotAllowed
from tessera_service.http.exchange import Exchange, exchange_of
from tessera_service.http.refusal import refusal_headers
from tessera_service.http.tenant import asked_tenant
from tessera_service.messages.authz import ALLOWED, TEXTS
from tessera_service.surfaces.authz.answers import describe, identity_headers
from tessera_service.surfaces.authz.errors import find_row
from tessera_service.surfaces.authz.operations import METHODS

_Pairs = list[tuple[bytes, bytes]]


def _allowed_answer(message: str) -> tuple[_Pairs, bytes]:
    body = json.dumps(describe(allowed=True, message=message), ensure_ascii=False).encode()
    return [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))], body


_ALLOWED: Final = {message: _allowed_answer(message) for message in TEXTS[ALLOWED]}


class AuthzEndpoint:
    """Answers for every method of its path, so that no routing stands before it. `policy` None: `/v1/authz`."""

    def __init__(self, engine: Engine, policy: str | None) -> None:
        self._check_now = partial(engine.authz.check_now, policy=policy)
        self._check = partial(engine.authz.check, policy=policy)

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        exchange = exchange_of(scope)
        if exchange.method not in METHODS:
            raise MethodNotAllowed(METHODS)
        token, tenant_id = read_bearer(exchange), asked_tenant(exchange)
        answer = self._check_now(token, tenant_id=tenant_id)
        if answer is None:
            answer = await exchange.in_time(self._check(token, tenant_id=tenant_id))
        if answer.status == 200:
            await _send(send, answer, *_ALLOWED[exchange.say(TEXTS[ALLOWED])])
        elif answer.status == 401:
            raise Unauthorized("missing" if token is None else "invalid")
        else:
            await _refuse(exchange, send, answer, Forbidden())


async def _refuse(exchange: Exchange, send: Send, answer: AuthzAnswer, error: ServiceError) -> None:
    """As the dialect would, but who it was is said."""
    row = find_row(error)
    exchange.error_code = error.code
    body = json.dumps(describe(allowed=False, message=exchange.say(row.text)), ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    headers |= refusal_headers(error, row.status)
    await _send(send, answer, [(name.lower().encode(), value.encode()) for name, value in headers.items()], body)


async def _send(send: Send, answer: AuthzAnswer, headers: _Pairs, body: bytes) -> None:
    whole = [*identity_headers(answer), *headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": whole})
    await send({"type": "http.response.body", "body": body})
