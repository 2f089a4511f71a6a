# SPDX-License-Identifier: Apache-2.0
"""The operations of the gateway surface: names, methods, paths, and the permission that each demands."""

from typing import Final

HEALTH: Final = "health"
VALIDATE: Final = "validate"
CREATE: Final = "create"
REFRESH: Final = "refresh"
LOGOUT: Final = "logout"
STATS: Final = "stats"
LIST: Final = "list"
REVOKE: Final = "revoke"
REVOKE_USER: Final = "revoke_user"

BASE: Final = "/api/v1/sessions"
PATHS: Final = {
    HEALTH: f"{BASE}/health",
    VALIDATE: f"{BASE}/validate",
    CREATE: BASE,
    REFRESH: f"{BASE}/refresh",
    LOGOUT: f"{BASE}/logout",
    STATS: f"{BASE}/stats",
    LIST: f"{BASE}/user/{{user_id}}",
    REVOKE: f"{BASE}/{{session_id}}",
    REVOKE_USER: f"{BASE}/user/{{user_id}}",
}
METHODS: Final = {
    HEALTH: "GET",
    VALIDATE: "POST",
    CREATE: "POST",
    REFRESH: "POST",
    LOGOUT: "POST",
    STATS: "GET",
    LIST: "GET",
    REVOKE: "DELETE",
    REVOKE_USER: "DELETE",
}

OTHERS: Final = "only where the sessions are another subject's"
PERMISSIONS: Final = {
    CREATE: "token.generate",
    STATS: "token.generate",
    LIST: "session.read:any",
    REVOKE: "session.revoke:any",
    REVOKE_USER: "session.revoke:any",
}
CONDITIONS: Final = {
    CREATE: "of a service token; a gateway key needs none",
    STATS: "of a service token; a gateway key needs none",
    LIST: OTHERS,
    REVOKE: OTHERS,
    REVOKE_USER: OTHERS,
}
