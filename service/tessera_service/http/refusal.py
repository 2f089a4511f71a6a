# SPDX-License-Identifier: Apache-2.0
"""What the head of an error says beside its status, on every surface."""

from collections.abc import Mapping
from typing import Final

from tessera_service.errors import (
    CredentialsRefused,
    Forbidden,
    RateLimited,
    ServiceError,
    SessionForbidden,
    Unauthorized,
)
from tessera_service.http.errors import BodyTooSlow, MethodNotAllowed

RETRY_SECONDS: Final = 1  # after 503: a store that is back answers at once

_CHALLENGE: Final = {"WWW-Authenticate": "Bearer"}  # nothing was presented (RFC 6750 section 3.1)
_INVALID: Final = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
_INSUFFICIENT: Final = {"WWW-Authenticate": 'Bearer error="insufficient_scope"'}


def refusal_headers(error: ServiceError, status: int) -> Mapping[str, str]:
    """The headers of an error that is answered with that status."""
    match error:
        case Unauthorized(reason="missing") | CredentialsRefused():
            return _CHALLENGE
        case Forbidden() | SessionForbidden():
            return _INSUFFICIENT
        case MethodNotAllowed():
            return {"Allow": ", ".join(error.allow)}
        case RateLimited():
            return {"Retry-After": str(error.retry_after)}
        case BodyTooSlow():
            return {"Connection": "close"}
    if status == 401:
        return _INVALID
    return {"Retry-After": str(RETRY_SECONDS)} if status == 503 else {}
