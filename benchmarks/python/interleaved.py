# SPDX-License-Identifier: Apache-2.0
"""Variants run in turns, so that what disturbs one disturbs all: ratio = median of the ratios of the rounds."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

Work = Callable[[], object]


class Result(NamedTuple):
    """Of one variant: microseconds a call (median of rounds) and speed against the base (2 = twice as fast)."""

    name: str
    microseconds: float
    ratio: float


def compare(variants: Mapping[str, Work], *, base: str, rounds: int = 15, seconds_a_turn: float = 0.05) -> list[Result]:
    """Each round gives every variant one turn; the order changes from round to round."""
    calls = {name: _calls_in(work, seconds_a_turn) for name, work in variants.items()}
    times: dict[str, list[float]] = {name: [] for name in variants}
    names = list(variants)
    for number in range(rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            times[name].append(_seconds(variants[name], calls[name]))
    return [
        Result(
            name,
            statistics.median(times[name]) * 1e6,
            statistics.median(left / right for left, right in zip(times[base], times[name], strict=True)),
        )
        for name in names
    ]


def _calls_in(work: Work, seconds: float) -> int:
    """How many calls fill a turn; warms caches on the way."""
    calls = 1
    while True:
        taken = _seconds(work, calls) * calls
        if taken > seconds / 4:
            return max(1, int(calls * seconds / taken))
        calls *= 2


def _seconds(work: Work, calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        work()
    return (time.perf_counter() - start) / calls
