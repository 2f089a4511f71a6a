# SPDX-License-Identifier: Apache-2.0
"""POST /session-token/validate: the hot path, bytes in and bytes out. A warm process awaits nothing but the body."""

import json
from typing import Final

from starlette.types import Receive, Scope, Send

from tessera_service.engine import Engine
from tessera_service.http.errors import MethodNotAllowed
from tessera_service.http.exchange import Exchange, exchange_of
from tessera_service.http.request import read_strictly
from tessera_service.http.tenant import asked_tenant
from tessera_service.messages import Text
from tessera_service.messages.session_token import DEAD, NAMELESS, NOT_PERMITTED, PERMITTED, TEXTS
from tessera_service.surfaces.session_token.schemas import ValidateSessionTokenBody


class ValidateEndpoint:
    """Answers for every method of the path, so that no routing stands before it."""

    def __init__(self, engine: Engine) -> None:
        self._tokens = engine.session_tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = exchange_of(scope)
        if exchange.method != "POST":
            raise MethodNotAllowed(["POST"])
        exchange.charge_peer()
        body = (await read_strictly(exchange, receive)).decode_json(ValidateSessionTokenBody)
        answer = await self._answer(exchange, body)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _answer(self, exchange: Exchange, body: ValidateSessionTokenBody) -> bytes:
        token, resource, permission = body.session_token, body.resource, body.permission
        tenant_id = asked_tenant(exchange)
        found = self._tokens.validate_now(token, resource=resource, permission=permission, tenant_id=tenant_id)
        if found is None:
            found = await exchange.in_time(
                self._tokens.validate(token, resource=resource, permission=permission, tenant_id=tenant_id)
            )
        if not found.is_valid:
            return _DEAD[exchange.say(TEXTS[DEAD])]
        text = choose_text(has_permission=found.has_permission, resource=resource, permission=permission)
        message = exchange.say(text).format(permission=permission, resource=resource)
        return _render(is_valid=True, has_permission=found.has_permission, message=message)


def choose_text(*, has_permission: bool, resource: str, permission: str) -> Text:
    """What a live session token permits."""
    if not resource or not permission:
        return TEXTS[NAMELESS]
    return TEXTS[PERMITTED if has_permission else NOT_PERMITTED]


def _render(*, is_valid: bool, has_permission: bool, message: str) -> bytes:
    members = {
        "status": "success" if is_valid else "failure",
        "is_valid": is_valid,
        "has_permission": has_permission,
        "message": message,
    }
    return json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode()


_DEAD: Final = {message: _render(is_valid=False, has_permission=False, message=message) for message in TEXTS[DEAD]}
