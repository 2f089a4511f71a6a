# SPDX-License-Identifier: Apache-2.0
"""How the token surface answers errors. Also the dialect of every path that no surface claims."""

from typing import Any, Final

from starlette.responses import Response

from tessera_service.errors import CredentialsRefused, InvalidInput, ServiceError
from tessera_service.http.envelope import enclose
from tessera_service.http.errors import MethodNotAllowed, NotFound
from tessera_service.http.exchange import Dialect, Exchange
from tessera_service.http.refusal import refusal_headers
from tessera_service.messages.token import TEXTS
from tessera_service.surfaces.admission import echo_tenant
from tessera_service.surfaces.token.errors import Row, find_row
from tessera_service.surfaces.token.operations import ISSUE, PATHS

_OPERATIONS: Final = {path: operation for operation, path in PATHS.items()}


class TokenDialect(Dialect):
    """Errors as `{"error": {"code", "message", "data"?}, "meta"}`; `data`: `alias`, `field`;
    of a sign-in that was refused also `attempts_left`, `lockout_duration` (seconds)."""

    def answer(self, error: ServiceError, exchange: Exchange) -> Response:
        if exchange.tenant_id is None and isinstance(error, NotFound | MethodNotAllowed) and _is_ours(exchange.path):
            echo_tenant(exchange, exchange.scope["app"].state.engine)
        row = find_row(error, exchange.operation or _OPERATIONS.get(exchange.path))
        content: dict[str, Any] = {"code": row.code, "message": exchange.say(TEXTS[row.text or row.code])}
        if data := _data(error, row):
            content["data"] = data
        headers = refusal_headers(error, row.status)
        return enclose(exchange, key="error", content=content, status=row.status, headers=headers)


def _is_ours(path: str) -> bool:
    return path == PATHS[ISSUE] or path.startswith(PATHS[ISSUE] + "/")


def _data(error: ServiceError, row: Row) -> dict[str, Any]:
    data: dict[str, Any] = {}
    if row.alias is not None:
        data["alias"] = row.alias
    if isinstance(error, InvalidInput) and error.field is not None:
        data["field"] = error.field
    if isinstance(error, CredentialsRefused):
        data["attempts_left"] = error.attempts_left
        if error.lockout_seconds is not None:
            data["lockout_duration"] = error.lockout_seconds
    return data
