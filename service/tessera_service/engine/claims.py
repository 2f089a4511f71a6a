# SPDX-License-Identifier: Apache-2.0
"""What stands in a token. Adding a claim is one row of CLAIMS."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from tessera_service.errors import TokenTooLarge
from tessera_service.models import TokenKind

MAX_TOKEN_CHARS = 4096
TYPES = {
    TokenKind.ACCESS: "at+jwt",
    TokenKind.SERVICE: "at+jwt",
    TokenKind.REFRESH: "rt+jwt",
    TokenKind.SESSION: "st+jwt",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Everything that a token may say, before it is signed. Times are seconds."""

    kind: TokenKind
    issuer: str
    audience: str | list[str]  # as it was signed
    subject: str
    tenant_id: str
    jti: str
    issued_at: int
    expires_at: int
    session_id: str | None = None
    client_id: str = ""
    scope: str = ""
    permissions: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    username: str | None = None


class Claim(NamedTuple):
    """One claim: its name, the kinds that carry it, its value (None: left out)."""

    name: str
    kinds: frozenset[TokenKind]
    value: Callable[[Draft], object]


_ALL = frozenset(TokenKind)
_BEARERS = frozenset({TokenKind.ACCESS, TokenKind.SERVICE})
_ACCESS = frozenset({TokenKind.ACCESS})

CLAIMS = (
    Claim("iss", _ALL, lambda draft: draft.issuer),
    Claim("sub", _ALL, lambda draft: draft.subject),
    Claim("aud", _ALL, lambda draft: draft.audience),
    Claim("iat", _ALL, lambda draft: draft.issued_at),
    Claim("nbf", _ALL, lambda draft: draft.issued_at),
    Claim("exp", _ALL, lambda draft: draft.expires_at),
    Claim("jti", _ALL, lambda draft: draft.jti),
    Claim("tenant_id", _ALL, lambda draft: draft.tenant_id),
    Claim("token_type", _ALL, lambda draft: draft.kind.value),
    Claim("sid", _ALL, lambda draft: draft.session_id),
    Claim("client_id", _BEARERS, lambda draft: draft.client_id),
    Claim("scope", _BEARERS, lambda draft: draft.scope),
    Claim("permissions", _BEARERS, lambda draft: draft.permissions),
    Claim("roles", _ACCESS, lambda draft: draft.roles),
    Claim("user_id", _ACCESS, lambda draft: draft.subject),
    Claim("username", _ACCESS, lambda draft: draft.username),
)


def payload_of(draft: Draft) -> bytes:
    """The exact bytes to be signed: compact JSON, claims in the order of CLAIMS."""
    rows = ((row.name, row.value(draft)) for row in CLAIMS if draft.kind in row.kinds)
    members = {name: value for name, value in rows if value is not None}
    return json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode()


def check_size(payload: bytes, *, kind: TokenKind, kid: str, key_bits: int) -> None:
    """Raises TokenTooLarge if the signed token would exceed 4 KiB."""
    header = len(f'{{"alg":"RS256","typ":"{TYPES[kind]}","kid":"{kid}"}}')
    if 2 + sum(_base64url_chars(size) for size in (header, len(payload), key_bits // 8)) > MAX_TOKEN_CHARS:
        raise TokenTooLarge


def _base64url_chars(size: int) -> int:
    return (size * 8 + 5) // 6


class Claims(NamedTuple):
    """What the engine reads from a verified token."""

    kind: TokenKind
    issuer: str
    audience: str | list[str]  # as it was signed
    subject: str
    tenant_id: str
    jti: str
    session_id: str  # "" only for a service token
    client_id: str  # "" when the token has none
    issued_at: int
    expires_at: int


# Which (typ, token_type, has a sid) agree: anything else is no token of ours.
_KINDS = {
    ("at+jwt", "access", True): TokenKind.ACCESS,
    ("at+jwt", "service", False): TokenKind.SERVICE,
    ("rt+jwt", "refresh", True): TokenKind.REFRESH,
    ("st+jwt", "session", True): TokenKind.SESSION,
}


@lru_cache(maxsize=8192)
def read_claims(payload: bytes, token_type: str) -> Claims | None:
    """The claims of a *verified* payload whose header typ is `token_type`; None if its kind does not agree with it.

    The core has checked the JSON and the types of the registered claims; the cache holds nothing that it did not.
    """
    members = json.loads(payload)
    session_id = members.get("sid", "")
    kind = _KINDS.get((token_type, members["token_type"], bool(session_id)))
    if kind is None:
        return None
    return Claims(
        kind=kind,
        issuer=members["iss"],
        audience=members["aud"],
        subject=members["sub"],
        tenant_id=members["tenant_id"],
        jti=members["jti"],
        session_id=session_id,
        client_id=members.get("client_id", ""),
        issued_at=members["iat"],
        expires_at=members["exp"],
    )
