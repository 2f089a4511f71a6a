# SPDX-License-Identifier: Apache-2.0
"""The operations of the OAuth surface: names, paths and the permission that each demands."""

from typing import Final

INTROSPECT: Final = "introspect"
REVOKE: Final = "revoke"
METADATA: Final = "metadata"

BASE: Final = "/oauth2"
PATHS: Final = {
    INTROSPECT: f"{BASE}/introspect",
    REVOKE: f"{BASE}/revoke",
    METADATA: "/.well-known/oauth-authorization-server",
}
JWKS_PATH: Final = "/.well-known/jwks.json"  # another surface's; the metadata name it

PERMISSIONS: Final = {
    INTROSPECT: "token.introspect",
    REVOKE: "token.revoke",  # of a bearer only where the token is another subject's
}
