# SPDX-License-Identifier: Apache-2.0
"""The operations of the session-token surface: names and paths. Who has the credential needs no permission."""

from typing import Final

CREATE: Final = "create"
VALIDATE: Final = "validate"
REVOKE: Final = "revoke"

BASE: Final = "/session-token"
PATHS: Final = {
    CREATE: f"{BASE}/create",
    VALIDATE: f"{BASE}/validate",
    REVOKE: f"{BASE}/revoke",
}
REVOKE_METHODS: Final = ("DELETE", "POST")  # there are proxies that drop the body of a DELETE
