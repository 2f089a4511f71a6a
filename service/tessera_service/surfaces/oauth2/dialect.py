# SPDX-License-Identifier: Apache-2.0
"""How the OAuth surface answers errors."""

import json
from collections.abc import Mapping
from typing import Final

from starlette.responses import Response

from tessera_service.errors import ClientRefused, ServiceError, Unauthorized
from tessera_service.http.exchange import Dialect, Exchange
from tessera_service.http.refusal import refusal_headers
from tessera_service.messages.oauth2 import TEXTS
from tessera_service.surfaces.oauth2.errors import find_row

JSON_TYPE: Final = "application/json"

_BASIC: Final = 'Basic realm="tessera"'


class OAuthDialect(Dialect):
    """Errors as `{"error", "error_description"}` (RFC 6749 section 5.2). The bytes are ASCII, whatever the language."""

    def answer(self, error: ServiceError, exchange: Exchange) -> Response:
        row = find_row(error)
        body = describe_error(row.code, exchange.say(TEXTS[row.text or row.code]))
        headers = _headers(error, row.status)
        return Response(json.dumps(body), status_code=row.status, headers=headers, media_type=JSON_TYPE)


def describe_error(code: str, text: str) -> Mapping[str, str]:
    """The body of an error."""
    return {"error": code, "error_description": text}


def _headers(error: ServiceError, status: int) -> Mapping[str, str]:
    """A client is challenged by the scheme that it used (RFC 6749 section 5.2); without a token also by the other."""
    match error:
        case ClientRefused():
            return {"WWW-Authenticate": f"{_BASIC}, Bearer"}
        case Unauthorized(reason="missing"):
            return {"WWW-Authenticate": f"Bearer, {_BASIC}"}
        case _:
            return refusal_headers(error, status)
