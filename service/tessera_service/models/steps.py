# SPDX-License-Identifier: Apache-2.0
"""What the steps of a session store take and give."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple

from tessera_service.models.sessions import Newest, Session, Successor, TokenRecord


@dataclass(frozen=True, slots=True)
class Revocation:
    """Why, by whom and when something is revoked, and until when the log has to remember it."""

    at_ms: int
    reason: str
    revoked_by: str
    log_expires_at: int  # seconds; not before every token that it kills is dead by itself, plus a margin
    locked: bool = False  # the sessions that it ends become locked, not revoked: their user may not sign in


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
class SubjectRevocation:
    """What the revocation of a subject did: the cut-off as it is now (0: none), and how many sessions that were active
    at its time it ended."""

    cutoff_ms: int
    ended: int


@dataclass(frozen=True, slots=True)
class SessionLimit:
    """How many live sessions a subject may have after a creation. ValueError for less than one."""

    max_sessions: int
    policy: Literal["evict", "reject"]
    scope: Literal["gateway", "all"]  # which of its sessions count
    now: int

    def __post_init__(self) -> None:
        if self.max_sessions < 1:
            raise ValueError("a limit of sessions is at least 1")


@dataclass(frozen=True, slots=True)
class LimitedCreation:
    """`session` is None when the limit refused it; `evicted` as stored afterwards, least recently active first."""

    session: Session | None
    evicted: tuple[Session, ...] = ()


@dataclass(frozen=True, slots=True)
class Slide:
    """What `SessionStore.slide` needs: the presented token's jti and the token that follows it."""

    session_id: str
    presented_jti: str
    newest: Newest
    token: TokenRecord  # of `newest`
    expires_at: int  # the session's new end; the store caps it at ends_at
    now: int


class SlideStatus(StrEnum):
    """The outcome of a slide; only SLID changes anything."""

    SLID = "slid"  # the presented token was the newest: it has a successor now
    REPLAYED = "replayed"  # it has one already: the stored newest
    ENDED = "ended"  # the session is revoked, locked or cut off, or the presented token is revoked
    EXPIRED = "expired"  # the session's own time is over
    NOT_FOUND = "not_found"  # no such session, it does not slide, or the token is none of its live ones


@dataclass(frozen=True, slots=True)
class SlideResult:
    """`newest` with SLID and REPLAYED; `session` whenever there is one, as stored afterwards."""

    status: SlideStatus
    newest: Newest | None = None
    session: Session | None = None


@dataclass(frozen=True, slots=True)
class SessionCounts:
    """The retained sessions of one surface in one tenant. `expired`: their time is over and nothing else ended them;
    what is neither active nor expired was revoked or locked."""

    total: int
    active: int
    expired: int


@dataclass(frozen=True, slots=True)
class SessionPage:
    """A page of sessions, newest first, and how many there are on all pages together."""

    sessions: tuple[Session, ...]
    total: int


class Place(NamedTuple):
    """How far a walk over the sessions of a tenant has come: after that session of that part of the store."""

    part: int
    created_ms: int
    session_id: str


@dataclass(frozen=True, slots=True)
class UnendedSessions:
    """What a step of such a walk met, and where the next one goes on; None: there is nothing more."""

    sessions: tuple[Session, ...]
    rest: Place | None


@dataclass(frozen=True, slots=True)
class RevokedOthers:
    """`ended` by session_id, as stored afterwards, also those whose time was just over; `active_before`: how many were
    active at the time of the revocation, the one that was kept too."""

    ended: tuple[Session, ...]
    active_before: int
