# SPDX-License-Identifier: Apache-2.0
import asyncio
import contextlib

import pytest
from structlog.testing import capture_logs

from engine.doubles import until
from tessera_service.engine.background import Background
from tessera_service.engine.deadlines import answered_within
from tessera_service.errors import RefreshInvalid, StoreUnavailable


class Step:
    """Counts its runs and fails as it is told."""

    def __init__(self) -> None:
        self.runs = 0
        self.error: Exception | None = None

    async def __call__(self) -> None:
        self.runs += 1
        if self.error is not None:
            raise self.error


async def test_a_step_is_done_again_and_again_until_it_is_stopped() -> None:
    background, step = Background(), Step()
    background.every(0.02, step, name="step")
    await until(lambda: step.runs >= 3)
    await background.stop()
    runs = step.runs
    await asyncio.sleep(0.1)
    assert step.runs == runs
    await background.stop()


@pytest.mark.parametrize("error", [StoreUnavailable(), ZeroDivisionError("secret text")])
async def test_a_failing_step_is_logged_and_tried_again(error: Exception) -> None:
    background, step = Background(), Step()
    step.error = error
    with capture_logs() as logs:
        background.every(0.02, step, name="step")
        await until(lambda: step.runs >= 3)
        step.error = None
        await until(lambda: any(log["event"] == "background_step_recovered" for log in logs))
        await background.stop()
    failures = [log for log in logs if log["event"] == "background_step_failed"]
    assert failures[0]["step"] == "step"
    if isinstance(error, StoreUnavailable):
        assert len(failures) == 1  # once for each illness, not for each turn
        assert failures[0]["log_level"] == "warning"
    else:
        assert failures[0]["log_level"] == "error"


async def test_a_wish_is_heard_before_the_time_is_over() -> None:
    background, step, wake = Background(), Step(), asyncio.Event()
    background.every(3600, step, name="step", wake=wake)
    await until(lambda: step.runs == 1)
    wake.set()
    await until(lambda: step.runs == 2)
    await background.stop()


async def test_a_step_under_way_is_ended_by_stop() -> None:
    background, started = Background(), asyncio.Event()

    async def forever() -> None:
        started.set()
        await asyncio.Event().wait()

    background.every(1, forever, name="forever")
    await started.wait()
    async with asyncio.timeout(2):
        await background.stop()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_what_does_not_answer_in_time_is_unavailable() -> None:
    with pytest.raises(StoreUnavailable):
        async with answered_within(0.02):
            await asyncio.Event().wait()


async def test_other_errors_pass_a_deadline_as_they_are() -> None:
    with pytest.raises(RefreshInvalid):
        async with answered_within(1):
            raise RefreshInvalid


async def test_a_step_that_loses_a_cancellation_is_ended_all_the_same() -> None:
    background, begun = Background(), asyncio.Event()

    async def lose_the_first() -> None:
        begun.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)
        await asyncio.sleep(3600)

    background.every(3600, lose_the_first, name="step")
    await begun.wait()
    async with asyncio.timeout(10):
        await background.stop()
