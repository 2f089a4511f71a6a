# SPDX-License-Identifier: Apache-2.0
"""Services whose sessions live in Redis, beside a directory in SQL."""

import base64
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from redis import RedisCluster

from e2e.conftest import Start
from e2e.process import ALL, Client, ServiceProcess, run
from redis_cluster import redis_cluster
from redis_server import RedisServer, fresh_database, redis_server

pytestmark = pytest.mark.slow

PARTITIONS = "4"


def settings_of(url: str) -> dict[str, str]:
    return {"SESSION_STORAGE_TYPE": "redis", "REDIS_URL": url, "REDIS_PARTITIONS": PARTITIONS}


@pytest.fixture(scope="module")
def instances(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[ServiceProcess]]:
    """Two services that start at the same moment on nothing."""
    data_dir, settings = tmp_path_factory.mktemp("installation") / "data", settings_of(fresh_database())
    services = [
        ServiceProcess(tmp_path_factory.mktemp("instance"), data_dir=data_dir, settings=settings) for _ in range(2)
    ]
    try:
        with ThreadPoolExecutor(2) as pool:
            yield list(pool.map(lambda service: service.start(), services))
    finally:
        for service in services:
            service.clean_up()


def test_what_one_instance_revokes_the_other_refuses_within_a_second(instances: list[ServiceProcess]) -> None:
    first, second = instances
    bearer = first.mint(*ALL)
    here, there = Client(first, bearer), Client(second, bearer)
    subjects = [f"user-{number}" for number in range(12)]  # in every partition
    issued = [here.issue(subject) for subject in subjects]
    assert all(there.introspect(one["access_token"])["active"] for one in issued)

    for number, (subject, one) in enumerate(zip(subjects, issued, strict=True)):
        body = {"sub": subject} if number % 2 else {"token": one["access_token"]}
        assert here.revoke(**body).status_code == 204
    time.sleep(1)

    assert [there.introspect(one["access_token"]) for one in issued] == [{"active": False}] * 12


def test_a_refresh_token_is_spent_once_over_both(instances: list[ServiceProcess]) -> None:
    bearer = instances[0].mint(*ALL)
    clients = [Client(service, bearer) for service in instances]
    issued = clients[0].issue("carol")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda client: client.refresh(issued["refresh_token"]), clients * 8))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["data"]["refresh_token"] for answer in answers}) == 1


def test_what_the_directory_revokes_counts_beside_sessions_elsewhere(instances: list[ServiceProcess]) -> None:
    """Two logs are followed: a service token is the directory's."""
    first, second = instances
    bearer = first.mint(*ALL)
    reader = Client(second, bearer)
    issued = reader.issue("dave")
    listed = first.command("tokens", "list", "--json")
    jti = next(token["jti"] for token in json.loads(listed.stdout))
    assert first.command("tokens", "revoke", jti).returncode == 0
    time.sleep(1)
    assert reader.post("/v1/token/introspect", {"token": issued["access_token"]}).status_code == 401


def test_events_of_both_outboxes_are_delivered(instances: list[ServiceProcess]) -> None:
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


def test_another_directory_is_refused(start_service: Start, tmp_path: Path) -> None:
    settings = settings_of(fresh_database())
    start_service(**settings)
    done = run("serve", "--port", "0", "--data-dir", str(tmp_path / "other"), settings=settings)
    assert done.returncode == 1
    messages = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert len(messages) == 1
    assert "another directory" in messages[0]


def test_a_redis_that_evicts_stops_the_start(tmp_path: Path) -> None:
    with redis_server(tmp_path / "redis") as server:
        server.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        done = run("serve", "--port", "0", "--data-dir", str(tmp_path / "data"), settings=settings_of(server.url))
    assert done.returncode == 1
    assert "noeviction" in done.stderr


def test_a_redis_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    settings = settings_of("redis://:canary-4711@127.0.0.1:1/0")
    done = run("serve", "--port", "0", "--data-dir", str(tmp_path / "data"), settings=settings)
    assert done.returncode == 1
    assert "canary" not in done.stderr + done.stdout


def test_a_cluster_keeps_sessions_and_marks_what_is_revoked(start_service: Start, tmp_path: Path) -> None:
    with redis_cluster(tmp_path / "cluster") as nodes:
        url = "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in nodes)
        service = start_service(**settings_of(url))
        client = Client(service, service.mint(*ALL))
        issued = [client.issue(f"user-{number}") for number in range(12)]
        assert all(client.introspect(one["access_token"])["active"] for one in issued)
        with RedisCluster(host="127.0.0.1", port=nodes[0].port, decode_responses=True) as reader:
            for number, one in enumerate(issued[:6]):
                assert client.revoke(sub=f"user-{number}").status_code == 204
                for token in (one["access_token"], one["refresh_token"]):
                    assert reader.get(f"revoked:{claims_of(token)['jti']}") == "1"
        told = [client.introspect(one["access_token"])["active"] for one in issued]
        assert told == [False] * 6 + [True] * 6


def claims_of(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def test_a_redis_that_restarts_is_503_and_then_good_again(start_service: Start, tmp_path: Path) -> None:
    options = ("--appendonly", "yes", "--appendfsync", "always")
    with redis_server(tmp_path / "redis", *options) as server:
        service = start_service(**settings_of(server.url))
        client = Client(service, service.mint(*ALL))
        kept, ended = client.issue("alice"), client.issue("bob")
        assert client.revoke(sub="bob").status_code == 204
        server.stop()
        assert client.post("/v1/token", {"sub": "carol"}).status_code == 503
        assert client.revoke(sub="alice").status_code == 503
        server.start()
        _wait_for(client, kept["access_token"], server)
        assert client.introspect(ended["access_token"]) == {"active": False}
        assert client.refresh(kept["refresh_token"]).status_code == 200


def _wait_for(client: Client, token: str, server: RedisServer) -> None:
    """Until the token is called active again."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        answer = client.post("/v1/token/introspect", {"token": token})
        assert answer.status_code in (200, 503), answer.text
        if answer.status_code == 200 and answer.json()["active"]:
            return
        time.sleep(0.05)
    raise AssertionError(f"not active 5 s after {server.url} was back")
