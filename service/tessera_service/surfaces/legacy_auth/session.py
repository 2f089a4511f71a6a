# SPDX-License-Identifier: Apache-2.0
"""GET /api/v1/auth/session: plain ASGI. A warm process awaits nothing."""

import json
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from tessera_service.engine import Engine, SessionView
from tessera_service.errors import Unauthorized
from tessera_service.http.bearer import read_bearer
from tessera_service.http.errors import MethodNotAllowed
from tessera_service.http.exchange import Exchange, exchange_of
from tessera_service.http.tenant import asked_tenant

QUERY_NAMES: Final = ("accessToken", "access_token")
_MAX_FIELDS: Final = 32


class SessionEndpoint:
    """Answers for every method of the path, so that no routing stands before it."""

    def __init__(self, engine: Engine) -> None:
        self._legacy = engine.legacy

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        exchange = exchange_of(scope)
        if exchange.method != "GET":
            raise MethodNotAllowed(["GET"])
        token, tenant_id = self._read_token(exchange), asked_tenant(exchange)
        found = self._legacy.session_now(token, tenant_id=tenant_id)
        if found is None:
            found = await exchange.in_time(self._legacy.session(token, tenant_id=tenant_id))
        caller = found.caller
        exchange.charge(tenant_id=caller.tenant_id, client=caller.client_id or caller.subject)
        before, after = _pieces(found.session)
        answer = b'%b"expiresIn":%d,%b' % (before, found.expires_in, after)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    def _read_token(self, exchange: Exchange) -> str | None:
        """The bearer; without one the token of the query, where that is allowed."""
        token = read_bearer(exchange)
        if token is None and self._legacy.query_token:
            return read_query_token(exchange.scope["query_string"])
        return token


def read_query_token(query: bytes) -> str | None:
    """The one token of a query. Unauthorized for several, or a query that nobody writes."""
    if not query:
        return None
    try:
        fields = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise Unauthorized("invalid") from None
    tokens = [value for name, value in fields if name in QUERY_NAMES]
    if len(tokens) > 1:
        raise Unauthorized("invalid")
    return tokens[0] if tokens else None


@lru_cache(maxsize=8192)
def _pieces(session: SessionView) -> tuple[bytes, bytes]:
    """What stands before and after the time that the token still has."""
    before = {"isValid": True, "userId": session.subject, "sessionId": session.session_id}
    after = {
        "userInfo": {
            "userId": session.subject,
            "username": session.username,
            "roles": session.roles,
            "tenantId": session.tenant_id,
        },
        "permissions": session.permissions,
    }
    return _compact(before)[:-1] + b",", _compact(after)[1:]


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
