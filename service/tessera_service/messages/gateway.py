# SPDX-License-Identifier: Apache-2.0
"""Texts of the gateway surface: of its codes, then of its successes."""

from typing import Final

from tessera_service.messages import shared
from tessera_service.messages.text import Text, Texts

HEALTHY: Final = "healthy"
UNHEALTHY: Final = "unhealthy"
CREATED: Final = "created"
REFRESHED: Final = "refreshed"
NOT_REFRESHED: Final = "not_refreshed"
REVOKED: Final = "revoked"
USER_REVOKED: Final = "user_revoked"

TEXTS: Final[Texts] = {
    "invalid_request": shared.INVALID_REQUEST,
    "missing_fields": shared.MISSING_FIELD,
    "missing_token": Text("A token is required.", "Cần có token."),
    "session_expired": Text("Session has expired", "Phiên đã hết hạn"),
    "session_inactive": Text("Session is not active", "Phiên không còn hoạt động"),
    "session_not_found": Text("Session does not exist", "Phiên không tồn tại"),
    "forbidden": Text("This is not allowed.", "Bạn không được phép thực hiện thao tác này."),
    "session_creation_failed": Text("Failed to create session", "Không thể tạo phiên"),
    "validation_error": shared.UNAVAILABLE,
    "rate_limited": shared.RATE_LIMITED,
    "not_found": shared.NOT_FOUND,
    "method_not_allowed": shared.METHOD_NOT_ALLOWED,
    "payload_too_large": shared.TOO_LARGE,
    "unsupported_media_type": shared.UNSUPPORTED,
    HEALTHY: Text("Session service is operational", "Dịch vụ phiên đang hoạt động bình thường"),
    UNHEALTHY: Text("Session service is not operational", "Dịch vụ phiên hiện không hoạt động"),
    CREATED: Text("Session created successfully", "Đã tạo phiên thành công"),
    REFRESHED: Text("Session refreshed successfully", "Đã gia hạn phiên thành công"),
    NOT_REFRESHED: Text("Session does not need to be refreshed yet", "Phiên chưa cần gia hạn"),
    REVOKED: Text("Session revoked successfully", "Đã thu hồi phiên thành công"),
    USER_REVOKED: Text("User sessions revoked successfully", "Đã thu hồi các phiên của người dùng thành công"),
}
