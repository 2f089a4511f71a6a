# SPDX-License-Identifier: Apache-2.0
"""Texts of the OAuth surface: of its codes, and of cases that share one.

RFC 6749 section 5.2 allows ASCII alone, without quotes and backslashes: so is the English, which everybody gets who
asks for nothing else."""

from typing import Final

from tessera_service.messages import shared
from tessera_service.messages.text import Text, Texts

TEXTS: Final[Texts] = {
    "invalid_request": shared.INVALID_REQUEST,
    "missing_field": shared.MISSING_FIELD,
    "not_found": shared.NOT_FOUND,
    "method_not_allowed": shared.METHOD_NOT_ALLOWED,
    "body_too_large": shared.TOO_LARGE,
    "unsupported_media_type": shared.UNSUPPORTED,
    "invalid_client": Text(
        "The access key or its secret is not right.", "Khóa truy cập hoặc mã bí mật của khóa không đúng."
    ),
    "no_client": Text(
        "The client has to authenticate with an access key or a bearer token.",
        "Client cần xác thực bằng khóa truy cập hoặc bearer token.",
    ),
    "unauthorized_client": Text(
        "The access key does not grant the permission for this.", "Khóa truy cập không có quyền thực hiện thao tác này."
    ),
    "invalid_token": Text("The bearer token is not valid.", "Bearer token không hợp lệ."),
    "insufficient_scope": shared.FORBIDDEN,
    "unsupported_token_type": Text(
        "Tokens of this kind are not revoked here.", "Loại token này không được thu hồi tại đây."
    ),
    "rate_limited": shared.RATE_LIMITED,
    "server_error": shared.UNAVAILABLE,
    "temporarily_unavailable": shared.UNAVAILABLE,
}
