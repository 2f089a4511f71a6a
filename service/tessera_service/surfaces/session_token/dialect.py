# SPDX-License-Identifier: Apache-2.0
"""How the session-token surface answers errors."""

from collections.abc import Mapping

from starlette.responses import JSONResponse, Response

from tessera_service.errors import ServiceError
from tessera_service.http.exchange import Dialect, Exchange
from tessera_service.http.refusal import refusal_headers
from tessera_service.surfaces.session_token.errors import find_row


class SessionTokenDialect(Dialect):
    """Errors as `{"status": "failure", "message"}`."""

    def answer(self, error: ServiceError, exchange: Exchange) -> Response:
        row = find_row(error)
        body = describe_error(exchange.say(row.text))
        return JSONResponse(body, status_code=row.status, headers=refusal_headers(error, row.status))


def describe_error(message: str) -> Mapping[str, str]:
    """The body of an error."""
    return {"status": "failure", "message": message}
