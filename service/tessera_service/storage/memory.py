# SPDX-License-Identifier: Apache-2.0
"""Sessions in this process: they die with it. Steps are atomic because nothing is awaited inside."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from tessera_service.errors import StoreUnavailable
from tessera_service.models import (
    LimitedCreation,
    LogKind,
    LogPage,
    Revocation,
    RevokedOthers,
    Rotation,
    RotationResult,
    RotationStatus,
    Session,
    SessionCounts,
    SessionLimit,
    SessionStatus,
    Slide,
    SlideResult,
    SlideStatus,
    StoredState,
    SubjectRevocation,
    TokenRecord,
)
from tessera_service.storage import rules
from tessera_service.storage.memory_state import MemoryState

_PAGE: Final = 1000


class MemorySessionStore:
    """The `SessionStore` without a disk. Growth is bounded by `purge` and `purge_log` alone."""

    def __init__(self, *, directory_id: str) -> None:
        self.directory_id = directory_id
        self._state: MemoryState | None = None

    @property
    def log_key(self) -> str:
        return f"memory:{id(self):x}"

    async def open(self) -> None:
        if self._state is None:
            self._state = MemoryState()

    async def close(self) -> None:
        self._state = None

    async def ping(self) -> None:
        self._alive()

    async def create(self, session: Session) -> Session:
        state = self._alive()
        state.check_new(session)
        stored = rules.born(session, state.subject(session.tenant_id, session.subject).cutoff_ms)
        state.add(stored, session.tokens)
        return stored

    async def create_limited(self, session: Session, *, limit: SessionLimit, eviction: Revocation) -> LimitedCreation:
        state = self._alive()
        state.check_new(session)
        surface = rules.counted_surface(limit)
        standing = state.active_of(session.tenant_id, session.subject, now=limit.now)
        counted = [other for other in standing if surface in (None, other.surface)]
        too_many = rules.too_many(len(counted), limit)
        if too_many and limit.policy == "reject":
            return LimitedCreation(None)
        stored = rules.born(session, state.subject(session.tenant_id, session.subject).cutoff_ms)
        state.add(stored, session.tokens)
        leaving = iter(rules.least_recently_active(counted)[:too_many])
        return LimitedCreation(stored, self._end_all(leaving, eviction))

    async def get(self, session_id: str) -> Session | None:
        return self._alive().seen(session_id)

    async def read_state(self, *, session_id: str, jti: str) -> StoredState:
        state = self._alive()
        return StoredState(state.seen(session_id), state.log.has_jti(jti))

    async def find_token(self, jti: str) -> TokenRecord | None:
        return self._alive().tokens.get(jti)

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
        found = self._alive().newest_first(tenant_id, subject)
        wanted = (
            session
            for session in found
            if surface in (None, session.surface) and (not active_only or session.status(now) is SessionStatus.ACTIVE)
        )
        return list(islice(wanted, offset, offset + limit))

    async def count_sessions(self, tenant_id: str, *, surface: str, now: int) -> SessionCounts:
        tally = self._alive().tallies.get((tenant_id, surface))
        return SessionCounts(0, 0, 0) if tally is None else tally.counts(now)

    async def rotate(self, rotation: Rotation) -> RotationResult:
        state = self._alive()
        session = state.seen(rotation.session_id)
        if session is None:
            return RotationResult(RotationStatus.NOT_FOUND)
        result = rules.rotate(session, rotation)
        if result.status is RotationStatus.ROTATED and result.session is not None:
            state.move_on(result.session, new=rotation.tokens)
        elif result.status is RotationStatus.REUSE_REVOKED and result.session is not None:
            state.end(result.session, rotation.reuse)
        return result

    async def slide(self, slide: Slide) -> SlideResult:
        state = self._alive()
        session = state.seen(slide.session_id)
        if session is None:
            return SlideResult(SlideStatus.NOT_FOUND)
        jti = slide.presented_jti
        result = rules.slide(session, slide, presented=state.tokens.get(jti), jti_revoked=state.log.has_jti(jti))
        if result.status is SlideStatus.SLID and result.session is not None:
            state.move_on(result.session, new=[slide.token])
        return result

    async def touch(self, activities: Mapping[str, int]) -> None:
        rules.check_touch(activities)
        state = self._alive()
        for session in list(state.all_seen(activities)):
            touched = rules.touched(session, activities[session.session_id])
            if touched is not None:
                state.touch(touched)

    async def revoke_session(self, session_id: str, *, revocation: Revocation) -> Session | None:
        state = self._alive()
        session = state.seen(session_id)
        if session is None or not rules.may_end(session):
            return session
        ended = rules.ended(session, revocation)
        state.end(ended, revocation)
        return ended

    async def revoke_subject(self, tenant_id: str, subject: str, *, revocation: Revocation) -> SubjectRevocation:
        state = self._alive()
        record = state.subject(tenant_id, subject)
        newest_ms = max((session.created_ms for session in state.all_seen(record.session_ids)), default=0)
        cutoff_ms = rules.raised_cutoff(record.cutoff_ms, newest_ms, revocation)
        active = state.active_of(tenant_id, subject, now=revocation.at_ms // 1000)
        for session in active:
            state.end_unlogged(rules.ended(session, revocation))
        state.raise_cutoff(tenant_id, subject, cutoff_ms)
        state.log.append(LogKind.SUBJECT, tenant_id, subject, revocation, cutoff_ms=cutoff_ms)
        return SubjectRevocation(cutoff_ms, len(active))

    async def revoke_others(self, tenant_id: str, subject: str, *, keep: str, revocation: Revocation) -> RevokedOthers:
        state = self._alive()
        active = state.active_of(tenant_id, subject, now=revocation.at_ms // 1000)
        others = (session for session in active if session.session_id != keep)
        return RevokedOthers(self._end_all(others, revocation), active_before=len(active))

    async def revoke_access_key_sessions(
        self, access_key_id: str, *, revocation: Revocation, limit: int = 500
    ) -> Sequence[Session]:
        state = self._alive()
        own = state.all_seen(sorted(state.of_access_key.get(access_key_id, ())))
        now = revocation.at_ms // 1000
        active = (session for session in own if session.status(now) is SessionStatus.ACTIVE)
        return self._end_all(islice(active, limit), revocation)

    async def revoke_token(self, token: TokenRecord, *, revocation: Revocation) -> bool:
        log = self._alive().log
        if log.has_jti(token.jti):
            return False
        log.append(LogKind.JTI, token.tenant_id, token.jti, revocation)
        return True

    async def purge(self, *, now: int, retention_seconds: int, limit: int = 500) -> int:
        state = self._alive()
        return (
            state.purge_sessions((now - retention_seconds) * 1000, limit)
            + state.purge_tokens(now, limit)
            + state.purge_successors(now * 1000, limit)
        )

    async def read_log(self, *, after: int, limit: int = 1000) -> LogPage:
        return self._alive().log.page(after=after, limit=limit)

    async def read_log_snapshot(self) -> AsyncIterator[LogPage]:
        log = self._alive().log
        head, entries = log.head, log.snapshot()
        for start in range(0, max(len(entries), 1), _PAGE):
            yield LogPage(log.log_id, head, entries[start : start + _PAGE])

    async def purge_log(self, *, now: int, limit: int = 1000) -> int:
        state = self._alive()
        removed = state.log.purge(now=now, limit=limit)
        for entry in removed:
            if entry.kind is LogKind.SUBJECT:
                state.forget_subject(entry.tenant_id, entry.key)
        return len(removed)

    def _alive(self) -> MemoryState:
        if self._state is None:
            raise StoreUnavailable("the store is not open")
        return self._state

    def _end_all(self, active: Iterator[Session], revocation: Revocation) -> tuple[Session, ...]:
        ended = tuple(rules.ended(session, revocation) for session in active)
        for session in ended:
            self._alive().end(session, revocation)
        return ended
