# SPDX-License-Identifier: Apache-2.0
"""Several services, each on a port of its own, over one data directory."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from e2e.process import ALL, Client, ServiceProcess

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def instances(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[ServiceProcess]]:
    """Two services that start at the same moment on nothing."""
    data_dir = tmp_path_factory.mktemp("installation") / "data"
    services = [ServiceProcess(tmp_path_factory.mktemp("instance"), data_dir=data_dir) for _ in range(2)]
    try:
        with ThreadPoolExecutor(2) as pool:
            yield list(pool.map(lambda service: service.start(), services))
    finally:
        for service in services:
            service.clean_up()


def test_instances_that_start_together_agree_on_keys_and_issuer(instances: list[ServiceProcess]) -> None:
    first, second = instances
    bearer = first.mint(*ALL)

    issued = [Client(service, bearer).issue("alice") for service in instances]

    told = [Client(first, bearer).introspect(one["access_token"]) for one in issued]
    told += [Client(second, bearer).introspect(one["access_token"]) for one in issued]
    assert all(one["active"] for one in told)
    assert len({one["iss"] for one in told}) == 1
    assert len({httpx.get(f"{one.url}/.well-known/jwks.json").content for one in instances}) == 1


def test_what_one_instance_revokes_the_other_refuses_within_a_second(instances: list[ServiceProcess]) -> None:
    first, second = instances
    bearer = first.mint(*ALL)
    here, there = Client(first, bearer), Client(second, bearer)
    issued = here.issue("bob")
    assert there.introspect(issued["access_token"])["active"] is True

    assert here.revoke(sub="bob").status_code == 204
    assert here.introspect(issued["access_token"]) == {"active": False}
    time.sleep(1)

    assert there.introspect(issued["access_token"]) == {"active": False}
    assert there.refresh(issued["refresh_token"]).status_code == 403


def test_a_refresh_token_is_spent_once_over_both(instances: list[ServiceProcess]) -> None:
    bearer = instances[0].mint(*ALL)
    clients = [Client(service, bearer) for service in instances]
    issued = clients[0].issue("carol")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda client: client.refresh(issued["refresh_token"]), clients * 8))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["data"]["refresh_token"] for answer in answers}) == 1
