# SPDX-License-Identifier: Apache-2.0
"""Who asks, and what for."""

from dataclasses import dataclass, field

from tessera_service.models.sessions import SessionMetadata, TokenKind


@dataclass(frozen=True, slots=True)
class Caller:
    """Who presents a credential, after it was checked. Permissions are the record's, not the claims'."""

    tenant_id: str
    subject: str
    client_id: str
    kind: TokenKind  # ACCESS or SERVICE; REFRESH of one who signs out
    jti: str
    session_id: str | None
    permissions: frozenset[str]
    expires_at: int
    all_tenants: bool = False  # a service token that may act in every tenant

    def may(self, permission: str) -> bool:
        """Whether the caller holds that permission."""
        return permission in self.permissions


@dataclass(frozen=True, slots=True)
class IssueRequest:
    """What a session is to be made of; limits were checked at the edge."""

    tenant_id: str
    subject: str
    client_id: str
    scope: str = ""
    permissions: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    username: str | None = None
    metadata: SessionMetadata = field(default_factory=SessionMetadata)
    surface: str = "token"
    auth_method: str = "jwt_bearer"


@dataclass(frozen=True, slots=True)
class IssuedTokens:
    """A signed pair. `expires_in`: seconds that the access token still lives."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int
    session_id: str
