# SPDX-License-Identifier: Apache-2.0
"""What a store is said to do, as directly as it can be said."""

from dataclasses import replace

from tessera_service.models import (
    LogEntry,
    LogKind,
    Revocation,
    Rotation,
    RotationStatus,
    Session,
    SessionCounts,
    SessionLimit,
    SessionMetadata,
    SessionStatus,
    Slide,
    SlideStatus,
    SpentToken,
    TokenRecord,
)
from tessera_service.storage.base import CUT_OFF

RETENTION = 40
SPENT_KEPT = 2  # fewer than in service, so that they are crowded out


class Model:
    """One tenant's sessions, tokens, cut-offs and log."""

    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}
        self.tokens: dict[str, TokenRecord] = {}
        self.cutoffs: dict[str, int] = {}
        self.log: list[LogEntry] = []
        self.told: list[tuple[str, str]] = []  # (id of the event, user), in order
        self.head = 0
        self.noted: dict[str, tuple[str, int]] = {}  # session and time of tokens that were crowded out

    def seen(self, name: str) -> Session | None:
        session = self.sessions.get(name)
        if session is None:
            return None
        cutoff = self.cutoffs.get(session.subject, 0)
        if session.revoked_ms is None and session.created_ms <= cutoff:
            session = replace(session, revoked_ms=cutoff, revoked_reason=CUT_OFF)
        return session

    def create(self, session: Session) -> Session | None:
        taken = session.session_id in self.sessions or any(token.jti in self.tokens for token in session.tokens)
        if taken:
            return None
        cutoff = self.cutoffs.get(session.subject)
        if cutoff is not None and session.created_ms <= cutoff:
            session = replace(session, created_ms=cutoff + 1)
        if session.last_activity_ms < session.created_ms:
            session = replace(session, last_activity_ms=session.created_ms)
        self.sessions[session.session_id] = replace(session, tokens=())
        self.tokens |= {token.jti: token for token in session.tokens}
        self.told.append((f"{session.session_id}.issued", session.subject))
        return self.seen(session.session_id)

    def create_limited(
        self, session: Session, limit: SessionLimit, why: Revocation
    ) -> tuple[Session | None, list[str]]:
        standing = [
            other
            for other in map(self.seen, list(self.sessions))
            if other is not None
            and other.subject == session.subject
            and self.alive(other, limit.now * 1000)
            and (limit.scope == "all" or other.surface == "gateway")
        ]
        leaving: list[str] = []
        while len(standing) + 1 > limit.max_sessions:
            if limit.policy == "reject":
                return None, []
            least = min(standing, key=lambda other: (other.last_activity_ms, other.session_id))
            standing.remove(least)
            leaving.append(least.session_id)
        created = self.create(session)
        for name in leaving:
            self.end(name, why)
            self.append(LogKind.SESSION, name, why)
        return created, leaving

    def touch(self, name: str, at_ms: int) -> None:
        session = self.seen(name)
        if session is not None and self.alive(session, at_ms) and at_ms > session.last_activity_ms:
            self.sessions[name] = replace(self.sessions[name], last_activity_ms=at_ms)

    def slide(self, wanted: Slide) -> SlideStatus:
        session = self.seen(wanted.session_id)
        if session is None:
            return SlideStatus.NOT_FOUND
        if session.revoked_ms is not None or session.locked or self.revoked(wanted.presented_jti):
            return SlideStatus.ENDED
        if not self.alive(session, wanted.now * 1000):
            return SlideStatus.EXPIRED
        own = [token for token in self.tokens.values() if token.session_id == session.session_id]
        live = [token.jti for token in own if token.expires_at > wanted.now]
        if session.newest is None or wanted.presented_jti not in live:
            return SlideStatus.NOT_FOUND
        if wanted.presented_jti != session.newest.jti:
            return SlideStatus.REPLAYED
        self.tokens[wanted.token.jti] = wanted.token
        end = wanted.expires_at if wanted.expires_at < session.ends_at else session.ends_at
        self.sessions[session.session_id] = replace(session, newest=wanted.newest, expires_at=end)
        return SlideStatus.SLID

    def listed(self, subject: str | None, *, active_at: int | None) -> list[Session]:
        found = [session for session in map(self.seen, list(self.sessions)) if session is not None]
        found = [session for session in found if subject in (None, session.subject)]
        if active_at is not None:
            found = [session for session in found if self.alive(session, active_at * 1000)]
        return sorted(found, key=lambda session: (session.created_ms, session.session_id), reverse=True)

    def counted(self, surface: str, now: int) -> SessionCounts:
        mine = [session for session in self.listed(None, active_at=None) if session.surface == surface]
        unstopped = [session for session in mine if session.revoked_ms is None and not session.locked]
        active = sum(self.alive(session, now * 1000) for session in mine)
        return SessionCounts(len(mine), active, len(unstopped) - active)

    def alive(self, session: Session, now_ms: int) -> bool:
        in_time = now_ms // 1000 < session.expires_at and now_ms // 1000 < session.ends_at
        return in_time and session.revoked_ms is None and not session.locked

    def append(self, kind: LogKind, key: str, why: Revocation, cutoff_ms: int = 0) -> None:
        self.head += 1
        self.log.append(LogEntry(self.head, kind, "tenant-a", key, cutoff_ms, why.log_expires_at))

    def end(self, name: str, why: Revocation) -> None:
        self.told.append((f"{name}.revoked", self.sessions[name].subject))
        self.sessions[name] = replace(
            self.sessions[name],
            locked=why.locked,
            revoked_ms=why.at_ms,
            revoked_reason=why.reason,
            revoked_by=why.revoked_by,
            successor=None,
            successor_until_ms=None,
            newest=None,
        )

    def rotate(self, wanted: Rotation) -> RotationStatus:
        session = self.seen(wanted.session_id)
        if session is None:
            return RotationStatus.NOT_FOUND
        if session.revoked_ms is not None or session.locked:
            return RotationStatus.ENDED
        if not self.alive(session, wanted.now_ms):
            return RotationStatus.EXPIRED
        if wanted.presented_jti == session.refresh_jti:
            self.spend(session, wanted)
            return RotationStatus.ROTATED
        ages = {spent.jti: wanted.now_ms - spent.spent_ms for spent in session.spent}
        noted = self.noted.get(wanted.presented_jti)
        if noted is not None and noted[0] == session.session_id and wanted.presented_jti in self.tokens:
            ages[wanted.presented_jti] = wanted.now_ms - noted[1]
        if ages.get(wanted.presented_jti, wanted.grace_ms) >= wanted.grace_ms:
            self.end(session.session_id, wanted.reuse)
            self.append(LogKind.SESSION, session.session_id, wanted.reuse)
            return RotationStatus.REUSE_REVOKED
        last = session.spent[-1].jti == wanted.presented_jti
        return RotationStatus.REPLAYED if last and session.successor else RotationStatus.SUPERSEDED

    def spend(self, session: Session, wanted: Rotation) -> None:
        self.tokens |= {token.jti: token for token in wanted.tokens}
        kept = [spent for spent in session.spent if wanted.now_ms - spent.spent_ms < wanted.grace_ms]
        while len(kept) + 1 > SPENT_KEPT:
            left = kept.pop(0)
            self.noted[left.jti] = session.session_id, left.spent_ms
        self.sessions[session.session_id] = replace(
            session,
            refresh_jti=wanted.refresh_jti,
            expires_at=wanted.expires_at if wanted.expires_at < session.ends_at else session.ends_at,
            spent=(*kept, SpentToken(wanted.presented_jti, wanted.now_ms)),
            successor=wanted.successor,
            successor_until_ms=wanted.now_ms + wanted.grace_ms,
        )

    def revoke_session(self, name: str, why: Revocation) -> Session | None:
        session = self.seen(name)
        if session is not None and session.revoked_ms is None and not session.locked:
            self.end(name, why)
            self.append(LogKind.SESSION, name, why)
        return self.seen(name)

    def revoke_subject(self, subject: str, why: Revocation) -> list[str]:
        mine = self.listed(subject, active_at=None)[::-1]
        leaving = [session for session in mine if self.endable(session)]
        if not leaving:
            return []
        times = [self.cutoffs.get(subject, 0), why.at_ms, *(session.created_ms for session in mine)]
        for session in leaving:
            self.end(session.session_id, why)
        self.cutoffs[subject] = max(times)
        self.append(LogKind.SUBJECT, subject, why, max(times))
        return [session.session_id for session in leaving if self.alive(session, why.at_ms)]

    def revoke_others(self, subject: str, keep: str, why: Revocation) -> tuple[list[str], int]:
        mine = [session for session in self.listed(subject, active_at=None) if self.endable(session)]
        others = sorted(session.session_id for session in mine if session.session_id != keep)
        active = sum(self.alive(session, why.at_ms) for session in mine)
        for name in others:
            self.end(name, why)
            self.append(LogKind.SESSION, name, why)
        return others, active

    def endable(self, session: Session) -> bool:
        # The clock of these lives never strays by a day, which is how long after its time a session may be alive.
        return session.revoked_ms is None and not session.locked

    def revoked(self, jti: str) -> bool:
        return any(entry.kind is LogKind.JTI and entry.key == jti for entry in self.log)

    def revoke_token(self, token: TokenRecord, why: Revocation) -> bool:
        if self.revoked(token.jti):
            return False
        self.told.append((f"{token.jti}.revoked", token.subject))
        self.append(LogKind.JTI, token.jti, why)
        return True

    def paged(self, subject: str, status: SessionStatus | None, now: int) -> list[Session]:
        return [session for session in self.listed(subject, active_at=None) if status in (None, session.status(now))]

    def erase(self, subject: str) -> None:
        for name, session in self.sessions.items():
            if session.subject == subject:
                session = replace(session, successor=None, successor_until_ms=None, newest=None)
                self.sessions[name] = replace(session, username=None, metadata=SessionMetadata())

    def purge(self, now: int) -> None:
        for name, session in list(self.sessions.items()):
            ended_ms = session.revoked_ms
            if ended_ms is None:
                ended_ms = min(session.expires_at, session.ends_at) * 1000
            if now * 1000 - ended_ms >= RETENTION * 1000:
                del self.sessions[name]
            elif session.successor_until_ms is not None and session.successor_until_ms <= now * 1000:
                self.sessions[name] = replace(session, successor=None, successor_until_ms=None)
        self.tokens = {jti: token for jti, token in self.tokens.items() if token.expires_at > now}
        self.forget_cutoffs()

    def purge_log(self, now: int) -> None:
        self.log = [entry for entry in self.log if entry.expires_at > now or entry.sequence == self.head]
        self.forget_cutoffs()

    def forget_cutoffs(self) -> None:
        named = {entry.key for entry in self.log if entry.kind is LogKind.SUBJECT}
        named |= {session.subject for session in self.sessions.values()}
        self.cutoffs = {subject: cutoff for subject, cutoff in self.cutoffs.items() if subject in named}
