# SPDX-License-Identifier: Apache-2.0
"""Every store against a model in plain Python, through random lives of a few sessions."""

import asyncio
import os
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

from figures import Tell
from storage.examples import NOW, gateway_session, make_session, snapshot, successor, whole_log
from storage.model import RETENTION, SPENT_KEPT, Model
from storage.stores import STORES
from tessera_service.models import (
    Newest,
    Revocation,
    RevokedOthers,
    Rotation,
    RotationStatus,
    SessionLimit,
    SessionPage,
    SessionStatus,
    Slide,
    SlideResult,
    SlideStatus,
    SubjectRevocation,
    TokenKind,
    TokenRecord,
)
from tessera_service.storage import rules
from tessera_service.storage.base import SessionStore

SUBJECTS = ["alice", "bob"]
MORTAL = {"memory"}  # stores whose sessions die when they are closed

# Few values, so that times meet at equality, where the rules turn.
SECONDS = st.sampled_from([0, 1, 10, 40, 60])
PICK = st.sampled_from([0, 0, 0, 1, 2, 3])  # which session, from the newest
LONG = st.sampled_from([60, 60, 60, 120, 1])
MILLISECONDS = st.sampled_from([0, 0, 0, 1, 9999, 10_000, 20_000])


class StoresAgree(RuleBasedStateMachine):
    """Every rule does the same to the model and to one store."""

    name: str

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

    def why(self, reason: str, log_seconds: int, *, locked: bool = False) -> Revocation:
        return Revocation(self.now_ms, reason, "admin", self.now_ms // 1000 + log_seconds, locked)

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

    @rule(
        subject=st.sampled_from(SUBJECTS),
        max_sessions=st.integers(1, 3),
        policy=st.sampled_from(["evict", "evict", "reject"]),
        scope=st.sampled_from(["gateway", "all"]),
        lifetime=LONG,
        ends_in=LONG,
        log_seconds=SECONDS,
    )
    def create_limited(
        self, subject: str, max_sessions: int, policy: Any, scope: Any, lifetime: int, ends_in: int, log_seconds: int
    ) -> None:
        name = f"s{len(self.refresh_jtis)}"
        self.refresh_jtis[name] = ["nothing"]
        now = self.now_ms // 1000
        token = self.pair(name, subject, lifetime)[0]
        session = replace(
            gateway_session(name, subject=subject, created_ms=self.now_ms),
            expires_at=now + lifetime,
            ends_at=now + ends_in,
            tokens=(token,),
            newest=self.newest(token),
        )
        limit = SessionLimit(max_sessions, policy, scope, now)
        why = self.why("concurrent_limit", log_seconds)
        created, leaving = self.model.create_limited(session, limit, why)
        result = self.run(self.store.create_limited(session, limit=limit, eviction=why))
        assert result.session == created
        assert list(result.evicted) == [self.model.seen(other) for other in leaving]

    def newest(self, token: TokenRecord) -> Newest:
        return Newest(token.jti, token.expires_at, token.jti.encode(), "kid-1")

    @rule(pick=PICK, after_ms=MILLISECONDS, which=st.sampled_from([1, 1, 2, 3]), lifetime=LONG)
    def slide(self, pick: int, after_ms: int, which: int, lifetime: int) -> None:
        self.now_ms += after_ms
        name = self.session(pick)
        jtis = self.refresh_jtis[name]
        presented = jtis[-min(which, len(jtis))]
        known = self.model.sessions.get(name)
        token = self.pair(name, known.subject if known else "alice", lifetime)[0]
        now = self.now_ms // 1000
        wanted = Slide(name, presented, self.newest(token), token, now + lifetime, now)
        status = self.model.slide(wanted)
        if status is not SlideStatus.SLID:
            self.refresh_jtis[name].pop()
        after = self.model.seen(name)
        newest = after.newest if after and status in (SlideStatus.SLID, SlideStatus.REPLAYED) else None
        self.agree(SlideResult(status, newest, after), self.store.slide(wanted))

    @rule(picks=st.lists(PICK, max_size=4), ago_ms=MILLISECONDS)
    def touch(self, picks: list[int], ago_ms: int) -> None:
        activities = {self.session(pick): self.now_ms - ago_ms + pick for pick in picks}
        for name, at_ms in activities.items():
            self.model.touch(name, at_ms)
        self.agree(None, self.store.touch(activities))

    @rule(subject=st.sampled_from(SUBJECTS), pick=PICK, log_seconds=SECONDS)
    def revoke_others(self, subject: str, pick: int, log_seconds: int) -> None:
        keep, why = self.session(pick), self.why("others", log_seconds)
        ended, before = self.model.revoke_others(subject, keep, why)
        expected = RevokedOthers(tuple(filter(None, map(self.model.seen, ended))), before)
        assert len(expected.ended) == len(ended)
        self.agree(expected, self.store.revoke_others("tenant-a", subject, keep=keep, revocation=why))

    @rule(
        subject=st.sampled_from([None, *SUBJECTS]),
        active_only=st.booleans(),
        ago=SECONDS,
        limit=st.integers(1, 9),
        offset=st.integers(0, 3),
    )
    def list_and_count(self, subject: str | None, active_only: bool, ago: int, limit: int, offset: int) -> None:
        now = self.now_ms // 1000 - ago
        expected = self.model.listed(subject, active_at=now if active_only else None)[offset : offset + limit]
        call = self.store.list_sessions(
            "tenant-a", subject=subject, now=now, active_only=active_only, limit=limit, offset=offset
        )
        self.agree(expected, call)
        for surface in ("gateway", "token"):
            counted = self.store.count_sessions("tenant-a", surface=surface, now=now)
            self.agree(self.model.counted(surface, now), counted)

    @rule(
        subject=st.sampled_from(SUBJECTS),
        status=st.sampled_from([None, *SessionStatus]),
        ago=SECONDS,
        limit=st.integers(1, 4),
        offset=st.integers(0, 3),
    )
    def page(self, subject: str, status: SessionStatus | None, ago: int, limit: int, offset: int) -> None:
        now = self.now_ms // 1000 - ago
        found = self.model.paged(subject, status, now)
        call = self.store.page_sessions("tenant-a", subject=subject, status=status, now=now, limit=limit, offset=offset)
        self.agree(SessionPage(tuple(found[offset : offset + limit]), len(found)), call)

    @rule(subject=st.sampled_from(SUBJECTS), limit=st.integers(1, 3))
    def erase(self, subject: str, limit: int) -> None:
        self.model.erase(subject)
        while self.run(self.store.erase_subject("tenant-a", subject, limit=limit)):
            pass

    @rule(pick=PICK, log_seconds=SECONDS, locked=st.booleans())
    def revoke_session(self, pick: int, log_seconds: int, locked: bool) -> None:
        name = self.session(pick)
        why = self.why("manual", log_seconds, locked=locked)
        self.agree(self.model.revoke_session(name, why), self.store.revoke_session(name, revocation=why))

    @rule(subject=st.sampled_from(SUBJECTS), log_seconds=SECONDS, locked=st.booleans())
    def revoke_subject(self, subject: str, log_seconds: int, locked: bool) -> None:
        why = self.why("all", log_seconds, locked=locked)
        ended = self.model.revoke_subject(subject, why)
        call = self.store.revoke_subject("tenant-a", subject, revocation=why)
        self.agree(SubjectRevocation(self.model.cutoffs.get(subject, 0), len(ended)), call)

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
        rows = self.run(self.store.read_outbox(after=0, limit=1000))
        assert [(row.event.event_id, row.event.user_id) for row in rows] == self.model.told
        assert [row.sequence for row in rows] == list(range(1, len(rows) + 1))
        for name in self.refresh_jtis:
            assert self.run(self.store.get(name)) == self.model.seen(name)

    def teardown(self) -> None:
        try:
            if hasattr(self, "store"):
                self.look_at_everything()
                assert self.run(snapshot(self.store)) == self.model.log
        finally:  # a divergence is looked for again and again: each time would leave a store that is open
            self.run(self.stack.aclose())
            self.runner.close()
            shutil.rmtree(self.folder)


STEPS = 40
_EXAMPLES = {"memory": 150, "postgres": 8, "redis": 40, "sqlite": 40}  # those without a disk are quick


@pytest.mark.parametrize("name", sorted(STORES))
def test_a_store_does_what_the_model_does(name: str, monkeypatch: pytest.MonkeyPatch, tell: Tell) -> None:
    monkeypatch.setattr(rules, "SPENT_KEPT", SPENT_KEPT)
    machine = type("StoresAgree", (StoresAgree,), {"name": name})
    examples = 2000 if os.environ.get("TESSERA_FAULTS") else _EXAMPLES[name]
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=STEPS, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
    tell(f"{examples} sequences of up to {STEPS} steps, no divergence")
