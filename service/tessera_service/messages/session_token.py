# SPDX-License-Identifier: Apache-2.0
"""Texts of the session-token surface. It has no codes: its clients get nothing else."""

from typing import Final

from tessera_service.messages import shared
from tessera_service.messages.text import Text, Texts

REVOKED: Final = "revoked"
DEAD: Final = "dead"
PERMITTED: Final = "permitted"
NOT_PERMITTED: Final = "not_permitted"
NAMELESS: Final = "nameless"


def _without_stop(text: Text) -> Text:
    return Text(*(words.removesuffix(".") for words in text))


TEXTS: Final[Texts] = {
    "invalid_input": _without_stop(shared.INVALID_REQUEST),
    "missing_field": _without_stop(shared.MISSING_FIELD),
    "wrong_key": Text("Access key or secret is not valid", "Khóa truy cập hoặc mã bí mật không hợp lệ"),
    "no_session_token": Text("Session token is not valid", "Token phiên không hợp lệ"),
    "not_found": _without_stop(shared.NOT_FOUND),
    "method_not_allowed": _without_stop(shared.METHOD_NOT_ALLOWED),
    "body_too_large": _without_stop(shared.TOO_LARGE),
    "unsupported_media_type": _without_stop(shared.UNSUPPORTED),
    "rate_limited": _without_stop(shared.RATE_LIMITED),
    "unavailable": _without_stop(shared.UNAVAILABLE),
    REVOKED: Text("Session token has been successfully revoked", "Đã thu hồi token phiên thành công"),
    DEAD: Text("Session token is expired or invalid", "Token phiên đã hết hạn hoặc không hợp lệ"),
    PERMITTED: Text(
        "Session token is valid and has {permission} permission on resource {resource}",
        "Token phiên hợp lệ và có quyền {permission} trên tài nguyên {resource}",
    ),
    NOT_PERMITTED: Text(
        "Session token is valid and does not have {permission} permission on resource {resource}",
        "Token phiên hợp lệ nhưng không có quyền {permission} trên tài nguyên {resource}",
    ),
    NAMELESS: Text(
        "Session token is valid and does not have permission: a resource and a permission have to be named",
        "Token phiên hợp lệ nhưng chưa được cấp quyền: cần nêu rõ tài nguyên và quyền",
    ),
}
