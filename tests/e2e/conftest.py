# SPDX-License-Identifier: Apache-2.0
"""Services of their own for each test; none outlives it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from e2e.process import ALL, Client, ServiceProcess

Start = Callable[..., ServiceProcess]


@pytest.fixture
def start_service(tmp_path: Path) -> Iterator[Start]:
    """Starts `tessera serve` with arguments and settings; ends it with the test. `data_dir`: one that it makes."""
    started: list[ServiceProcess] = []

    def start(*arguments: str, data_dir: Path | None = None, **settings: str) -> ServiceProcess:
        folder = tmp_path / f"service-{len(started)}"
        folder.mkdir()
        service = ServiceProcess(folder, *arguments, settings=settings, data_dir=data_dir)
        started.append(service)
        return service.start()

    yield start
    for service in started:
        service.clean_up()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """One service that the tests of a file share."""
    running = ServiceProcess(tmp_path_factory.mktemp("service"))
    try:
        yield running.start()
    finally:
        running.clean_up()


@pytest.fixture(scope="module")
def client(service: ServiceProcess) -> Client:
    """A caller of the shared service with every permission of the token surface."""
    return Client(service, service.mint(*ALL))
