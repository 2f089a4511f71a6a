# SPDX-License-Identifier: Apache-2.0
"""Sessions in this process: they die with it. Steps are atomic because nothing is awaited inside."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from itertools import islice
from typing import Final

from tessera_service.errors import StoreUnavailable
from tessera_service.models import (
    LimitedCreation,
    LogKind,
    LogPage,
    OutboxRow,
    OutboxSize,
    Place,
    RelayClaim,
    Revocation,
    RevokedOthers,
    Rotation,
    RotationResult,
    RotationStatus,
    Session,
    SessionCounts,
    SessionLimit,
    SessionPage,
    SessionStatus,
    Slide,
    SlideResult,
    SlideStatus,
    StoredState,
    SubjectRevocation,
    TokenRecord,
    UnendedSessions,
)
from tessera_service.storage import rules
from tessera_service.storage.memory_state import MemoryState
from tessera_service.storage.rules import events

_PAGE: Final = 1000


class MemorySessionStore:
    """The `SessionStore` without a disk. Growth is bounded by `purge` and `purge_log` alone."""

    def __init__(self, *, directory_id: str) -> None:
        self.directory_id = directory_id
        self._state: MemoryState | None = None

    @property
    def log_key(self) -> str:
        return f"memory:{id(self):x}"

    @property
    def outbox_key(self) -> str:
        return self.log_key

    async def open(self) -> None:
        if self._state is None:
            self._state = MemoryState()

    async def close(self) -> None:
        self._state = None

    async def ping(self) -> None:
        self._alive()

    def partition_of(self, tenant_id: str, subject: str) -> None:
        """Sessions are all in one place."""

    async def create(self, session: Session) -> Session:
        state = self._alive()
        state.check_new(session)
        stored = rules.born(session, state.cutoff_of(session.tenant_id, session.subject))
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
        stored = rules.born(session, state.cutoff_of(session.tenant_id, session.subject))
        evicted = tuple(rules.ended(other, eviction) for other in rules.least_recently_active(counted)[:too_many])
        state.add(stored, session.tokens, evicted=[events.revoked(other, eviction) for other in evicted])
        state.end_untold(evicted, eviction)
        return LimitedCreation(stored, evicted)

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

    async def page_sessions(
        self, tenant_id: str, *, subject: str, status: SessionStatus | None, now: int, limit: int, offset: int
    ) -> SessionPage:
        found = self._alive().newest_first(tenant_id, subject)
        wanted = [session for session in found if status in (None, session.status(now))]
        return SessionPage(tuple(wanted[offset : offset + limit]), len(wanted))

    async def walk_unended(self, tenant_id: str, *, after: Place | None = None, limit: int = 500) -> UnendedSessions:
        state = self._alive()
        timeline = state.timelines.get(tenant_id)
        entries = timeline.before(None if after is None else after[1:], limit) if timeline is not None else []
        met = state.all_seen(session_id for _, session_id in entries)
        rest = Place(0, *entries[-1]) if len(entries) == limit else None
        return UnendedSessions(tuple(filter(rules.may_end, met)), rest)

    async def count_sessions(self, tenant_id: str, *, surface: str, now: int) -> SessionCounts:
        tally = self._alive().tallies.get((tenant_id, surface))
        return SessionCounts(0, 0, 0) if tally is None else tally.counts(now)

    async def rotate(self, rotation: Rotation) -> RotationResult:
        state = self._alive()
        session = state.seen(rotation.session_id)
        if session is None:
            return RotationResult(RotationStatus.NOT_FOUND)
        result = rules.rotate(session, rotation, noted=state.noted(session, rotation.presented_jti))
        if result.status is RotationStatus.ROTATED and result.session is not None:
            state.move_on(result.session, new=rotation.tokens)
            state.note(rules.crowded_out(session, rotation))
        elif result.status is RotationStatus.REUSE_REVOKED:
            state.end([session], rotation.reuse)
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
        (ended,) = state.end([session], revocation)
        return ended

    async def revoke_subject(self, tenant_id: str, subject: str, *, revocation: Revocation) -> SubjectRevocation:
        state = self._alive()
        cutoff_ms = state.cutoff_of(tenant_id, subject)
        if not state.endable_of(tenant_id, subject):
            return SubjectRevocation(cutoff_ms, 0)
        active = len(state.active_of(tenant_id, subject, now=revocation.at_ms // 1000))
        newest_ms = max(session.created_ms for session in state.newest_first(tenant_id, subject))
        cutoff_ms = rules.raised_cutoff(cutoff_ms, newest_ms, revocation)
        leaving = self._leaving(state.endable_of(tenant_id, subject), revocation)
        leaving.sort(key=lambda session: (session.created_ms, session.session_id))
        state.outbox.append(*(events.revoked(session, revocation) for session in leaving))
        for session in leaving:
            state.end_unlogged(rules.ended(session, revocation))
        state.raise_cutoff(tenant_id, subject, cutoff_ms)
        state.log.append(LogKind.SUBJECT, tenant_id, subject, revocation, cutoff_ms=cutoff_ms)
        return SubjectRevocation(cutoff_ms, active)

    async def revoke_others(self, tenant_id: str, subject: str, *, keep: str, revocation: Revocation) -> RevokedOthers:
        state = self._alive()
        active = len(state.active_of(tenant_id, subject, now=revocation.at_ms // 1000))
        leaving = self._leaving(state.endable_of(tenant_id, subject), revocation)
        others = [session for session in leaving if session.session_id != keep]
        return RevokedOthers(state.end(others, revocation), active_before=active)

    async def revoke_access_key_sessions(
        self, access_key_id: str, *, revocation: Revocation, limit: int = 500
    ) -> Sequence[Session]:
        state = self._alive()
        own = state.all_seen(sorted(state.of_access_key.get(access_key_id, ())))
        return state.end(self._leaving(own, revocation)[:limit], revocation)

    async def revoke_token(self, token: TokenRecord, *, revocation: Revocation) -> bool:
        state = self._alive()
        if state.log.has_jti(token.jti):
            return False
        state.outbox.append(events.token_revoked(token, state.sessions.get(token.session_id), revocation))
        state.log.append(LogKind.JTI, token.tenant_id, token.jti, revocation)
        return True

    async def erase_subject(self, tenant_id: str, subject: str, *, limit: int = 500) -> int:
        state = self._alive()
        record = state.subjects.get((tenant_id, subject))
        own = [state.sessions[session_id] for session_id in record.session_ids] if record is not None else []
        known = [session for session in own if rules.erased(session) != session][:limit]
        for session in known:
            state.touch(rules.erased(session))
        return len(known)

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

    async def renew_log(self, *, log_id: str) -> None:
        self._alive().log.log_id = log_id

    async def read_outbox(self, *, after: int, limit: int = 100) -> Sequence[OutboxRow]:
        return self._alive().outbox.read(after=after, limit=limit)

    async def claim_relay(self, sink: str, *, holder: str, now_ms: int, lease_ms: int) -> RelayClaim | None:
        return self._alive().outbox.claim(sink, holder=holder, now_ms=now_ms, lease_ms=lease_ms)

    async def advance_relay(self, sink: str, *, fence: int, position: int, now_ms: int, lease_ms: int) -> bool:
        outbox = self._alive().outbox
        return outbox.advance(sink, fence=fence, position=position, now_ms=now_ms, lease_ms=lease_ms)

    async def outbox_size(self) -> OutboxSize:
        return self._alive().outbox.size()

    async def purge_outbox(self, *, before_ms: int, limit: int = 500) -> int:
        return self._alive().outbox.purge(before_ms=before_ms, limit=limit)

    async def erase_events(self, tenant_id: str, user_id: str, *, limit: int = 500) -> int:
        return self._alive().outbox.erase(tenant_id, user_id, limit=limit)

    def _alive(self) -> MemoryState:
        if self._state is None:
            raise StoreUnavailable("the store is not open")
        return self._state

    def _leaving(self, sessions: Iterable[Session], revocation: Revocation) -> list[Session]:
        return [session for session in sessions if rules.may_be_alive(session, revocation.at_ms)]
