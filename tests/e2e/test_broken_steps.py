# SPDX-License-Identifier: Apache-2.0
"""Races that find nothing have to be able to find something: the same races against a service of which one atomic step
was taken apart into reading and writing."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from e2e.process import ServiceProcess
from e2e.races import Callers, Tally, callers_of, race_creations, race_refreshes, race_revocations, race_slides

pytestmark = pytest.mark.slow

PROGRAM = Path(__file__).with_name("broken_service.py")
SETTINGS = {"RATE_LIMIT": "off", "ISSUER": "https://issuer.example", "REFRESH_REUSE_GRACE": "30s"}
ROUNDS = 20  # at most: the first violation is enough

Race = Callable[[Callers, int], Awaitable[None]]


def run(folder: Path, broken: str, race: Race, *, processes: int, **settings: str) -> Tally:
    """Round after round until there is a violation."""
    tally = Tally()
    services: list[ServiceProcess] = []

    async def go() -> None:
        async with asyncio.timeout(240), callers_of(services, tally) as callers:
            while not tally.violations and tally.rounds < ROUNDS:
                await race(callers, 1)

    try:
        for number in range(processes):
            (folder / str(number)).mkdir()
            program = (str(PROGRAM), "--broken", broken)
            given = SETTINGS | settings
            service = ServiceProcess(folder / str(number), data_dir=folder / "data", settings=given, program=program)
            services.append(service)
            service.start()
        asyncio.run(go())
    finally:
        for service in services:
            service.clean_up()
    print(broken, processes, tally)
    return tally


@pytest.mark.parametrize(
    ("broken", "race", "found"),
    [
        ("rotate", race_refreshes, r" [2-9]\d* successors"),
        ("slide", race_slides, r" [2-9]\d* successors"),
        ("create_limited", race_creations, "sessions listed"),
        ("revoke_session", race_revocations, "lives"),
    ],
)
def test_the_race_finds_a_step_taken_apart_in_two_processes(
    tmp_path: Path, broken: str, race: Race, found: str
) -> None:
    tally = run(tmp_path, broken, race, processes=2)
    assert any(re.search(found, violation) for violation in tally.violations), str(tally)


@pytest.mark.parametrize(
    ("broken", "race", "found"),
    [
        ("rotate", race_refreshes, r" [2-9]\d* successors"),
        ("create_limited", race_creations, "sessions listed"),
        ("revoke_session", race_revocations, "lives"),
    ],  # sliding: one process asks its store once for all who come at the same time
)
def test_the_race_finds_a_step_taken_apart_in_memory(tmp_path: Path, broken: str, race: Race, found: str) -> None:
    tally = run(tmp_path, broken, race, processes=1, SESSION_STORAGE_TYPE="memory")
    assert any(re.search(found, violation) for violation in tally.violations), str(tally)
