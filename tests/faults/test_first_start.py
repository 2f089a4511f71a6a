# SPDX-License-Identifier: Apache-2.0
"""Instances that all start for the first time, at once, on an empty database: four always, twenty with
TESSERA_FAULTS=1. One of them makes the tables, one the signing key, and all know it."""

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import httpx
import pytest

from e2e.process import ALL, Client, ServiceProcess
from figures import Tell
from postgres import postgres_server

pytestmark = pytest.mark.slow

INSTANCES: Final = 20 if os.environ.get("TESSERA_FAULTS") == "1" else 4
SETTINGS: Final = {"RATE_LIMIT": "off", "ISSUER": "https://issuer.example"}


@pytest.fixture(params=["sqlite", "postgresql"])
def instances(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sequence[ServiceProcess]]:
    """Over one data directory, or over PostgreSQL with a data directory for each."""
    with contextlib.ExitStack() as stack:
        settings = dict(SETTINGS)
        if request.param == "postgresql":
            url = stack.enter_context(postgres_server().database())
            settings |= {"DATABASE_URL": url, "TESSERA_MASTER_KEY": bytes(range(32)).hex()}
        services = []
        for number in range(INSTANCES):
            folder = tmp_path / str(number)
            folder.mkdir()
            data_dir = tmp_path / "data" if request.param == "sqlite" else folder / "data"
            service = ServiceProcess(folder, settings=settings, data_dir=data_dir)
            stack.callback(service.clean_up)
            services.append(service)
        with ThreadPoolExecutor(INSTANCES) as pool:
            list(pool.map(lambda service: service.start(), services))
        yield services


def test_instances_that_start_at_once_on_nothing_make_one_key(instances: Sequence[ServiceProcess], tell: Tell) -> None:
    published = [httpx.get(f"{service.url}/.well-known/jwks.json").json()["keys"] for service in instances]
    listed = json.loads(instances[0].command("keys", "list", "--json").stdout)
    made = [event for service in instances for event in service.events if event["event"] == "signing_key_added"]
    tell(f"{INSTANCES} first starts at once: {len(listed)} keys in the database, {len(made)} times told")

    assert len(listed) == len(made) == 1
    assert [[key["kid"] for key in keys] for keys in published] == [[listed[0]["kid"]]] * INSTANCES
    bearer = instances[0].mint(*ALL)
    token = Client(instances[0], bearer).issue()["access_token"]
    assert all(Client(service, bearer).introspect(token)["active"] for service in instances)
