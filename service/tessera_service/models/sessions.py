# SPDX-License-Identifier: Apache-2.0
"""A session, its tokens, and where it is in its life."""

from dataclasses import dataclass
from enum import StrEnum


class TokenKind(StrEnum):
    """The four kinds of token."""

    ACCESS = "access"
    REFRESH = "refresh"
    SESSION = "session"
    SERVICE = "service"


class SessionStatus(StrEnum):
    """Where a session is in its life; every value but ACTIVE is final."""

    ACTIVE = "active"
    REVOKED = "revoked"
    EXPIRED = "expired"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class SessionMetadata:
    """Where a session came from; every field is the caller's word."""

    ip_address: str | None = None
    user_agent: str | None = None
    device_type: str | None = None
    device_model: str | None = None
    os_version: str | None = None
    app_version: str | None = None
    location: str | None = None


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """One token of a session, as the index (jti, session_id, expires_at) knows it."""

    jti: str
    session_id: str
    tenant_id: str
    subject: str
    kind: TokenKind
    expires_at: int


@dataclass(frozen=True, slots=True)
class Successor:
    """The pair that a spent refresh token was exchanged for: payloads, unsigned, and the key that signs them again."""

    access_payload: bytes
    refresh_payload: bytes
    kid: str


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest token of a session that slides: its payload, unsigned, and the key that signs it again."""

    jti: str
    expires_at: int
    payload: bytes
    kid: str


@dataclass(frozen=True, slots=True)
class SpentToken:
    """A refresh token that was used, and when; kept until its grace is over."""

    jti: str
    spent_ms: int


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in of one subject in one tenant."""

    session_id: str
    tenant_id: str
    subject: str
    surface: str  # which surface made it: "token", "gateway", ...
    auth_method: str
    client_id: str
    scope: str
    permissions: tuple[str, ...]
    roles: tuple[str, ...]
    username: str | None
    metadata: SessionMetadata
    created_ms: int  # final only as the store returns it: later than every cut-off of its subject
    expires_at: int  # exclusive; moves with use
    ends_at: int  # exclusive; SESSION_MAX_LIFETIME after creation, never moves
    refresh_jti: str | None  # the one refresh token that may still be spent
    tokens: tuple[TokenRecord, ...] = ()  # only for `create`: a store returns none, there may be thousands
    spent: tuple[SpentToken, ...] = ()  # oldest first, a few at most; the last one has `successor`
    successor: Successor | None = None  # until its grace is over or the session ends
    successor_until_ms: int | None = None  # exclusive; set by the store together with `successor`
    revoked_ms: int | None = None
    revoked_reason: str | None = None
    revoked_by: str | None = None
    locked: bool = False
    last_activity_ms: int = 0  # final only as the store returns it: not before `created_ms`; coalesced by the engine
    span_seconds: int = 0  # how long each use keeps it alive; > 0 only where it slides
    newest: Newest | None = None  # where it slides, until the session ends
    access_key_id: str | None = None  # of a session that an access key opened

    def status(self, now: int) -> SessionStatus:
        """The status at `now` (seconds): at `now == expires_at` the session is expired."""
        if self.locked:
            return SessionStatus.LOCKED
        if self.revoked_ms is not None:
            return SessionStatus.REVOKED
        if now >= min(self.expires_at, self.ends_at):
            return SessionStatus.EXPIRED
        return SessionStatus.ACTIVE
