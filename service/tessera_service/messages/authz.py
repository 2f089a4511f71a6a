# SPDX-License-Identifier: Apache-2.0
"""Texts of the authz surface. What counts there is the status; they are for who looks."""

from typing import Final

from tessera_service.messages import shared
from tessera_service.messages.text import Text, Texts

ALLOWED: Final = "allowed"

TEXTS: Final[Texts] = {
    ALLOWED: Text("The bearer may pass.", "Bearer được phép truy cập."),
    "unauthorized": Text("A live bearer token is required.", "Cần có bearer token còn hiệu lực."),
    "forbidden": Text("The bearer may not pass here.", "Bearer không được phép truy cập tại đây."),
    "not_found": shared.NOT_FOUND,
    "method_not_allowed": Text("This path takes GET and POST.", "Đường dẫn này chỉ hỗ trợ GET và POST."),
    "unavailable": shared.UNAVAILABLE,
}
