# SPDX-License-Identifier: Apache-2.0
"""The operations of the auth surface: names, methods, paths, and what each publishes of permissions."""

from collections.abc import Mapping, Sequence
from typing import Final

LOGIN: Final = "login"
REQUEST_OTP: Final = "request_otp"
LOGOUT: Final = "logout"
LIST: Final = "list_sessions"
REVOKE: Final = "revoke_session"

BASE: Final = "/auth"
PATHS: Final = {
    LOGIN: f"{BASE}/login",
    REQUEST_OTP: f"{BASE}/otp/request",
    LOGOUT: f"{BASE}/logout",
    LIST: f"{BASE}/sessions",
    REVOKE: f"{BASE}/sessions/{{id}}/revoke",
}
METHODS: Final = {LOGIN: "POST", REQUEST_OTP: "POST", LOGOUT: "POST", LIST: "GET", REVOKE: "POST"}

_SAME_TENANT: Final = {"tenant_id": "{{X-Tenant-ID}}"}
PERMISSIONS: Final[Mapping[str, str | Sequence[str]]] = {
    LOGIN: "auth.login",  # published, never enforced: the credentials are enough
    LOGOUT: "auth.logout",  # likewise: possession of the token is
    LIST: ["session.read:self", "session.read:any"],  # one of them: every user has the first, others' need the second
    REVOKE: "session.revoke:any",
}
CONDITIONS: Final = {
    LOGIN: _SAME_TENANT,
    LOGOUT: _SAME_TENANT,
    LIST: {"user_id": "{{current_user.id}}", **_SAME_TENANT},
    REVOKE: _SAME_TENANT,
}
