# SPDX-License-Identifier: Apache-2.0
"""What a store promises, and which of its steps are atomic.

Every method raises `errors.StoreUnavailable` when the store fails, is not open or does not answer in time, and then
may have done the whole step or nothing of it, never half. A step that returned is durable as far as
the store goes (see the table of promises). A caller that is cancelled learns no more than that: whole or nothing.

Locks are taken in one order everywhere: subject (its cut-off and live sessions), sessions, head of the log. `create`,
`rotate`, `revoke_session` and `revoke_subject` lock the subject first, so that nothing is born during a revocation.

Whatever revokes appends to the revocation log in the same atomic step, as its last statement: sequences are gapless
and in commit order.

Time comes in with the call: "now" of a revocation is `at_ms`, of a rotation `now_ms`, in whole seconds rounded down
where it is compared with an `expires_at`. A cut-off of 0 is none; a session is cut off if `created_ms <= cut-off`.
A session that is cut off without being marked is shown by every method as revoked at the cut-off, with the reason
`CUT_OFF` and no `revoked_by`.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Final, Protocol

from tessera_service.errors import StoreUnavailable
from tessera_service.models import (
    LogPage,
    Revocation,
    Rotation,
    RotationResult,
    ServiceToken,
    Session,
    SigningKey,
    StoredState,
    Tenant,
    TokenRecord,
)

CUT_OFF: Final = "subject_cut_off"


class StoreRefused(StoreUnavailable):
    """`open` found a store that it may not use, such as one with a newer schema. The text says what is wrong."""


class RevocationLog(Protocol):
    """An append-only log of revocations with one life: another `log_id` means other content.

    Two stores with the same `log_key` (known before `open`) share one log, so that it is followed once.
    """

    @property
    def log_key(self) -> str: ...

    async def read_log(self, *, after: int, limit: int = 1000) -> LogPage:
        """Entries with sequence >= `after` (inclusive: the reader checks that it still holds the same entry), in order,
        at most `limit`. One consistent read: `log_id` and `head` belong to the entries."""
        ...

    def read_log_snapshot(self) -> AsyncIterator[LogPage]:
        """Every retained entry in order, in pages of bounded size, all with the `log_id` and `head` of the first; at
        least one page, also of an empty log. Nothing that was in the log at `head` is missing, but what a purge removes
        meanwhile, which kills nothing any more. Later entries are left for `read_log`. A log that is replaced meanwhile
        is StoreUnavailable."""
        ...

    async def purge_log(self, *, now: int, limit: int = 1000) -> int:
        """Removes at most `limit` entries with `expires_at <= now`, never the newest of the log, and cut-offs that only
        they needed. Returns how many entries."""
        ...


class SessionStore(RevocationLog, Protocol):
    """Sessions and their tokens."""

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

    async def create(self, session: Session) -> Session:
        """Atomic: stores the session and its tokens with `created_ms = max(session.created_ms, cut-off of its
        subject + 1)` and returns it so. `session_id` and every jti have to be new (ValueError, nothing stored); an id
        is never used again, also after its session was purged."""
        ...

    async def get(self, session_id: str) -> Session | None:
        """The session, also when it ended, until it is purged."""
        ...

    async def read_state(self, *, session_id: str, jti: str) -> StoredState:
        """One consistent read of a session (revoked too when a cut-off of its subject is at or after its creation) and
        of whether that jti is in the log."""
        ...

    async def find_token(self, jti: str) -> TokenRecord | None:
        """The record of a token of any session, until it is purged or forgotten in a rotation after its expiry."""
        ...

    async def rotate(self, rotation: Rotation) -> RotationResult:
        """Atomic, decided in this order:

        - unknown session: NOT_FOUND. Revoked, locked or cut off: ENDED. `now >= min(expires_at, ends_at)`: EXPIRED;
        - presented jti is `refresh_jti`: it is spent at `now_ms`; `successor`, `refresh_jti`, the tokens and the
          end (capped at `ends_at`) move on; spent tokens whose grace is over (`now_ms - spent_ms >= grace_ms`) and
          tokens that expired are forgotten: ROTATED. The new jtis have to be new (ValueError, nothing changes);
        - it is the last spent one, inside its grace: REPLAYED with the stored successor, nothing changes;
        - it was spent before that one, inside its own grace (or the successor was purged): SUPERSEDED, nothing changes;
        - anything else is reuse: the session is revoked as `reuse` says, as revoke_session does: REUSE_REVOKED.
        """
        ...

    async def revoke_session(self, session_id: str, *, revocation: Revocation) -> Session | None:
        """Atomic: marks the session revoked, forgets its successor and appends SESSION. None if unknown. A session that
        is revoked, locked or expired already is left as it is, without a log entry, and returned."""
        ...

    async def revoke_subject(self, tenant_id: str, subject: str, *, revocation: Revocation) -> Sequence[Session]:
        """Atomic: raises the subject's cut-off to `revocation.at_ms` (never lowers it), but not below the newest
        `created_ms` of its sessions (whatever the clocks say), revokes every active session and appends one SUBJECT
        entry with that cut-off; also when there was no session. Returns the sessions that it ended, by session_id, as
        stored afterwards."""
        ...

    async def revoke_token(self, token: TokenRecord, *, revocation: Revocation) -> bool:
        """Atomic: appends JTI unless it is in the log already; False if it was. The session goes on."""
        ...

    async def purge(self, *, now: int, retention_seconds: int, limit: int = 500) -> int:
        """Removes sessions that ended (by revocation, else by time) at least `retention_seconds` ago, token records
        with `expires_at <= now` and successors whose grace is over at `now`: at most `limit` of each, by index, in
        short transactions. The cut-off of a subject goes with its last session or SUBJECT entry, whichever goes last.
        Returns how many sessions and records went and successors were forgotten: whoever wants all of it calls until
        0."""
        ...


class Directory(RevocationLog, Protocol):
    """Tenants, service tokens and signing keys: what outlives sessions. Where sessions live in the same database,
    its log is the sessions' log."""

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def ping(self) -> None: ...

    async def directory_id(self) -> str:
        """One life of the directory; a session store records it and refuses another."""
        ...

    async def add_tenant(self, tenant: Tenant) -> bool:
        """False if it exists already."""
        ...

    async def get_tenant(self, tenant_id: str) -> Tenant | None: ...

    async def list_tenants(self) -> Sequence[Tenant]:
        """All, by id."""
        ...

    async def add_service_token(self, token: ServiceToken) -> None:
        """`jti` has to be new (ValueError)."""
        ...

    async def get_service_token(self, jti: str) -> ServiceToken | None: ...

    async def list_service_tokens(self, *, tenant_id: str | None = None) -> Sequence[ServiceToken]:
        """Newest first, at most 1,000."""
        ...

    async def revoke_service_token(self, jti: str, *, revocation: Revocation) -> ServiceToken | None:
        """Atomic: sets `revoked_at` and appends JTI. None if unknown; a second call changes nothing."""
        ...

    async def list_signing_keys(self) -> Sequence[SigningKey]:
        """All, by activates_at, then kid."""
        ...

    async def add_signing_key(self, key: SigningKey, *, after: str | None) -> bool:
        """Atomic: inserts the key only if the newest unrevoked key (by activates_at, then kid) is `after` (None: there
        is none), so that however many processes rotate at once one of them wins. False if not. `kid` has to be new
        (ValueError)."""
        ...

    async def revoke_signing_key(self, kid: str, *, revocation: Revocation) -> bool:
        """Atomic: sets `revoked_at`, forgets the private half and appends KEY. False if unknown or revoked already."""
        ...

    async def forget_private_key(self, kid: str) -> None:
        """Removes the private half of a retired key."""
        ...

    async def delete_signing_key(self, kid: str) -> None:
        """Removes a key whose last token is dead."""
        ...

    async def purge_directory(self, *, now: int, limit: int = 500) -> int:
        """Removes at most `limit` service tokens with `expires_at <= now`. Returns how many."""
        ...
