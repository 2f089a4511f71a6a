# SPDX-License-Identifier: Apache-2.0
"""POST /api/v1/sessions/validate: the hot path, bytes in and bytes out. A warm process awaits nothing but the body."""

import json
from functools import lru_cache
from typing import Final

from starlette.types import Receive, Scope, Send

from tessera_service.engine import Engine, SessionView, Validation
from tessera_service.errors import TokenDead
from tessera_service.http.errors import MethodNotAllowed
from tessera_service.http.exchange import Exchange, exchange_of
from tessera_service.http.request import read_strictly
from tessera_service.http.tenant import asked_tenant
from tessera_service.http.times import format_time
from tessera_service.messages.gateway import TEXTS
from tessera_service.surfaces.gateway.dialect import describe_error
from tessera_service.surfaces.gateway.errors import find_row
from tessera_service.surfaces.gateway.operations import VALIDATE
from tessera_service.surfaces.gateway.schemas import ValidateBody

_END: Final = b',"should_refresh":false}'


class ValidateEndpoint:
    """Answers for every method of the path, so that no routing stands before it."""

    def __init__(self, engine: Engine) -> None:
        self._gateway = engine.gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = exchange_of(scope)
        if exchange.method != "POST":
            raise MethodNotAllowed(["POST"])
        exchange.charge_peer()
        body = (await read_strictly(exchange, receive)).decode_json(ValidateBody)
        answer = await self._answer(exchange, body.token.encode())
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _answer(self, exchange: Exchange, token: bytes) -> bytes:
        tenant_id = asked_tenant(exchange)
        try:
            found = self._gateway.validate_now(token, tenant_id=tenant_id)
            if found is None:
                found = await exchange.in_time(self._gateway.validate(token, tenant_id=tenant_id))
        except TokenDead as dead:
            exchange.error_code = dead.code
            return _refuse(exchange, dead)
        return render(found)


def render(found: Validation) -> bytes:
    """The whole answer about a live token."""
    before, after = _pieces(found.session)
    last_activity = format_time(found.last_activity_ms // 1000).encode()
    if found.new_token is None:
        return b"".join((before, last_activity, after, _END))
    token = found.new_token.encode()  # base64url and dots
    return b"".join((before, last_activity, after, b',"should_refresh":true,"new_token":"', token, b'"}'))


@lru_cache(maxsize=8192)
def _pieces(session: SessionView) -> tuple[bytes, bytes]:
    """What stands before and after the time of the last activity."""
    members = {
        "session_id": session.session_id,
        "user_id": session.subject,
        "username": session.username,
        "role_name": session.roles[0] if session.roles else None,
        "permissions": session.permissions,
        "created_at": format_time(session.created_ms // 1000),
        "expires_at": format_time(session.expires_at),
    }
    before = b'{"is_valid":true,"session":' + _compact(members)[:-1] + b',"last_activity":"'
    return before, b'","tenant_id":' + _compact(session.tenant_id) + b"}"


def _refuse(exchange: Exchange, dead: TokenDead) -> bytes:
    code = find_row(dead, VALIDATE).code
    return _compact(describe_error(code, "is_valid", exchange.say(TEXTS[code])))


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
