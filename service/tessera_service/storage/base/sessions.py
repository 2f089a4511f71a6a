# SPDX-License-Identifier: Apache-2.0
"""What a session store promises."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from tessera_service.models import (
    LimitedCreation,
    Place,
    Revocation,
    RevokedOthers,
    Rotation,
    RotationResult,
    Session,
    SessionCounts,
    SessionLimit,
    SessionPage,
    SessionStatus,
    Slide,
    SlideResult,
    StoredState,
    SubjectRevocation,
    TokenRecord,
    UnendedSessions,
)
from tessera_service.storage.base.log import RevocationLog
from tessera_service.storage.base.outbox import Outbox


class SessionStore(RevocationLog, Outbox, Protocol):
    """Sessions and their tokens. A session that is returned has no `tokens`: there is one more with each use, and no
    step may take longer for that; `find_token` knows each."""

    async def open(self) -> None:
        """Makes ready; refuses (StoreRefused) a store that cannot keep its promises. May take longer than other calls:
        it migrates."""
        ...

    async def close(self) -> None:
        """Finishes what is in flight and releases everything. Idempotent. Afterwards every call is StoreUnavailable."""
        ...

    async def ping(self) -> None:
        """Returns if the store answers a read."""
        ...

    def partition_of(self, tenant_id: str, subject: str) -> int | None:
        """The partition (0..255) that the id of a session of that subject has to carry, else `create` is ValueError.
        None: any id will do."""
        ...

    async def create(self, session: Session) -> Session:
        """Atomic: stores the session, with `created_ms = max(session.created_ms, cut-off of its subject + 1)` and
        `last_activity_ms` not before that, its tokens and ISSUED, and returns it so. `session_id` and every jti have to
        be new (ValueError, nothing stored); an id is never used again, also after its session was purged."""
        ...

    async def create_limited(self, session: Session, *, limit: SessionLimit, eviction: Revocation) -> LimitedCreation:
        """Atomic: as `create`, among at most `limit.max_sessions` sessions of the subject that are active at
        `limit.now` and in `limit.scope`, the new one included; at no instant are there more. Those that stand in its
        way are revoked as revoke_session does, least recently active first (ties: lowest session_id), each with its
        SESSION entry; with the policy "reject" nothing changes and there is no session."""
        ...

    async def get(self, session_id: str) -> Session | None:
        """The session, also when it ended, until it is purged."""
        ...

    async def read_state(self, *, session_id: str, jti: str) -> StoredState:
        """One consistent read of a session (revoked too when a cut-off of its subject is at or after its creation) and
        of whether that jti is in the log."""
        ...

    async def find_token(self, jti: str) -> TokenRecord | None:
        """The record of a token of any session, until it is purged after its expiry."""
        ...

    async def rotate(self, rotation: Rotation) -> RotationResult:
        """Atomic, decided in this order:

        - unknown session: NOT_FOUND. Revoked, locked or cut off: ENDED. `now >= min(expires_at, ends_at)`: EXPIRED;
        - presented jti is `refresh_jti`: it is spent at `now_ms`; `successor`, `refresh_jti`, the tokens and the
          end (capped at `ends_at`) move on; spent tokens whose grace is over (`now_ms - spent_ms >= grace_ms`) are
          forgotten: ROTATED. The new jtis have to be new (ValueError, nothing changes);
        - it is the last spent one, inside its grace: REPLAYED with the stored successor, nothing changes;
        - it was spent before that one, inside its own grace (or the successor was purged): SUPERSEDED, nothing changes;
        - anything else is reuse: the session is revoked as `reuse` says, as revoke_session does: REUSE_REVOKED.
        """
        ...

    async def slide(self, slide: Slide) -> SlideResult:
        """Atomic, decided in this order:

        - unknown session: NOT_FOUND. Revoked, locked or cut off, or the presented jti is in the log: ENDED.
          `now >= min(expires_at, ends_at)`: EXPIRED;
        - the session does not slide (no `newest`), or presented jti is no token of it with `expires_at > now`:
          NOT_FOUND;
        - presented jti is `newest.jti`: `newest`, its token and the end (capped at `ends_at`) move on: SLID. The new
          jti has to be new (ValueError, nothing changes);
        - any other: REPLAYED with the stored newest, nothing changes.
        """
        ...

    async def touch(self, activities: Mapping[str, int]) -> None:
        """Atomic: raises `last_activity_ms` (never lowers it) of those sessions (by id, milliseconds) that are neither
        revoked, locked nor cut off and whose time was not over at that activity; the others are left as they are.
        ValueError for more than TOUCHED_AT_ONCE."""
        ...

    async def list_sessions(
        self,
        tenant_id: str,
        *,
        subject: str | None,
        now: int,
        active_only: bool,
        surface: str | None = None,
        limit: int,
        offset: int = 0,
    ) -> Sequence[Session]:
        """One consistent read of a page: sessions of the tenant (`subject`: of that subject; `surface`: made there;
        `active_only`: active at `now`), by `created_ms`, then session_id, newest first. By index: the time it takes
        grows with the page and what `active_only` or `surface` skips in front of it, not with the store."""
        ...

    async def page_sessions(
        self, tenant_id: str, *, subject: str, status: SessionStatus | None, now: int, limit: int, offset: int
    ) -> SessionPage:
        """One consistent read of a page of the subject's sessions that have that status at `now` (None: any), by
        `created_ms`, then session_id, newest first, and of how many there are. By index."""
        ...

    async def walk_unended(self, tenant_id: str, *, after: Place | None = None, limit: int = 500) -> UnendedSessions:
        """One consistent read: looks at the next `limit` sessions of the tenant after that place (None: from the
        beginning) and returns those that are neither revoked, locked nor cut off. Whoever wants all calls until there
        is no rest, and meets each that was there all the while, whatever is made, ended or purged meanwhile. By index:
        a step takes no longer for what the others look at."""
        ...

    async def count_sessions(self, tenant_id: str, *, surface: str, now: int) -> SessionCounts:
        """One consistent read: the exact number of retained sessions that the surface made in the tenant."""
        ...

    async def revoke_session(self, session_id: str, *, revocation: Revocation) -> Session | None:
        """Atomic: marks the session revoked (with `revocation.locked`: locked), forgets its successor and its newest
        token, writes REVOKED and appends SESSION. None if unknown. A session that is revoked or locked already is left
        as it is, without a log entry, and returned; one whose time is over is revoked all the same, for whoever revokes
        may have a clock that is ahead."""
        ...

    async def revoke_subject(self, tenant_id: str, subject: str, *, revocation: Revocation) -> SubjectRevocation:
        """Atomic: raises the subject's cut-off to `revocation.at_ms` (never lowers it), but not below the newest
        `created_ms` of its sessions (whatever the clocks say), revokes every session that may be alive, as
        revoke_session does but for the log, and appends one SUBJECT entry with that cut-off. However many sessions
        there are, none is read: the cut-off covers each that was created at or before it. A subject without a retained
        session that is neither revoked, locked nor cut off stays as it is: no entry, and the cut-off that it has.

        A store that does one thing at a time may end very many by the cut-off alone, in one step, and write what else
        there is of each (REVOKED, why, counts) in steps that follow, before it returns. If that breaks off, `purge` or
        the next revocation of any of them does the rest; until then they are shown as cut off."""
        ...

    async def revoke_others(self, tenant_id: str, subject: str, *, keep: str, revocation: Revocation) -> RevokedOthers:
        """Atomic: revokes every session of the subject that may be alive, but `keep`, as revoke_session does, each with
        its SESSION entry. The cut-off stays. `keep` may be any id; it counts in `active_before` if it is active. A
        store that does one thing at a time may end very many in steps, each of them atomic: one that breaks off has
        ended some, and whoever asks again ends the others."""
        ...

    async def revoke_access_key_sessions(
        self, access_key_id: str, *, revocation: Revocation, limit: int = 500
    ) -> Sequence[Session]:
        """Atomic: revokes at most `limit` sessions of the access key that may be alive as revoke_session does, each
        with its SESSION entry, and returns them, by session_id, as stored afterwards. Whoever wants all calls until
        there is none; a call too many changes nothing."""
        ...

    async def revoke_token(self, token: TokenRecord, *, revocation: Revocation) -> bool:
        """Atomic: unless the jti is in the log already, writes REVOKED and appends JTI; else False. The session goes
        on."""
        ...

    async def erase_subject(self, tenant_id: str, subject: str, *, limit: int = 500) -> int:
        """Atomic: takes the username, all metadata and the successor and newest token, whose payloads name the user,
        from at most `limit` sessions of the subject, which had better be over. Nothing else changes, nothing is logged.
        By index. Returns how many changed: whoever wants all calls until 0."""
        ...

    async def purge(self, *, now: int, retention_seconds: int, limit: int = 500) -> int:
        """Removes sessions that ended (by revocation, else by time) at least `retention_seconds` ago, token records
        with `expires_at <= now` and successors whose grace is over at `now`: at most `limit` of each, by index, in
        short transactions. The cut-off of a subject goes with its last session or SUBJECT entry, whichever goes last.
        Returns how many sessions and records went and successors were forgotten: whoever wants all of it calls until
        0."""
        ...
