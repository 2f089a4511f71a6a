# SPDX-License-Identifier: Apache-2.0
"""The operations of the legacy surface: names and paths. None demands a permission: each is about one's own session."""

from typing import Final

BASE: Final = "/api/v1/auth"

SESSION: Final = "session"
REFRESH: Final = "refresh"
LOGOUT: Final = "logout"

PATHS: Final = {SESSION: f"{BASE}/session", REFRESH: f"{BASE}/refresh", LOGOUT: f"{BASE}/logout"}
