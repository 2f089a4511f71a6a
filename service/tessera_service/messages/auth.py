# SPDX-License-Identifier: Apache-2.0
"""Texts of the auth surface."""

from typing import Final

from tessera_service.messages import shared
from tessera_service.messages.text import Text, Texts

TEXTS: Final[Texts] = {
    "auth.invalid_request": shared.INVALID_REQUEST,
    "auth.invalid_query": Text("The query is not valid.", "Tham số truy vấn không hợp lệ."),
    "auth.tenant_not_found": Text(
        "X-Tenant-ID is missing or names no tenant.", "Thiếu X-Tenant-ID hoặc tenant không tồn tại."
    ),
    "auth.invalid_credentials": shared.WRONG_CREDENTIALS,
    "auth.otp.invalid": Text("The code is not right.", "Mã OTP không đúng."),
    "auth.otp.expired": Text("The code has expired.", "Mã OTP đã hết hạn."),
    "auth.token.invalid": Text("A valid token is required.", "Cần có token hợp lệ."),
    "auth.token.already_revoked": Text("The token was revoked before.", "Token đã bị thu hồi trước đó."),
    "auth.tenant_mismatch": Text("The token belongs to another tenant.", "Token thuộc về một tenant khác."),
    "auth.forbidden": shared.FORBIDDEN,
    "session.not_found": shared.NO_SESSION,
    "auth.rate_limited": shared.RATE_LIMITED,
    "auth.not_found": shared.NOT_FOUND,
    "auth.method_not_allowed": shared.METHOD_NOT_ALLOWED,
    "auth.payload_too_large": shared.TOO_LARGE,
    "auth.unsupported_media_type": shared.UNSUPPORTED,
    "auth.internal_error": shared.UNAVAILABLE,
}
