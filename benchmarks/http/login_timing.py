# SPDX-License-Identifier: Apache-2.0
"""Does the time of a refused sign-in tell why it was refused? Unknown user, wrong password and a user that an operator
locked, one after another in turns, over HTTP inside one process with SQLite; beside them the same cause twice (A/A).

    python benchmarks/http/login_timing.py [--count 2000]

Each try has an address of its own, so that nothing is locked out. A pair of causes is alike when the 95 % interval of
the median of their paired differences holds 0, or is no further from it than the interval of A/A."""

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from tessera_service.app import create_app
from tessera_service.engine import Engine, NewUser
from tessera_service.logs import configure_logs
from tessera_service.settings import Settings

CAUSES = ("unknown", "wrong", "locked", "wrong again")
TENANT = "default"
PASSWORD = "correct horse battery"
RESAMPLES = 2000


async def prepare(engine: Engine, count: int) -> None:
    """Users of whom none is tried so often that its account is locked out."""
    for number in range(users_for(count)):
        for kind in ("wrong", "locked", "again"):
            user = await engine.users.add(NewUser(TENANT, username=f"{kind}-{number:05}", password=PASSWORD))
            if kind == "locked":
                await engine.users.lock(TENANT, user.user_id)


def users_for(count: int) -> int:
    return count // 50 + 1


def addresses() -> Iterator[str]:
    for number in range(1 << 24):
        yield f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"


async def attempt(client: httpx.AsyncClient, cause: str, turn: int, users: int, address: str) -> int:
    kind = {"unknown": "other", "wrong again": "again"}.get(cause, cause)
    password = PASSWORD if cause == "locked" else "incorrect donkey cell"
    body = {"grant_type": "password", "username": f"{kind}-{turn % users:05}", "password": password}
    headers = {"x-tenant-id": TENANT, "x-request-id": "timing", "x-forwarded-for": address}
    started = time.perf_counter_ns()
    answer = await client.post("/v1/token", json=body, headers=headers)
    taken = time.perf_counter_ns() - started
    if answer.status_code != 401 or "lockout_duration" in answer.text:
        sys.exit(f"{cause}: {answer.status_code} {answer.text}")
    return taken


async def measure(count: int) -> dict[str, list[int]]:
    taken: dict[str, list[int]] = {cause: [] for cause in CAUSES}
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Settings(data_dir=Path(folder), rate_limit="off", trusted_proxies="127.0.0.1"))
        engine: Engine = app.state.engine
        await engine.start()
        try:
            await prepare(engine, count)
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://service.example") as client:
                where, order = addresses(), list(CAUSES)
                for turn in range(-20, count):  # the first ones warm up
                    random.shuffle(order)
                    for cause in order:
                        nanoseconds = await attempt(client, cause, turn % count, users_for(count), next(where))
                        if turn >= 0:
                            taken[cause].append(nanoseconds)
        finally:
            await engine.stop()
    return taken


def interval(differences: list[int]) -> tuple[float, float]:
    """The 95 % interval of their median in microseconds, by resampling."""
    chosen = random.Random(1)
    medians = sorted(
        statistics.median(chosen.choices(differences, k=len(differences))) / 1000 for _ in range(RESAMPLES)
    )
    return medians[int(0.025 * RESAMPLES)], medians[int(0.975 * RESAMPLES)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=2000, help="tries of each cause [2000]")
    count = parser.parse_args().count
    configure_logs("error")
    taken = asyncio.run(measure(count))
    for cause in CAUSES:
        print(f"{cause:12} median {statistics.median(taken[cause]) / 1e6:.3f} ms")
    pairs = [("wrong again", "wrong"), ("unknown", "wrong"), ("locked", "wrong"), ("unknown", "locked")]
    widest, failed = 0.0, False
    for number, (one, other) in enumerate(pairs):
        low, high = interval([a - b for a, b in zip(taken[one], taken[other], strict=True)])
        if number == 0:
            widest = max(abs(low), abs(high))
        alike = low <= 0 <= high or max(abs(low), abs(high)) <= widest
        failed = failed or not alike
        print(
            f"{one} - {other}: {low:+.1f} to {high:+.1f} us  {'A/A' if number == 0 else 'alike' if alike else 'TELLS'}"
        )
    sys.exit(failed)


if __name__ == "__main__":
    main()
