# SPDX-License-Identifier: Apache-2.0
"""How the authz surface answers errors."""

from starlette.responses import JSONResponse, Response

from tessera_service.errors import ServiceError
from tessera_service.http.exchange import Dialect, Exchange
from tessera_service.http.refusal import refusal_headers
from tessera_service.surfaces.authz.answers import NOBODY, describe
from tessera_service.surfaces.authz.errors import find_row


class AuthzDialect(Dialect):
    """Errors as `{"allowed": false, "message"}`, with every X-Auth header, empty."""

    def answer(self, error: ServiceError, exchange: Exchange) -> Response:
        row = find_row(error)
        body = describe(allowed=False, message=exchange.say(row.text))
        return JSONResponse(body, status_code=row.status, headers={**NOBODY, **refusal_headers(error, row.status)})
