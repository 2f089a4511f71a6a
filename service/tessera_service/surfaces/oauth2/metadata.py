# SPDX-License-Identifier: Apache-2.0
"""What the service says of itself to standard clients (RFC 8414)."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from tessera_service.surfaces.oauth2.operations import INTROSPECT, JWKS_PATH, PATHS, REVOKE


def describe_server(issuer: str) -> Mapping[str, str | Sequence[str]] | None:
    """The metadata; None where the issuer is no URL with which they could begin (RFC 8414 section 2).

    The two empty lists are said because their absence would be read as "authorization code and implicit". There is no
    `token_endpoint`: what issues tokens here speaks another language than RFC 6749."""
    if not _is_base(issuer):
        return None
    base = issuer.rstrip("/")
    return {
        "issuer": issuer,
        "jwks_uri": base + JWKS_PATH,
        "response_types_supported": [],
        "grant_types_supported": [],
        "introspection_endpoint": base + PATHS[INTROSPECT],
        "introspection_endpoint_auth_methods_supported": ["client_secret_basic", "Bearer"],
        "revocation_endpoint": base + PATHS[REVOKE],
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic"],
    }


def _is_base(issuer: str) -> bool:
    try:
        parts = urlsplit(issuer)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not {"?", "#"} & set(issuer)
