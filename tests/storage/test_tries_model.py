# SPDX-License-Identifier: Apache-2.0
"""Hits and codes of a directory against a model in plain Python, through random lives of a few keys."""

import asyncio
import shutil
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from storage.examples import NOW
from storage.tries_model import CodeModel, HitModel
from storage.user_examples import directories
from tessera_service.models import CodeRecord, HitLimit

# Few values, so that keys and times meet, at equality too, where the rules turn.
KEYS = [b"key-1", b"key-2", b"\x00\xff"]
LIMITS = st.builds(
    HitLimit,
    key=st.sampled_from(KEYS),
    max_hits=st.sampled_from([1, 2, 3, 3]),
    window_seconds=st.sampled_from([1, 10, 10, 60]),
    hold_seconds=st.sampled_from([None, None, 10, 20, 1]),
)
TOGETHER = st.lists(LIMITS, min_size=1, max_size=3, unique_by=lambda limit: limit.key)
HASHES = [b"a", b"b"]


class DirectoryAgrees(RuleBasedStateMachine):
    """Every rule does the same to the model and to a directory."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.folder = Path(tempfile.mkdtemp(prefix="tessera-tries-"))
        self.hits, self.codes = HitModel(), CodeModel()
        self.now_ms = NOW * 1000 + 500
        self.taken: list[str] = ["unknown"]

    @initialize()
    def start(self) -> None:
        (self.directory,) = self.run(self.stack.enter_async_context(directories(self.folder)))

    def run(self, call: Any) -> Any:
        return self.runner.run(call)

    @rule(limits=TOGETHER, times=st.sampled_from([1, 1, 2, 4]), after_ms=st.sampled_from([0, 0, 1, 999, 5000]))
    def take(self, limits: list[HitLimit], times: int, after_ms: int) -> None:
        for _ in range(times):
            taken = self.run(self.directory.take(limits, now_ms=self.now_ms))
            name = taken.hit_id or "refused"
            assert self.hits.take(name, limits, self.now_ms) is (taken.hit_id is not None)
            assert taken.remaining == tuple(self.hits.remaining(limit, self.now_ms) for limit in limits)
            assert taken.retry_after == tuple(self.hits.retry_after(limit, self.now_ms) for limit in limits)
            if taken.hit_id is not None:
                assert taken.hit_id not in self.taken
                self.taken.append(taken.hit_id)
            self.now_ms += after_ms

    @rule(pick=st.sampled_from([0, 0, 1, 2, 3, 7]))
    def give_back(self, pick: int) -> None:
        name = self.taken[-1 - pick % len(self.taken)]
        self.hits.give_back(name)
        self.run(self.directory.give_back(name))

    @rule(key=st.sampled_from(KEYS))
    def forget(self, key: bytes) -> None:
        self.hits.forget(key)
        self.run(self.directory.forget(key))

    @rule(key=st.sampled_from(KEYS), code_hash=st.sampled_from(HASHES), lifetime=st.sampled_from([1, 10, 300]))
    def put_code(self, key: bytes, code_hash: bytes, lifetime: int) -> None:
        code = CodeRecord(key, code_hash, self.now_ms // 1000 + lifetime)
        self.codes.put(code)
        self.run(self.directory.put_code(code))

    @rule(
        key=st.sampled_from(KEYS),
        code_hash=st.sampled_from([*HASHES, b""]),
        times=st.sampled_from([1, 1, 2, 5]),
        max_guesses=st.just(3),
        in_vain=st.booleans(),
    )
    def guess_code(self, key: bytes, code_hash: bytes, times: int, max_guesses: int, in_vain: bool) -> None:
        now = self.now_ms // 1000
        for _ in range(times):
            expected = self.codes.guess(key, code_hash, now, max_guesses)
            call = self.directory.guess_code(key, code_hash=code_hash, now=now, max_guesses=max_guesses)
            guess = self.run(call)
            assert (guess, guess.spent) == (expected, expected.spent)
            if in_vain and guess.spent is not None:
                self.codes.restore(guess.spent)
                self.run(self.directory.restore_code(guess.spent))

    @rule(milliseconds=st.sampled_from([1, 499, 500, 999, 1000, 9999, 10_000, 20_000, 300_000, 600_000]))
    def time_passes(self, milliseconds: int) -> None:
        self.now_ms += milliseconds

    @rule(limit=st.integers(1, 4))
    def purge(self, limit: int) -> None:
        while self.run(self.directory.purge_directory(now=self.now_ms // 1000, limit=limit)):
            pass

    def teardown(self) -> None:
        self.run(self.stack.aclose())
        self.runner.close()
        shutil.rmtree(self.folder)


def test_a_directory_does_with_hits_and_codes_what_the_model_does() -> None:
    run_state_machine_as_test(
        DirectoryAgrees,
        settings=settings(
            max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
