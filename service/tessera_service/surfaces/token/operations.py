# SPDX-License-Identifier: Apache-2.0
"""The operations of the token surface: names, paths and the permission that each demands of others' business."""

from typing import Final

ISSUE: Final = "issue"
REFRESH: Final = "refresh"
REVOKE: Final = "revoke"
INTROSPECT: Final = "introspect"
JWKS: Final = "jwks"

PATHS: Final = {
    ISSUE: "/v1/token",
    REFRESH: "/v1/token/refresh",
    REVOKE: "/v1/token/revoke",
    INTROSPECT: "/v1/token/introspect",
    JWKS: "/.well-known/jwks.json",
}

PERMISSIONS: Final = {
    ISSUE: "token.generate",
    REFRESH: "token.refresh",  # published, never enforced: possession of the refresh token is enough
    REVOKE: "token.revoke",  # enforced where the session is another subject's
    INTROSPECT: "token.introspect",
}
