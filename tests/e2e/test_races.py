# SPDX-License-Identifier: Apache-2.0
"""Races over HTTP: one process with sessions in memory, two that share a data directory, and two instances over
PostgreSQL, with their sessions there or in Redis. A few rounds always, all of them with TESSERA_FAULTS=1.
`test_broken_steps.py` shows that each finds the step that it is about."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from e2e.process import ServiceProcess
from e2e.races import (
    Callers,
    Tally,
    callers_of,
    race_creations,
    race_refreshes,
    race_reuse,
    race_revocations,
    race_slides,
)
from e2e.shared_stores import SHARED_STORES, shared_stores
from figures import Tell

pytestmark = pytest.mark.slow

ALL_ROUNDS = os.environ.get("TESSERA_FAULTS") == "1"
SETTINGS = {"RATE_LIMIT": "off", "ISSUER": "https://issuer.example", "REFRESH_REUSE_GRACE": "30s"}
STORES = ("memory", "two processes", *SHARED_STORES)
BOUND_SECONDS = 3600 if ALL_ROUNDS else 300  # for a machine that does ten other things


def rounds(*, some: int, full: int) -> int:
    """How many rounds this run does."""
    return full if ALL_ROUNDS else some


def start(folder: Path, store: str, **settings: str) -> Iterator[list[ServiceProcess]]:
    """One process that keeps sessions in memory, two on one data directory, or two instances on stores that they
    share."""
    with contextlib.ExitStack() as stack:
        given = SETTINGS | settings
        if store == "memory":
            given |= {"SESSION_STORAGE_TYPE": "memory"}
        elif store in SHARED_STORES:
            given |= stack.enter_context(shared_stores(store, folder))
        services = []
        for name in ("one",) if store == "memory" else ("one", "two"):
            (folder / name).mkdir()
            data_dir = folder / name / "data" if store in SHARED_STORES else folder / "data"
            service = ServiceProcess(folder / name, data_dir=data_dir, settings=given)
            stack.callback(service.clean_up)
            services.append(service.start())
        yield services


@pytest.fixture(scope="module", params=STORES)
def services(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[ServiceProcess]]:
    yield from start(tmp_path_factory.mktemp("races"), request.param)


@pytest.fixture(scope="module", params=STORES)
def hasty(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[ServiceProcess]]:
    """The same with a grace of one second."""
    yield from start(tmp_path_factory.mktemp("hasty"), request.param, REFRESH_REUSE_GRACE="1s")


def run(services: list[ServiceProcess], race: Callable[[Callers], Awaitable[None]], tell: Tell) -> Tally:
    """The race, and what it counted."""
    tally = Tally()

    async def go() -> None:
        async with asyncio.timeout(BOUND_SECONDS), callers_of(services, tally) as callers:
            await race(callers)

    asyncio.run(go())
    tell(str(tally))
    assert not tally.violations, str(tally)
    return tally


def test_fifty_refreshes_of_one_token_get_one_successor(services: list[ServiceProcess], tell: Tell) -> None:
    wanted = rounds(some=5, full=500 if "DATABASE_URL" in services[0].settings else 1000)
    tally = run(services, lambda callers: race_refreshes(callers, wanted), tell)
    assert tally.counted["successors"] == wanted
    assert tally.counted["refreshes answered 200"] == wanted * 50


def test_a_replay_after_the_grace_ends_the_family(hasty: list[ServiceProcess], tell: Tell) -> None:
    tally = run(hasty, lambda callers: race_reuse(callers, rounds(some=1, full=20), grace_seconds=1), tell)
    assert tally.counted["replays answered 403"] == tally.rounds * 50


def test_nothing_that_a_refresh_made_survives_a_revocation(services: list[ServiceProcess], tell: Tell) -> None:
    tally = run(services, lambda callers: race_revocations(callers, rounds(some=4, full=200)), tell)
    assert tally.counted["pairs born"] >= tally.rounds // 2  # the revocations did meet refreshes


def test_fifty_creations_never_leave_more_than_the_limit(services: list[ServiceProcess], tell: Tell) -> None:
    tally = run(services, lambda callers: race_creations(callers, rounds(some=2, full=100)), tell)
    assert tally.counted["created"] == tally.rounds * 50
    assert tally.counted["lists read"] > 4 * tally.rounds  # also while they ran


def test_fifty_validations_near_the_end_get_one_successor(services: list[ServiceProcess], tell: Tell) -> None:
    wanted = rounds(some=2, full=100)
    tally = run(services, lambda callers: race_slides(callers, wanted), tell)
    assert tally.counted["successors"] == wanted
