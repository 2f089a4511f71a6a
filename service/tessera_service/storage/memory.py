# SPDX-License-Identifier: Apache-2.0
"""Sessions in this process: they die with it. Steps are atomic because nothing is awaited inside."""

import heapq
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from tessera_service.errors import StoreUnavailable
from tessera_service.models import (
    LogKind,
    LogPage,
    Revocation,
    Rotation,
    RotationResult,
    RotationStatus,
    Session,
    StoredState,
    TokenRecord,
)
from tessera_service.storage import rules
from tessera_service.storage.memory_log import MemoryLog

_PAGE = 1000


@dataclass(slots=True)
class _Subject:
    cutoff_ms: int = 0
    session_ids: set[str] = field(default_factory=set)


class _Due:
    """Keys by the time at which they may go. A key may stand here more than once, and too early, never too late."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, str]] = []

    def add(self, key: str, due: int) -> None:
        heapq.heappush(self._heap, (due, key))

    def take(self, until: int, limit: int, real_due: Callable[[str], int | None]) -> Iterator[str]:
        """At most `limit` keys whose real time (None: it is gone) has come; the others go back to theirs."""
        taken = 0
        while self._heap and self._heap[0][0] <= until and taken < limit:
            _, key = heapq.heappop(self._heap)
            due = real_due(key)
            if due is None:
                continue
            if due > until:
                heapq.heappush(self._heap, (due, key))
                continue
            taken += 1
            yield key


class _Life:
    """Everything between one open and the next close."""

    def __init__(self) -> None:
        self.log = MemoryLog()
        self.sessions: dict[str, Session] = {}
        self.tokens: dict[str, TokenRecord] = {}
        self.subjects: dict[tuple[str, str], _Subject] = {}
        self.sessions_due = _Due()  # milliseconds
        self.successors_due = _Due()  # milliseconds
        self.tokens_due = _Due()  # seconds


class MemorySessionStore:
    """The `SessionStore` without a disk. Growth is bounded by `purge` and `purge_log` alone."""

    def __init__(self, *, directory_id: str) -> None:
        self.directory_id = directory_id
        self._life: _Life | None = None

    @property
    def log_key(self) -> str:
        return f"memory:{id(self):x}"

    async def open(self) -> None:
        if self._life is None:
            self._life = _Life()

    async def close(self) -> None:
        self._life = None

    async def ping(self) -> None:
        self._alive()

    async def create(self, session: Session) -> Session:
        life = self._alive()
        if session.session_id in life.sessions:
            raise ValueError("session_id has to be new")
        self._check_new(session.tokens)
        subject = life.subjects.setdefault((session.tenant_id, session.subject), _Subject())
        stored = rules.born(session, subject.cutoff_ms)
        subject.session_ids.add(stored.session_id)
        self._add_tokens(stored.tokens)
        life.sessions[stored.session_id] = stored
        life.sessions_due.add(stored.session_id, rules.over_ms(stored))
        return stored

    async def get(self, session_id: str) -> Session | None:
        return self._seen(session_id)

    async def read_state(self, *, session_id: str, jti: str) -> StoredState:
        return StoredState(self._seen(session_id), self._alive().log.has_jti(jti))

    async def find_token(self, jti: str) -> TokenRecord | None:
        return self._alive().tokens.get(jti)

    async def rotate(self, rotation: Rotation) -> RotationResult:
        session = self._seen(rotation.session_id)
        if session is None:
            return RotationResult(RotationStatus.NOT_FOUND)
        result = rules.rotate(session, rotation)
        if result.status is RotationStatus.ROTATED and result.session is not None:
            self._move_on(session, result.session, rotation)
        elif result.status is RotationStatus.REUSE_REVOKED and result.session is not None:
            self._end(result.session, rotation.reuse)
        return result

    async def revoke_session(self, session_id: str, *, revocation: Revocation) -> Session | None:
        session = self._seen(session_id)
        if session is None or not rules.may_end(session, revocation):
            return session
        ended = rules.ended(session, revocation)
        self._end(ended, revocation)
        return ended

    async def revoke_subject(self, tenant_id: str, subject: str, *, revocation: Revocation) -> Sequence[Session]:
        life = self._alive()
        record = life.subjects.setdefault((tenant_id, subject), _Subject())
        sessions = [rules.seen_under(life.sessions[key], record.cutoff_ms) for key in sorted(record.session_ids)]
        newest_ms = max((session.created_ms for session in sessions), default=0)
        record.cutoff_ms = rules.raised_cutoff(record.cutoff_ms, newest_ms, revocation)
        ended = [rules.ended(session, revocation) for session in sessions if rules.may_end(session, revocation)]
        for session in ended:
            self._put_ended(session)
        life.log.append(LogKind.SUBJECT, tenant_id, subject, revocation, cutoff_ms=record.cutoff_ms)
        return ended

    async def revoke_token(self, token: TokenRecord, *, revocation: Revocation) -> bool:
        log = self._alive().log
        if log.has_jti(token.jti):
            return False
        log.append(LogKind.JTI, token.tenant_id, token.jti, revocation)
        return True

    async def purge(self, *, now: int, retention_seconds: int, limit: int = 500) -> int:
        return (
            self._purge_sessions((now - retention_seconds) * 1000, limit)
            + self._purge_tokens(now, limit)
            + self._purge_successors(now * 1000, limit)
        )

    async def read_log(self, *, after: int, limit: int = 1000) -> LogPage:
        return self._alive().log.page(after=after, limit=limit)

    async def read_log_snapshot(self) -> AsyncIterator[LogPage]:
        log = self._alive().log
        head, entries = log.head, log.snapshot()
        for start in range(0, max(len(entries), 1), _PAGE):
            yield LogPage(log.log_id, head, entries[start : start + _PAGE])

    async def purge_log(self, *, now: int, limit: int = 1000) -> int:
        removed = self._alive().log.purge(now=now, limit=limit)
        for entry in removed:
            if entry.kind is LogKind.SUBJECT:
                self._forget_subject(entry.tenant_id, entry.key)
        return len(removed)

    def _alive(self) -> _Life:
        if self._life is None:
            raise StoreUnavailable("the store is not open")
        return self._life

    def _seen(self, session_id: str) -> Session | None:
        life = self._alive()
        session = life.sessions.get(session_id)
        if session is None:
            return None
        return rules.seen_under(session, life.subjects[session.tenant_id, session.subject].cutoff_ms)

    def _check_new(self, tokens: Sequence[TokenRecord]) -> None:
        jtis = [token.jti for token in tokens]
        if len(set(jtis)) < len(jtis) or any(jti in self._alive().tokens for jti in jtis):
            raise ValueError("every jti has to be new")

    def _add_tokens(self, tokens: Sequence[TokenRecord]) -> None:
        life = self._alive()
        for token in tokens:
            life.tokens[token.jti] = token
            life.tokens_due.add(token.jti, token.expires_at)

    def _move_on(self, before: Session, after: Session, rotation: Rotation) -> None:
        life = self._alive()
        self._check_new(rotation.tokens)
        for token in set(before.tokens) - set(after.tokens):
            del life.tokens[token.jti]
        self._add_tokens(rotation.tokens)
        life.sessions[after.session_id] = after
        if rules.over_ms(after) < rules.over_ms(before):
            life.sessions_due.add(after.session_id, rules.over_ms(after))
        grace_ends = rotation.now_ms + rotation.grace_ms
        if before.successor_until_ms is None or grace_ends < before.successor_until_ms:
            life.successors_due.add(after.session_id, grace_ends)

    def _end(self, ended: Session, revocation: Revocation) -> None:
        self._put_ended(ended)
        self._alive().log.append(LogKind.SESSION, ended.tenant_id, ended.session_id, revocation)

    def _put_ended(self, ended: Session) -> None:
        life = self._alive()
        life.sessions[ended.session_id] = ended
        life.sessions_due.add(ended.session_id, rules.over_ms(ended))

    def _purge_sessions(self, until_ms: int, limit: int) -> int:
        life = self._alive()
        gone = 0
        for session_id in life.sessions_due.take(until_ms, limit, self._session_due):
            session = life.sessions.pop(session_id)
            key = session.tenant_id, session.subject
            life.subjects[key].session_ids.remove(session_id)
            self._forget_subject(*key)
            gone += 1
        return gone

    def _purge_tokens(self, now: int, limit: int) -> int:
        life = self._alive()
        gone = 0
        for jti in life.tokens_due.take(now, limit, self._token_due):
            token = life.tokens.pop(jti)
            session = life.sessions.get(token.session_id)
            if session is not None:
                left = tuple(other for other in session.tokens if other.jti != jti)
                life.sessions[session.session_id] = replace(session, tokens=left)
            gone += 1
        return gone

    def _purge_successors(self, until_ms: int, limit: int) -> int:
        life = self._alive()
        gone = 0
        for session_id in life.successors_due.take(until_ms, limit, self._successor_due):
            session = life.sessions[session_id]
            life.sessions[session_id] = replace(session, successor=None, successor_until_ms=None)
            gone += 1
        return gone

    def _forget_subject(self, tenant_id: str, subject: str) -> None:
        life = self._alive()
        record = life.subjects.get((tenant_id, subject))
        if record is not None and not record.session_ids and not life.log.has_subject(tenant_id, subject):
            del life.subjects[tenant_id, subject]

    def _session_due(self, session_id: str) -> int | None:
        session = self._alive().sessions.get(session_id)
        return None if session is None else rules.over_ms(session)

    def _token_due(self, jti: str) -> int | None:
        token = self._alive().tokens.get(jti)
        return None if token is None else token.expires_at

    def _successor_due(self, session_id: str) -> int | None:
        session = self._alive().sessions.get(session_id)
        return None if session is None else session.successor_until_ms
