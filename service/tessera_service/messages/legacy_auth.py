# SPDX-License-Identifier: Apache-2.0
"""Texts of the legacy surface. It has no codes: its clients get nothing else."""

from typing import Final

from tessera_service.messages import shared
from tessera_service.messages.text import Text, Texts

REFRESHED: Final = "refreshed"
LOGGED_OUT: Final = "logged_out"

TEXTS: Final[Texts] = {
    "invalid_input": shared.INVALID_REQUEST,
    "dead_session": Text("The session is not valid.", "Phiên không hợp lệ."),
    "dead_refresh_token": Text("The refresh token is not valid.", "Refresh token không hợp lệ."),
    "dead_access_token": Text("The access token is not valid.", "Access token không hợp lệ."),
    "foreign_session": Text("The session does not belong to the token.", "Phiên không thuộc về token này."),
    "not_found": shared.NOT_FOUND,
    "method_not_allowed": shared.METHOD_NOT_ALLOWED,
    "body_too_large": shared.TOO_LARGE,
    "unsupported_media_type": shared.UNSUPPORTED,
    "rate_limited": shared.RATE_LIMITED,
    "unavailable": shared.UNAVAILABLE,
    REFRESHED: Text("The tokens were refreshed.", "Đã làm mới token."),
    LOGGED_OUT: Text("The session was ended.", "Đã kết thúc phiên."),
}
