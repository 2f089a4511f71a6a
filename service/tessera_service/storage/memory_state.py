# SPDX-License-Identifier: Apache-2.0
"""The sessions of this process and every index over them, kept together: whoever changes a session does it here."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from tessera_service.models import Event, LogKind, Revocation, Session, SessionStatus, SpentToken, TokenRecord
from tessera_service.storage import rules
from tessera_service.storage.memory_indexes import Due, Tally, Timeline
from tessera_service.storage.memory_log import MemoryLog
from tessera_service.storage.memory_outbox import MemoryOutbox
from tessera_service.storage.rules import events


@dataclass(slots=True)
class Subject:
    """A subject with a retained session or log entry."""

    cutoff_ms: int = 0
    session_ids: set[str] = field(default_factory=set)
    unmarked: set[str] = field(default_factory=set)  # those that carry no revocation of their own


class MemoryState:
    """Everything between one open of the store and the next close."""

    def __init__(self) -> None:
        self.log = MemoryLog()
        self.outbox = MemoryOutbox()
        self.sessions: dict[str, Session] = {}
        self.tokens: dict[str, TokenRecord] = {}
        self._spent_ms: dict[str, int] = {}  # of tokens that their session names no more
        self.subjects: dict[tuple[str, str], Subject] = {}
        self.timelines: defaultdict[str, Timeline] = defaultdict(Timeline)  # by tenant
        self.tallies: defaultdict[tuple[str, str], Tally] = defaultdict(Tally)  # by tenant and surface
        self.of_access_key: defaultdict[str, set[str]] = defaultdict(set)
        self._sessions_due = Due()  # milliseconds
        self._successors_due = Due()  # milliseconds
        self._tokens_due = Due()  # seconds

    # Reading

    def subject(self, tenant_id: str, subject: str) -> Subject:
        """The subject, known or new."""
        return self.subjects.setdefault((tenant_id, subject), Subject())

    def cutoff_of(self, tenant_id: str, subject: str) -> int:
        """The subject's cut-off; 0 if it has none."""
        record = self.subjects.get((tenant_id, subject))
        return 0 if record is None else record.cutoff_ms

    def seen(self, session_id: str) -> Session | None:
        """The session as its subject's cut-off lets it be seen."""
        session = self.sessions.get(session_id)
        return None if session is None else self._under_cutoff(session)

    def all_seen(self, session_ids: Iterable[str]) -> Iterator[Session]:
        """As `seen`, without those that are gone."""
        return (session for session in map(self.seen, session_ids) if session is not None)

    def active_of(self, tenant_id: str, subject: str, *, now: int) -> list[Session]:
        """The subject's active sessions, by session_id."""
        return [
            session for session in self.endable_of(tenant_id, subject) if session.status(now) is SessionStatus.ACTIVE
        ]

    def endable_of(self, tenant_id: str, subject: str) -> list[Session]:
        """The subject's sessions that were not ended, by session_id."""
        record = self.subjects.get((tenant_id, subject))
        found = self.all_seen(sorted(record.unmarked)) if record is not None else ()
        return [session for session in found if rules.may_end(session)]

    def newest_first(self, tenant_id: str, subject: str | None) -> Iterator[Session]:
        """The sessions of a tenant, or of one subject, by their creation."""
        if subject is None:
            timeline = self.timelines.get(tenant_id)
            return self.all_seen(timeline.newest_first() if timeline is not None else ())
        record = self.subjects.get((tenant_id, subject))
        own = list(self.all_seen(record.session_ids if record is not None else ()))
        return iter(sorted(own, key=lambda session: (session.created_ms, session.session_id), reverse=True))

    # Changing. Events come first: where they cannot be written nothing has changed.

    def add(self, session: Session, tokens: Sequence[TokenRecord], *, evicted: Iterable[Event] = ()) -> None:
        """A new session and its tokens; `evicted`: the events of what makes room for it."""
        self.outbox.append(events.issued(session), *evicted)
        self._add_tokens(tokens)
        subject = self.subject(session.tenant_id, session.subject)
        subject.session_ids.add(session.session_id)
        subject.unmarked.add(session.session_id)
        self.timelines[session.tenant_id].add(session.created_ms, session.session_id)
        if session.access_key_id is not None:
            self.of_access_key[session.access_key_id].add(session.session_id)
        self._put(session)

    def check_new(self, session: Session) -> None:
        """ValueError unless its id and every jti are new."""
        if session.session_id in self.sessions:
            raise ValueError("session_id has to be new")
        self.check_new_tokens(session.tokens)

    def check_new_tokens(self, tokens: Sequence[TokenRecord]) -> None:
        """ValueError unless every jti is new."""
        jtis = [token.jti for token in tokens]
        if len(set(jtis)) < len(jtis) or any(jti in self.tokens for jti in jtis):
            raise ValueError("every jti has to be new")

    def move_on(self, after: Session, *, new: Sequence[TokenRecord]) -> None:
        """Stores a session that moved on and its next tokens, which have to be new (ValueError)."""
        self.check_new_tokens(new)
        self._add_tokens(new)
        self._put(after)

    def noted(self, session: Session, jti: str) -> SpentToken | None:
        """What the record of a token of the session says of its being spent."""
        token, spent_ms = self.tokens.get(jti), self._spent_ms.get(jti)
        if token is None or spent_ms is None or token.session_id != session.session_id:
            return None
        return SpentToken(jti, spent_ms)

    def note(self, spent: Iterable[SpentToken]) -> None:
        """Notes in the records of tokens when they were spent."""
        self._spent_ms |= {token.jti: token.spent_ms for token in spent if token.jti in self.tokens}

    def touch(self, session: Session) -> None:
        """Stores a session of which nothing changed that is counted or due."""
        self.sessions[session.session_id] = session

    def end(self, leaving: Iterable[Session], revocation: Revocation) -> tuple[Session, ...]:
        """Stores the end of sessions, tells of it and logs it. Returns them as stored."""
        ended = tuple(rules.ended(session, revocation) for session in leaving)
        self.outbox.append(*(events.revoked(session, revocation) for session in ended))
        self.end_untold(ended, revocation)
        return ended

    def end_untold(self, ended: Iterable[Session], revocation: Revocation) -> None:
        """As `end`, when the events are written."""
        for session in ended:
            self.end_unlogged(session)
            self.log.append(LogKind.SESSION, session.tenant_id, session.session_id, revocation)

    def end_unlogged(self, ended: Session) -> None:
        """Stores the end of a session that the log learns otherwise."""
        self.subject(ended.tenant_id, ended.subject).unmarked.discard(ended.session_id)
        self._put(ended)

    def raise_cutoff(self, tenant_id: str, subject: str, cutoff_ms: int) -> None:
        """Raises the cut-off of a subject under whatever it has."""
        record = self.subject(tenant_id, subject)
        unmarked = [self.sessions[session_id] for session_id in record.unmarked]
        for session in unmarked:
            self._count(session, -1)
        record.cutoff_ms = cutoff_ms
        for session in unmarked:
            self._count(session, 1)

    def forget_subject(self, tenant_id: str, subject: str) -> None:
        """Removes a subject that no session and no entry needs any more."""
        record = self.subjects.get((tenant_id, subject))
        if record is not None and not record.session_ids and not self.log.has_subject(tenant_id, subject):
            del self.subjects[tenant_id, subject]

    # Purging

    def purge_sessions(self, until_ms: int, limit: int) -> int:
        gone = 0
        for session_id in self._sessions_due.take(until_ms, limit, self._session_due):
            self._remove(self.sessions[session_id])
            gone += 1
        return gone

    def purge_tokens(self, now: int, limit: int) -> int:
        gone = 0
        for jti in self._tokens_due.take(now, limit, self._token_due):
            del self.tokens[jti]
            self._spent_ms.pop(jti, None)
            gone += 1
        return gone

    def purge_successors(self, until_ms: int, limit: int) -> int:
        gone = 0
        for session_id in self._successors_due.take(until_ms, limit, self._successor_due):
            self.touch(replace(self.sessions[session_id], successor=None, successor_until_ms=None))
            gone += 1
        return gone

    def _put(self, after: Session) -> None:
        before = self.sessions.get(after.session_id)
        self.sessions[after.session_id] = after
        if before is not None:
            self._count(before, -1)
        self._count(after, 1)
        over_ms, until_ms = rules.over_ms(after), after.successor_until_ms
        if before is None or over_ms < rules.over_ms(before):
            self._sessions_due.add(after.session_id, over_ms)
        known_ms = None if before is None else before.successor_until_ms
        if until_ms is not None and (known_ms is None or until_ms < known_ms):
            self._successors_due.add(after.session_id, until_ms)

    def _remove(self, session: Session) -> None:
        self._count(session, -1)
        del self.sessions[session.session_id]
        subject = self.subject(session.tenant_id, session.subject)
        subject.session_ids.remove(session.session_id)
        subject.unmarked.discard(session.session_id)
        self.forget_subject(session.tenant_id, session.subject)
        self.timelines[session.tenant_id].removed_one(self.sessions)
        if session.access_key_id is not None:
            self._forget_of_access_key(session.access_key_id, session.session_id)

    def _forget_of_access_key(self, access_key_id: str, session_id: str) -> None:
        own = self.of_access_key[access_key_id]
        own.discard(session_id)
        if not own:
            del self.of_access_key[access_key_id]

    def _add_tokens(self, tokens: Iterable[TokenRecord]) -> None:
        for token in tokens:
            self.tokens[token.jti] = token
            self._tokens_due.add(token.jti, token.expires_at)

    def _under_cutoff(self, session: Session) -> Session:
        return rules.seen_under(session, self.subjects[session.tenant_id, session.subject].cutoff_ms)

    def _count(self, session: Session, by: int) -> None:
        seen = self._under_cutoff(session)
        is_stopped = seen.locked or seen.revoked_ms is not None
        over_at = None if is_stopped else rules.over_ms(session) // 1000
        self.tallies[session.tenant_id, session.surface].change(by, over_at=over_at)

    def _session_due(self, session_id: str) -> int | None:
        session = self.sessions.get(session_id)
        return None if session is None else rules.over_ms(session)

    def _token_due(self, jti: str) -> int | None:
        token = self.tokens.get(jti)
        return None if token is None else token.expires_at

    def _successor_due(self, session_id: str) -> int | None:
        session = self.sessions.get(session_id)
        return None if session is None else session.successor_until_ms
