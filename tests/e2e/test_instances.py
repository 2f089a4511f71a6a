# SPDX-License-Identifier: Apache-2.0
"""Several services, each on a port of its own, over one data directory."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from e2e.process import ALL, Client, ServiceProcess
from e2e.shared_stores import PARTITIONS, redis_settings
from redis_server import fresh_database

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["sqlite", "redis"])
def instances(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[ServiceProcess]]:
    """Two services that start at the same moment on nothing: their sessions in the directory, or beside it in Redis."""
    settings = redis_settings(fresh_database()) if request.param == "redis" else {}
    data_dir = tmp_path_factory.mktemp("installation") / "data"
    services = [
        ServiceProcess(tmp_path_factory.mktemp("instance"), data_dir=data_dir, settings=settings) for _ in range(2)
    ]
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
    subjects = [f"user-{number}" for number in range(3 * PARTITIONS)]  # in every partition
    issued = [here.issue(subject) for subject in subjects]
    assert all(there.introspect(one["access_token"])["active"] for one in issued)

    for number, (subject, one) in enumerate(zip(subjects, issued, strict=True)):
        body = {"sub": subject} if number % 2 else {"token": one["access_token"]}
        assert here.revoke(**body).status_code == 204
        assert here.introspect(one["access_token"]) == {"active": False}
    time.sleep(1)

    assert [there.introspect(one["access_token"]) for one in issued] == [{"active": False}] * len(issued)
    assert there.refresh(issued[1]["refresh_token"]).status_code == 403


def test_a_refresh_token_is_spent_once_over_both(instances: list[ServiceProcess]) -> None:
    bearer = instances[0].mint(*ALL)
    clients = [Client(service, bearer) for service in instances]
    issued = clients[0].issue("carol")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda client: client.refresh(issued["refresh_token"]), clients * 8))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["data"]["refresh_token"] for answer in answers}) == 1


def test_what_the_directory_revokes_counts_beside_sessions_elsewhere(instances: list[ServiceProcess]) -> None:
    """A service token is the directory's: where sessions are elsewhere, two logs are followed."""
    first, second = instances
    bearer = first.mint(*ALL)
    reader = Client(second, bearer)
    issued = reader.issue("dave")
    listed = first.command("tokens", "list", "--json")
    jti = next(token["jti"] for token in json.loads(listed.stdout))
    assert first.command("tokens", "revoke", jti).returncode == 0
    time.sleep(1)
    assert reader.post("/v1/token/introspect", {"token": issued["access_token"]}).status_code == 401


def test_events_of_sessions_and_of_users_are_delivered(instances: list[ServiceProcess]) -> None:
    first, _ = instances
    client = Client(first, first.mint(*ALL))
    client.issue("erin")
    added = first.command("users", "add", "--tenant", "default", "--username", "frank")
    assert added.returncode == 0, added.stderr
    deadline = time.monotonic() + 10
    wanted = {"auth.token.issued.v1", "user.sync.triggered.v1"}
    while time.monotonic() < deadline:
        lines = (first.data_dir / "audit.jsonl").read_text().splitlines()
        if wanted <= {json.loads(line)["type"] for line in lines}:
            return
        time.sleep(0.1)
    raise AssertionError("an outbox is not delivered")
