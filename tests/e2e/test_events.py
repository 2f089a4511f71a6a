# SPDX-License-Identifier: Apache-2.0
"""Events of a real service, as they arrive."""

import json
import re
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from redis import Redis

from e2e.conftest import Start
from e2e.events import read_audit, read_event
from e2e.hook import Hook, wait_until
from e2e.process import ALL, Client, ServiceProcess, environment, run
from redis_server import redis_server
from tessera_service.webhook import sign

pytestmark = pytest.mark.slow

SECRET = "0123456789abcdef0123456789abcdef"
ISSUED, REVOKED = "auth.token.issued.v1", "auth.token.revoked.v1"


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook() as running:
        yield running


def to_hook(hook: Hook) -> dict[str, str]:
    return {"EVENT_WEBHOOK_URL": hook.url, "EVENT_WEBHOOK_SECRET": SECRET, "WEBHOOK_TIMEOUT": "1s"}


def caller(service: ServiceProcess) -> Client:
    return Client(service, service.mint(*ALL))


def gauge(service: ServiceProcess, name: str, sink: str) -> float:
    text = httpx.get(f"{service.url}/metrics", timeout=10).text
    found = re.search(rf'^{name}{{sink="{sink}"}} (\S+)$', text, re.MULTILINE)
    assert found is not None, name
    return float(found[1])


def ids(service: ServiceProcess) -> list[str]:
    return [event.event_id for event in read_audit(service.data_dir)]


def test_a_session_is_told_from_its_beginning_to_its_end(start_service: Start, hook: Hook, tmp_path: Path) -> None:
    with redis_server(tmp_path / "redis") as server, Redis.from_url(server.url) as redis:
        service = start_service(EVENT_STREAM="events", REDIS_URL=server.url, **to_hook(hook))
        client = caller(service)
        issued = client.issue("alice")
        session, issuer = issued["session_id"], client.introspect(issued["access_token"])["iss"]
        assert client.revoke(session_id=session).status_code == 204
        expected = [f"{session}.issued", f"{session}.revoked"]
        hook.wait_for_confirmed(*expected)
        wait_until(lambda: ids(service) == expected)
        wait_until(lambda: redis.xlen("events") == 2)
        stream = [read_event(fields[b"event"]) for _, fields in redis.xrange("events")]

    audit = read_audit(service.data_dir)
    assert [post.told for post in hook.posts] == audit == stream
    assert [(event.type, event.subject) for event in audit] == [(ISSUED, session), (REVOKED, session)]
    assert audit[0].data["user_id"] == "alice"
    assert audit[0].data["tenant_id"] == "default"
    assert audit[1].data["revoked_by"] == "gateway"
    assert {json.loads(event.body)["source"] for event in audit} == {issuer}
    assert stat.S_IMODE((service.data_dir / "audit.jsonl").stat().st_mode) == 0o600
    for post in hook.posts:
        at = int(post.signature.split(",")[0].removeprefix("t="))
        assert post.signature == sign(post.told.body, secret=SECRET.encode(), at=at)
    everything = b"".join(event.body for event in audit)
    for secret in (issued["access_token"], issued["refresh_token"], client.bearer):
        assert all(part.encode() not in everything for part in secret.split("."))


def test_sinks_that_do_not_answer_hold_up_neither_requests_nor_each_other(start_service: Start, hook: Hook) -> None:
    nobody = "redis://127.0.0.1:1/0"
    service = start_service(EVENT_STREAM="events", REDIS_URL=nobody, **to_hook(hook))
    client = caller(service)
    hook.hold()
    sessions = [client.issue()["session_id"] for _ in range(20)]
    wait_until(lambda: ids(service) == [f"{session}.issued" for session in sessions])
    wait_until(lambda: gauge(service, "tessera_event_failures", "webhook") >= 1)
    wait_until(lambda: gauge(service, "tessera_event_failures", "redis_stream") >= 1)
    wait_until(lambda: gauge(service, "tessera_event_lag_rows", "webhook") == 20)
    assert gauge(service, "tessera_event_lag_seconds", "webhook") > 0
    wait_until(lambda: gauge(service, "tessera_event_lag_rows", "audit") == 0)
    assert client.issue()["session_id"]
    hook.let_go()
    hook.wait_for_confirmed(*(f"{session}.issued" for session in sessions))
    started = time.monotonic()
    assert service.stop() == 0
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("answer", [500, 302])
def test_what_was_refused_comes_again(start_service: Start, hook: Hook, answer: int) -> None:
    service = start_service(**to_hook(hook))
    client = caller(service)
    hook.status = answer
    session = client.issue()["session_id"]
    hook.wait_for(lambda hook: len(hook.posts) >= 3)
    hook.status = 204
    hook.wait_for_confirmed(f"{session}.issued")
    assert len({post.told.body for post in hook.posts}) == 1


def test_the_audit_log_goes_on_after_a_rename(start_service: Start) -> None:
    service = start_service()
    client = caller(service)
    first = client.issue()["session_id"]
    wait_until(lambda: len(ids(service)) == 1)
    (service.data_dir / "audit.jsonl").rename(service.data_dir / "audit.jsonl.1")
    second = client.issue()["session_id"]
    wait_until(lambda: ids(service) == [f"{second}.issued"])
    assert [event.subject for event in read_audit(service.data_dir, "audit.jsonl.1")] == [first]


def test_an_audit_log_that_cannot_be_written_is_seen_and_made_up_for(start_service: Start) -> None:
    service = start_service()
    client = caller(service)
    obstacle = service.data_dir / "audit.jsonl"
    obstacle.mkdir()
    sessions = [client.issue()["session_id"] for _ in range(3)]
    wait_until(lambda: gauge(service, "tessera_event_lag_rows", "audit") == 3)
    wait_until(lambda: gauge(service, "tessera_event_lag_seconds", "audit") > 1)
    assert client.introspect(client.issue()["access_token"])["active"] is True
    obstacle.rmdir()
    wait_until(lambda: len(ids(service)) == 4)
    assert ids(service)[:3] == [f"{session}.issued" for session in sessions]
    wait_until(lambda: gauge(service, "tessera_event_lag_rows", "audit") == 0)
    told = [event for event in service.events if event["event"] == "event_delivery_failed"]
    assert [(event["sink"], event["reason"]) for event in told] == [("audit", "Is a directory")]


def test_several_workers_deliver_each_event_once(start_service: Start, hook: Hook) -> None:
    # What is late is posted again, which is right, but not what this is about.
    service = start_service("--workers", "2", **to_hook(hook) | {"WEBHOOK_TIMEOUT": "10s"})
    client = caller(service)
    expected = [f"{client.issue()['session_id']}.issued" for _ in range(40)]
    hook.wait_for_confirmed(*expected)
    wait_until(lambda: len(ids(service)) >= 40)
    assert sorted(ids(service)) == sorted(expected)
    assert sorted(post.told.event_id for post in hook.posts) == sorted(expected)


def test_what_a_command_does_is_told_by_the_service(start_service: Start) -> None:
    service = start_service()
    created = service.command("access-keys", "create", "--tenant", "default", "--user", "alice", "--json")
    key = json.loads(created.stdout)
    answer = httpx.post(f"{service.url}/session-token/create", json=key, timeout=10)
    assert answer.status_code == 200
    done = service.command("access-keys", "disable", key["access_key_id"])
    assert done.returncode == 0, done.stderr
    wait_until(lambda: [event.type for event in read_audit(service.data_dir)] == [ISSUED, REVOKED])
    assert read_audit(service.data_dir)[1].data["revoked_reason"] == "access_key_disabled"


def test_without_the_audit_log_there_is_none_and_the_rest_is_delivered(start_service: Start, hook: Hook) -> None:
    service = start_service(AUDIT_LOG="false", **to_hook(hook))
    session = caller(service).issue()["session_id"]
    hook.wait_for_confirmed(f"{session}.issued")
    assert not (service.data_dir / "audit.jsonl").exists()


def test_what_was_left_at_the_stop_is_delivered_after_the_start(start_service: Start, hook: Hook) -> None:
    service = start_service(**to_hook(hook))
    client = caller(service)
    hook.status = 503
    session = client.issue()["session_id"]
    assert service.stop() == 0
    hook.status = 204
    service.start()
    hook.wait_for_confirmed(f"{session}.issued")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"EVENT_STREAM": "events"}, "EVENT_STREAM: needs REDIS_URL"),
        ({"EVENT_WEBHOOK_URL": "http://127.0.0.1:1/"}, "EVENT_WEBHOOK_URL: goes with EVENT_WEBHOOK_SECRET"),
        ({"EVENT_STREAM": "events", "REDIS_URL": "http://127.0.0.1"}, "REDIS_URL: is not a URL of Redis"),
        (
            {"EVENT_STREAM": "events", "REDIS_URL": "redis+cluster://127.0.0.1"},
            "REDIS_URL: EVENT_STREAM needs one server",
        ),
    ],
)
def test_a_sink_that_cannot_work_refuses_the_start(tmp_path: Path, settings: dict[str, str], says: str) -> None:
    done = run("serve", "--port", "0", "--data-dir", str(tmp_path / "data"), settings=settings)
    assert done.returncode != 0
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_stream_without_its_driver_refuses_the_start(tmp_path: Path) -> None:
    (tmp_path / "redis").mkdir()  # stands in front of the one that is installed, as if there were none
    (tmp_path / "redis" / "__init__.py").write_text("raise ModuleNotFoundError('No module named redis', name='redis')")
    path = ":".join([str(tmp_path), *filter(None, [environment().get("PYTHONPATH")])])
    settings = {"EVENT_STREAM": "events", "REDIS_URL": "redis://127.0.0.1:1/0", "PYTHONPATH": path}
    done = run("serve", "--port", "0", "--data-dir", str(tmp_path / "data"), settings=settings)
    assert done.returncode != 0
    assert "EVENT_STREAM: needs the extra redis: pip install 'tessera[redis]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1
