# SPDX-License-Identifier: Apache-2.0
"""How the gateway surface answers errors."""

from typing import Final

from starlette.responses import JSONResponse, Response

from tessera_service.errors import ServiceError
from tessera_service.http.exchange import Dialect, Exchange
from tessera_service.http.refusal import refusal_headers
from tessera_service.messages.gateway import TEXTS
from tessera_service.surfaces.gateway.errors import find_row
from tessera_service.surfaces.gateway.operations import BASE, CREATE, PATHS, VALIDATE

_CREATES: Final = frozenset({BASE, f"{BASE}/"})


class GatewayDialect(Dialect):
    """Errors as `{"success": false, "error_code", "error_message"}`; about a validation `is_valid` in its place."""

    def answer(self, error: ServiceError, exchange: Exchange) -> Response:
        row = find_row(error, CREATE if exchange.path in _CREATES else None)
        flag = "is_valid" if exchange.path == PATHS[VALIDATE] else "success"
        body = describe_error(row.code, flag, exchange.say(TEXTS[row.code]))
        return JSONResponse(body, status_code=row.status, headers=refusal_headers(error, row.status))


def describe_error(code: str, flag: str, message: str) -> dict[str, object]:
    """The body of an error; `flag`: "success" or "is_valid"."""
    return {flag: False, "error_code": code, "error_message": message}
