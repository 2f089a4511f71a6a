# SPDX-License-Identifier: Apache-2.0
"""Every store against a model in plain Python, through random lives of a few sessions."""

import asyncio
import shutil
import tempfile
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from storage.examples import NOW, make_session, snapshot, successor, whole_log
from storage.stores import STORES
from tessera_service.models import (
    LogEntry,
    LogKind,
    Revocation,
    Rotation,
    RotationStatus,
    Session,
    SpentToken,
    TokenKind,
    TokenRecord,
)
from tessera_service.storage.base import CUT_OFF, SessionStore
from tessera_service.storage.sql import sqlite_url, upgrade

SUBJECTS = ["alice", "bob"]
RETENTION = 40
MORTAL = {"memory"}  # stores whose sessions die when they are closed

# Few values, so that times meet at equality, where the rules turn.
SECONDS = st.sampled_from([0, 1, 10, 40, 60])
PICK = st.sampled_from([0, 0, 0, 1, 2, 3])  # which session, from the newest
LONG = st.sampled_from([60, 60, 60, 120, 1])
MILLISECONDS = st.sampled_from([0, 0, 0, 1, 9999, 10_000, 20_000])


class Model:
    """What a store is said to do, as directly as it can be said."""

    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}
        self.tokens: dict[str, TokenRecord] = {}
        self.cutoffs: dict[str, int] = {}
        self.log: list[LogEntry] = []
        self.head = 0

    def seen(self, name: str) -> Session | None:
        session = self.sessions.get(name)
        if session is None:
            return None
        own = sorted((t for t in self.tokens.values() if t.session_id == name), key=lambda token: token.jti)
        session = replace(session, tokens=tuple(own))
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
        self.sessions[session.session_id] = session
        self.tokens |= {token.jti: token for token in session.tokens}
        return self.seen(session.session_id)

    def alive(self, session: Session, now_ms: int) -> bool:
        in_time = now_ms // 1000 < session.expires_at and now_ms // 1000 < session.ends_at
        return in_time and session.revoked_ms is None and not session.locked

    def append(self, kind: LogKind, key: str, why: Revocation, cutoff_ms: int = 0) -> None:
        self.head += 1
        self.log.append(LogEntry(self.head, kind, "tenant-a", key, cutoff_ms, why.log_expires_at))

    def end(self, name: str, why: Revocation) -> None:
        self.sessions[name] = replace(
            self.sessions[name],
            revoked_ms=why.at_ms,
            revoked_reason=why.reason,
            revoked_by=why.revoked_by,
            successor=None,
            successor_until_ms=None,
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
        if ages.get(wanted.presented_jti, wanted.grace_ms) >= wanted.grace_ms:
            self.end(session.session_id, wanted.reuse)
            self.append(LogKind.SESSION, session.session_id, wanted.reuse)
            return RotationStatus.REUSE_REVOKED
        last = session.spent[-1].jti == wanted.presented_jti
        return RotationStatus.REPLAYED if last and session.successor else RotationStatus.SUPERSEDED

    def spend(self, session: Session, wanted: Rotation) -> None:
        for token in session.tokens:
            if token.expires_at <= wanted.now_ms // 1000:
                del self.tokens[token.jti]
        self.tokens |= {token.jti: token for token in wanted.tokens}
        kept = [spent for spent in session.spent if wanted.now_ms - spent.spent_ms < wanted.grace_ms]
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
        if session is not None and self.alive(session, why.at_ms):
            self.end(name, why)
            self.append(LogKind.SESSION, name, why)
        return self.seen(name)

    def revoke_subject(self, subject: str, why: Revocation) -> list[str]:
        mine = sorted(name for name, session in self.sessions.items() if session.subject == subject)
        before = {name: self.seen(name) for name in mine}
        times = [self.cutoffs.get(subject, 0), why.at_ms, *(self.sessions[name].created_ms for name in mine)]
        self.cutoffs[subject] = max(times)
        ended = [name for name, session in before.items() if session is not None and self.alive(session, why.at_ms)]
        for name in ended:
            self.end(name, why)
        self.append(LogKind.SUBJECT, subject, why, max(times))
        return ended

    def revoked(self, jti: str) -> bool:
        return any(entry.kind is LogKind.JTI and entry.key == jti for entry in self.log)

    def revoke_token(self, token: TokenRecord, why: Revocation) -> bool:
        if self.revoked(token.jti):
            return False
        self.append(LogKind.JTI, token.jti, why)
        return True

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


class StoresAgree(RuleBasedStateMachine):
    """Every rule does the same to the model and to one store."""

    name: str
    made: tempfile.TemporaryDirectory[str] | None = None

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.folder = Path(tempfile.mkdtemp(prefix="tessera-model-"))
        self.model = Model()
        self.now_ms = NOW * 1000 + 500
        self.counter = 0
        self.refresh_jtis: dict[str, list[str]] = {"s0": ["nothing"]}  # of every session there ever was, in order

    @initialize()
    def start(self) -> None:
        # A migration for each example would be most of the time: all of them start from a copy of one.
        if StoresAgree.made is None:
            StoresAgree.made = tempfile.TemporaryDirectory(prefix="tessera-model-")
            upgrade(sqlite_url(Path(StoresAgree.made.name, "tessera.db")))
        shutil.copy(Path(StoresAgree.made.name, "tessera.db"), self.folder)
        self.store: SessionStore = self.run(self.enter())
        for subject in ("alice", "alice", "bob"):
            self.create(0, True, subject, 60, 120, 0, False)

    async def enter(self) -> SessionStore:
        return await self.stack.enter_async_context(STORES[self.name](self.folder))

    def run(self, call: Any) -> Any:
        return self.runner.run(call)

    def session(self, pick: int) -> str:
        names = list(self.refresh_jtis)
        return names[-1 - pick % len(names)]

    def agree(self, expected: Any, call: Any) -> None:
        assert self.run(call) == expected

    def pair(self, name: str, subject: str, lifetime: int) -> tuple[TokenRecord, TokenRecord]:
        self.counter += 1
        now = self.now_ms // 1000
        # Neither order of the jtis is the order of their making.
        access, refresh = f"{self.counter * 7919 % 10007:05}-a", f"{self.counter * 7919 % 10007:05}-r"
        self.refresh_jtis[name].append(refresh)
        return (
            TokenRecord(refresh, name, "tenant-a", subject, TokenKind.REFRESH, now + lifetime),
            TokenRecord(access, name, "tenant-a", subject, TokenKind.ACCESS, now + lifetime // 3),
        )

    def why(self, reason: str, log_seconds: int) -> Revocation:
        return Revocation(self.now_ms, reason, "admin", self.now_ms // 1000 + log_seconds)

    @rule(
        pick=PICK,
        new=st.sampled_from([True, True, True, False]),
        subject=st.sampled_from(SUBJECTS),
        lifetime=LONG,
        ends_in=LONG,
        early_ms=st.sampled_from([0, 0, -1, 1, -1500, 1500]),
        locked=st.integers(0, 9).map(lambda roll: roll == 0),
    )
    def create(
        self, pick: int, new: bool, subject: str, lifetime: int, ends_in: int, early_ms: int, locked: bool
    ) -> None:
        name = f"s{len(self.refresh_jtis)}" if new else self.session(pick)
        if not new and name not in self.model.sessions:
            return  # an id is not used again, however long its session is gone
        self.refresh_jtis.setdefault(name, ["nothing"])
        now = self.now_ms // 1000
        pair = self.pair(name, subject, lifetime)
        session = replace(
            make_session(name, subject=subject, created_ms=self.now_ms - early_ms, locked=locked),
            expires_at=now + lifetime,
            ends_at=now + ends_in,
            refresh_jti=pair[0].jti,
            tokens=pair,
        )
        expected = self.model.create(session)
        try:
            created = self.run(self.store.create(session))
        except ValueError:
            created = None
        assert created == expected

    @rule(
        pick=PICK,
        after_ms=MILLISECONDS,
        which=st.sampled_from([1, 1, 2, 3, 3]),
        grace_ms=st.sampled_from([10_000, 10_000, 10_000, 1000, 0]),
        lifetime=LONG,
    )
    def rotate(self, pick: int, after_ms: int, which: int, grace_ms: int, lifetime: int) -> None:
        self.now_ms += after_ms
        name = self.session(pick)
        known = self.model.sessions.get(name)
        jtis = self.refresh_jtis[name]
        presented = jtis[-min(which, len(jtis))]
        pair = self.pair(name, known.subject if known else "alice", lifetime)
        wanted = Rotation(
            name,
            presented,
            self.now_ms,
            grace_ms,
            successor(self.counter),
            pair[0].jti,
            pair,
            self.now_ms // 1000 + lifetime,
            self.why("refresh_reuse", 60),
        )
        before = self.model.seen(name)
        status = self.model.rotate(wanted)
        if status is not RotationStatus.ROTATED:
            self.refresh_jtis[name].pop()
        result = self.run(self.store.rotate(wanted))
        assert result.status is status
        assert result.session == self.model.seen(name)
        if status is RotationStatus.ROTATED:
            assert result.successor == wanted.successor
        elif status is RotationStatus.REPLAYED:
            assert before is not None
            assert result.successor == before.successor is not None
        else:
            assert result.successor is None

    @rule(pick=PICK, log_seconds=SECONDS)
    def revoke_session(self, pick: int, log_seconds: int) -> None:
        name = self.session(pick)
        why = self.why("manual", log_seconds)
        self.agree(self.model.revoke_session(name, why), self.store.revoke_session(name, revocation=why))

    @rule(subject=st.sampled_from(SUBJECTS), log_seconds=SECONDS)
    def revoke_subject(self, subject: str, log_seconds: int) -> None:
        why = self.why("all", log_seconds)
        ended = self.model.revoke_subject(subject, why)
        call = self.store.revoke_subject("tenant-a", subject, revocation=why)
        self.agree([self.model.seen(name) for name in ended], call)

    @precondition(lambda self: self.model.tokens)
    @rule(data=st.data(), log_seconds=SECONDS)
    def revoke_token(self, data: st.DataObject, log_seconds: int) -> None:
        token = self.model.tokens[data.draw(st.sampled_from(sorted(self.model.tokens)))]
        why = self.why("manual", log_seconds)
        self.agree(self.model.revoke_token(token, why), self.store.revoke_token(token, revocation=why))
        self.agree(token, self.store.find_token(token.jti))

    @rule(milliseconds=st.sampled_from([1, 500, 999, 1000, 10_000, 40_000, -1, -1000]))
    def time_passes(self, milliseconds: int) -> None:
        self.now_ms += milliseconds

    @rule(limit=st.integers(1, 4))
    def purge(self, limit: int) -> None:
        now = self.now_ms // 1000
        self.model.purge(now)
        while self.run(self.store.purge(now=now, retention_seconds=RETENTION, limit=limit)):
            pass

    @rule(limit=st.integers(1, 4))
    def purge_log(self, limit: int) -> None:
        now = self.now_ms // 1000
        self.model.purge_log(now)
        while self.run(self.store.purge_log(now=now, limit=limit)):
            pass

    @rule(after=st.integers(0, 12), limit=st.integers(1, 5))
    def read_log(self, after: int, limit: int) -> None:
        wanted = [entry for entry in self.model.log if entry.sequence >= after][:limit]
        page = self.run(self.store.read_log(after=after, limit=limit))
        assert (page.head, list(page.entries)) == (self.model.head, wanted)

    @precondition(lambda self: self.name not in MORTAL)
    @rule()
    def restart(self) -> None:
        self.run(self.store.close())
        self.run(self.store.open())

    @rule(pick=PICK, which=st.integers(1, 3))
    def read_state(self, pick: int, which: int) -> None:
        name = self.session(pick)
        jti = self.refresh_jtis[name][-min(which, len(self.refresh_jtis[name]))]
        state = self.run(self.store.read_state(session_id=name, jti=jti))
        assert (state.session, state.jti_revoked) == (self.model.seen(name), self.model.revoked(jti))
        self.agree(self.model.tokens.get(jti), self.store.find_token(jti))

    @rule()
    def look_at_everything(self) -> None:
        assert self.run(whole_log(self.store)) == tuple(self.model.log)
        for name in self.refresh_jtis:
            assert self.run(self.store.get(name)) == self.model.seen(name)

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.look_at_everything()
            assert self.run(snapshot(self.store)) == self.model.log
        self.run(self.stack.aclose())
        self.runner.close()
        shutil.rmtree(self.folder)


@pytest.mark.parametrize("name", sorted(STORES))
def test_a_store_does_what_the_model_does(name: str) -> None:
    machine = type("StoresAgree", (StoresAgree,), {"name": name})
    examples = 300 if name in MORTAL else 60  # those without a disk are quick
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
