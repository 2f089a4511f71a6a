# SPDX-License-Identifier: Apache-2.0
"""Texts of the token surface, and of paths that no surface claims."""

from typing import Final

from tessera_service.messages import shared
from tessera_service.messages.text import Text, Texts

TEXTS: Final[Texts] = {
    "common.validation_error": shared.INVALID_REQUEST,
    "common.forbidden": shared.FORBIDDEN,
    "common.rate_limited": shared.RATE_LIMITED,
    "common.internal_error": shared.UNAVAILABLE,
    "common.not_found": shared.NOT_FOUND,
    "common.method_not_allowed": shared.METHOD_NOT_ALLOWED,
    "common.payload_too_large": shared.TOO_LARGE,
    "common.unsupported_media_type": shared.UNSUPPORTED,
    "auth.unauthorized": Text("A valid bearer token is required.", "Cần có bearer token hợp lệ."),
    "credentials_refused": shared.WRONG_CREDENTIALS,  # of the code above
    "auth.tenant.mismatch": Text(
        "The credential belongs to another tenant.", "Thông tin xác thực thuộc về một tenant khác."
    ),
    "auth.refresh.invalid": Text(
        "The refresh token or the request is not valid.", "Refresh token hoặc yêu cầu không hợp lệ."
    ),
    "auth.session.revoked": Text("The session is over.", "Phiên đã kết thúc."),
    "auth.session.not_found": shared.NO_SESSION,
    "auth.session.forbidden": Text("The session belongs to another subject.", "Phiên này thuộc về người dùng khác."),
    "auth.revoke.invalid": Text(
        "The request names nothing that can be revoked.", "Yêu cầu không nêu đối tượng nào có thể thu hồi."
    ),
    "auth.introspect.invalid": Text(
        "The request is not valid: it has to hold one token.", "Yêu cầu không hợp lệ: cần có đúng một token."
    ),
    "token.unknown_jti": Text("No token of that id is known.", "Không tìm thấy token nào có mã định danh này."),
}
