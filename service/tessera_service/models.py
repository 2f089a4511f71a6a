# SPDX-License-Identifier: Apache-2.0
"""What the engine and the stores pass to each other. Plain values: seconds are `*_at`, milliseconds `*_ms`."""

from dataclasses import dataclass, field
from enum import StrEnum


class TokenKind(StrEnum):
    """The four kinds of token (contract section 1)."""

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


class LogKind(StrEnum):
    """What an entry of the revocation log kills (architecture, "Log entries")."""

    JTI = "jti"
    SESSION = "session"
    SUBJECT = "subject"
    KEY = "key"
    CHANGED = "changed"


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
    tokens: tuple[TokenRecord, ...] = ()  # those that may be alive, by jti
    spent: tuple[SpentToken, ...] = ()  # oldest first; the last one has `successor`
    successor: Successor | None = None  # until its grace is over or the session ends
    successor_until_ms: int | None = None  # exclusive; set by the store together with `successor`
    revoked_ms: int | None = None
    revoked_reason: str | None = None
    revoked_by: str | None = None
    locked: bool = False

    def status(self, now: int) -> SessionStatus:
        """The status at `now` (seconds): at `now == expires_at` the session is expired."""
        if self.locked:
            return SessionStatus.LOCKED
        if self.revoked_ms is not None:
            return SessionStatus.REVOKED
        if now >= min(self.expires_at, self.ends_at):
            return SessionStatus.EXPIRED
        return SessionStatus.ACTIVE


@dataclass(frozen=True, slots=True)
class Revocation:
    """Why, by whom and when something is revoked, and until when the log has to remember it."""

    at_ms: int
    reason: str
    revoked_by: str
    log_expires_at: int  # seconds; not before every token that it kills is dead by itself, plus a margin


@dataclass(frozen=True, slots=True)
class Rotation:
    """What `SessionStore.rotate` needs: the spent token's jti and the pair that replaces it."""

    session_id: str
    presented_jti: str
    now_ms: int
    grace_ms: int
    successor: Successor
    refresh_jti: str  # of successor.refresh_payload
    tokens: tuple[TokenRecord, ...]  # the two new tokens
    expires_at: int  # the session's new end; the store caps it at ends_at
    reuse: Revocation  # applied if the token turns out to be reused


class RotationStatus(StrEnum):
    """The outcome of a rotation; only ROTATED and REUSE_REVOKED change anything."""

    ROTATED = "rotated"  # the presented token was current: it is spent now
    REPLAYED = "replayed"  # it was the last one spent, inside its grace: the same successor
    SUPERSEDED = "superseded"  # spent, inside its grace, but its successor is spent too
    REUSE_REVOKED = "reuse_revoked"  # spent before, grace over: the session was revoked now
    ENDED = "ended"  # the session is revoked, locked or cut off
    EXPIRED = "expired"  # the session's own time is over
    NOT_FOUND = "not_found"


@dataclass(frozen=True, slots=True)
class RotationResult:
    """`successor` with ROTATED and REPLAYED; `session` whenever there is one, as stored afterwards."""

    status: RotationStatus
    successor: Successor | None = None
    session: Session | None = None


@dataclass(frozen=True, slots=True)
class StoredState:
    """What the store itself says of a token: the last word when the mirror may not answer."""

    session: Session | None
    jti_revoked: bool


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry of a revocation log."""

    sequence: int
    kind: LogKind
    tenant_id: str  # "" for KEY
    key: str  # jti, session id, subject or kid
    cutoff_ms: int  # SUBJECT only, else 0
    expires_at: int  # seconds: until then the entry has to be kept


@dataclass(frozen=True, slots=True)
class LogPage:
    """Entries of one log in order. `head` is the sequence of the newest entry of the log (0: none yet)."""

    log_id: str
    head: int
    entries: tuple[LogEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant; its id is `[A-Za-z0-9._-]{1,64}`."""

    tenant_id: str
    created_at: int


@dataclass(frozen=True, slots=True)
class ServiceToken:
    """The directory's record of a service token; the token lives only while this does."""

    jti: str
    tenant_id: str
    subject: str
    client_id: str
    permissions: tuple[str, ...]
    all_tenants: bool
    created_ms: int
    expires_at: int
    revoked_at: int | None = None


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A signing key's row. State follows from the times; `private_pem` is encrypted PKCS#8, None once it is gone."""

    kid: str
    public_jwk: str
    private_pem: str | None = field(repr=False)
    master_key_id: str
    created_at: int
    activates_at: int
    revoked_at: int | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who presents a credential, after it was checked. Permissions are the record's, not the claims'."""

    tenant_id: str
    subject: str
    client_id: str
    kind: TokenKind  # ACCESS or SERVICE
    jti: str
    session_id: str | None
    permissions: frozenset[str]
    expires_at: int

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
    metadata: SessionMetadata = SessionMetadata()
    surface: str = "token"
    auth_method: str = "jwt_bearer"


@dataclass(frozen=True, slots=True)
class IssuedTokens:
    """A signed pair. `expires_in`: seconds that the access token still lives."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int
    session_id: str
