# SPDX-License-Identifier: Apache-2.0
"""How the legacy surface answers errors."""

from typing import Final

from starlette.responses import JSONResponse, Response

from tessera_service.errors import ServiceError
from tessera_service.http.exchange import Dialect, Exchange
from tessera_service.http.refusal import refusal_headers
from tessera_service.surfaces.legacy_auth.errors import find_row
from tessera_service.surfaces.legacy_auth.operations import PATHS, SESSION

_OPERATIONS: Final = {path: operation for operation, path in PATHS.items()}


class LegacyDialect(Dialect):
    """Errors as `{"success": false, "message"}`; about a session `isValid` in its place."""

    def answer(self, error: ServiceError, exchange: Exchange) -> Response:
        operation = _OPERATIONS.get(exchange.path)
        row = find_row(error, operation)
        headers = refusal_headers(error, row.status)
        return JSONResponse(describe_error(exchange.say(row.text), operation), status_code=row.status, headers=headers)


def describe_error(message: str, operation: str | None) -> dict[str, object]:
    """The body of an error."""
    return {"isValid" if operation == SESSION else "success": False, "message": message}
