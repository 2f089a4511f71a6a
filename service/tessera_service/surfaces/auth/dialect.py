# SPDX-License-Identifier: Apache-2.0
"""How the auth surface answers errors."""

from typing import Any, Final

from starlette.responses import Response

from tessera_service.errors import CodeRefused, CredentialsRefused, InvalidInput, ServiceError
from tessera_service.http.envelope import enclose
from tessera_service.http.errors import MethodNotAllowed, NotFound
from tessera_service.http.exchange import Dialect, Exchange
from tessera_service.http.refusal import refusal_headers
from tessera_service.messages.auth import TEXTS
from tessera_service.surfaces.admission import echo_tenant
from tessera_service.surfaces.auth.errors import Row, find_row
from tessera_service.surfaces.auth.operations import PATHS

_OPERATIONS: Final = {path: operation for operation, path in PATHS.items()}


class AuthDialect(Dialect):
    """Errors as `{"error": {"code", "message", "data"?}, "meta"}`; `data`: `alias`, `field`, `attempts_left`,
    `lockout_duration` (seconds). The message is in the language that the client asks for."""

    def answer(self, error: ServiceError, exchange: Exchange) -> Response:
        if exchange.tenant_id is None and isinstance(error, NotFound | MethodNotAllowed):
            echo_tenant(exchange, exchange.scope["app"].state.engine)
        row = find_row(error, _OPERATIONS.get(exchange.path))
        content: dict[str, Any] = {"code": row.code, "message": exchange.say(TEXTS[row.code])}
        if data := _data(error, row):
            content["data"] = data
        headers = refusal_headers(error, row.status)
        return enclose(exchange, key="error", content=content, status=row.status, headers=headers)


def _data(error: ServiceError, row: Row) -> dict[str, Any]:
    data: dict[str, Any] = {} if row.alias is None else {"alias": row.alias}
    match error:
        case InvalidInput(field=str()):
            data["field"] = error.field
        case CodeRefused():
            data["attempts_left"] = error.attempts_left
        case CredentialsRefused():
            data["attempts_left"] = error.attempts_left
            if error.lockout_seconds is not None:
                data["lockout_duration"] = error.lockout_seconds
    return data
