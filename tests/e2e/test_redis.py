# SPDX-License-Identifier: Apache-2.0
"""Services whose sessions live in Redis, beside a directory in SQL."""

import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest
from redis import RedisCluster

from e2e.conftest import Start
from e2e.process import ALL, Client, run
from e2e.shared_stores import redis_settings
from redis_cluster import redis_cluster
from redis_server import RedisServer, fresh_database, redis_server

pytestmark = pytest.mark.slow


def test_another_directory_is_refused(start_service: Start, tmp_path: Path) -> None:
    settings = redis_settings(fresh_database())
    start_service(**settings)
    done = run("serve", "--port", "0", "--data-dir", str(tmp_path / "other"), settings=settings)
    assert done.returncode == 1
    messages = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert len(messages) == 1
    assert "another directory" in messages[0]


def test_a_redis_that_evicts_stops_the_start(tmp_path: Path) -> None:
    with redis_server(tmp_path / "redis") as server:
        server.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        done = run("serve", "--port", "0", "--data-dir", str(tmp_path / "data"), settings=redis_settings(server.url))
    assert done.returncode == 1
    assert "noeviction" in done.stderr


def test_a_redis_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    settings = redis_settings("redis://:canary-4711@127.0.0.1:1/0")
    done = run("serve", "--port", "0", "--data-dir", str(tmp_path / "data"), settings=settings)
    assert done.returncode == 1
    assert "canary" not in done.stderr + done.stdout


def test_a_cluster_keeps_sessions_and_marks_what_is_revoked(start_service: Start, tmp_path: Path) -> None:
    with redis_cluster(tmp_path / "cluster") as nodes:
        url = "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in nodes)
        service = start_service(**redis_settings(url))
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
        service = start_service(**redis_settings(server.url))
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
