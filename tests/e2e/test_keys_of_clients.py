# SPDX-License-Identifier: Apache-2.0
"""Access keys and gateway keys by command beside a running service: what is made works at once, what is ended is
refused within a second."""

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from e2e.conftest import Start
from e2e.process import ServiceProcess, run

pytestmark = pytest.mark.slow


def make(service: ServiceProcess, *arguments: str) -> dict[str, str]:
    done = service.command("access-keys", "create", "--tenant", "default", "--user", "alice", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    key: dict[str, str] = json.loads(done.stdout)
    return key


def call(service: ServiceProcess, operation: str, body: dict[str, Any], method: str = "POST") -> httpx.Response:
    return httpx.request(method, f"{service.url}/session-token/{operation}", json=body, timeout=10)


def open_token(service: ServiceProcess, key: dict[str, str]) -> str:
    answer = call(service, "create", {**key, "duration_seconds": 3600})
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["session_token"]["token"]
    return token


def validate(service: ServiceProcess, token: str, resource: str = "doc456") -> tuple[bool, bool]:
    body = {"session_token": token, "resource": resource, "permission": "view"}
    said = call(service, "validate", body).json()
    return said["is_valid"], said["has_permission"]


def test_a_key_is_shown_once_as_json_and_opens_tokens_at_once(service: ServiceProcess) -> None:
    key = make(service, "--grant", "doc*:view", "--grant", "urn:a:b:view")
    assert set(key) == {"access_key_id", "secret_access_key"}
    assert (len(key["access_key_id"]), len(key["secret_access_key"])) == (20, 40)
    token = open_token(service, key)
    resources = ("doc456", "doc/a", "urn:a:b", "urn:a", "img")
    assert [validate(service, token, name)[1] for name in resources] == [True, True, True, False, False]
    listed = service.command("access-keys", "list")
    assert key["access_key_id"] in listed.stdout
    assert key["secret_access_key"] not in listed.stdout + service.command("access-keys", "list", "--json").stdout


def test_results_alone_are_on_standard_output(service: ServiceProcess) -> None:
    done = service.command("access-keys", "create", "--tenant", "default", "--user", "bob")
    head, row = done.stdout.splitlines()
    key_id, secret = row.split()
    assert (head.split()[:1], len(key_id), len(secret)) == (["ACCESS"], 20, 40)
    assert "shown this once" in done.stderr
    disabled = service.command("access-keys", "disable", key_id)
    assert (disabled.returncode, disabled.stdout, disabled.stderr) == (0, "", f"disabled {key_id}\n")


def test_disabling_a_key_ends_its_tokens_within_a_second_and_its_sessions_too(service: ServiceProcess) -> None:
    key = make(service, "--grant", "*:*")
    token = open_token(service, key)
    assert validate(service, token) == (True, True)

    done = service.command("access-keys", "disable", key["access_key_id"], "--json")
    time.sleep(1)

    assert json.loads(done.stdout) == {"access_key_id": key["access_key_id"], "disabled": True}
    assert validate(service, token) == (False, False)
    assert call(service, "create", key).status_code == 401
    assert call(service, "revoke", {"session_token": token}, "DELETE").status_code == 200
    (listed,) = [
        one
        for one in json.loads(service.command("access-keys", "list", "--json").stdout)
        if one["access_key_id"] == key["access_key_id"]
    ]
    assert listed["status"] == "disabled"


def test_rotating_a_key_changes_its_secret_and_nothing_else(service: ServiceProcess) -> None:
    key = make(service, "--grant", "doc*:view")
    token = open_token(service, key)

    rotated = json.loads(service.command("access-keys", "rotate", key["access_key_id"], "--json").stdout)

    assert rotated["access_key_id"] == key["access_key_id"]
    assert call(service, "create", key).status_code == 401
    assert validate(service, open_token(service, rotated)) == (True, True)
    assert validate(service, token) == (True, True)


def test_sessions_in_the_memory_of_the_service_end_with_their_key_too(start_service: Start) -> None:
    service = start_service(SESSION_STORAGE_TYPE="memory")
    key = make(service, "--grant", "*:*")
    token = open_token(service, key)

    service.command("access-keys", "disable", key["access_key_id"])
    time.sleep(1)

    assert validate(service, token) == (False, False)
    assert any(event["event"] == "sessions_of_access_key_ended" for event in service.events)


def test_another_worker_learns_of_all_of_it(start_service: Start) -> None:
    service = start_service("--workers", "2")
    key = make(service, "--grant", "*:*")
    token = open_token(service, key)
    assert {validate(service, token) for _ in range(20)} == {(True, True)}

    service.command("access-keys", "disable", key["access_key_id"])
    time.sleep(1)

    assert {validate(service, token) for _ in range(20)} == {(False, False)}


def test_gateway_keys_are_printed_alone_listed_and_disabled(service: ServiceProcess) -> None:
    made = service.command("gateway-keys", "create", "--tenant", "default")
    key = made.stdout.removesuffix("\n")
    key_id, _, secret = key.partition(".")
    assert (made.returncode, len(key_id), len(secret)) == (0, 20, 40)
    as_json = json.loads(service.command("gateway-keys", "create", "--tenant", "default", "--json").stdout)
    assert as_json["gateway_key"].startswith(as_json["key_id"] + ".")

    assert service.command("gateway-keys", "disable", key_id).returncode == 0

    listed = service.command("gateway-keys", "list", "--tenant", "default", "--json").stdout
    statuses = {one["key_id"]: one["status"] for one in json.loads(listed)}
    assert (statuses[key_id], statuses[as_json["key_id"]]) == ("disabled", "active")
    assert secret not in listed


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("access-keys", "create", "--tenant", "nowhere", "--user", "a"), 1, "no tenant has that id"),
        (("access-keys", "create", "--tenant", "default", "--user", "a b"), 1, "--user"),
        (("access-keys", "create", "--tenant", "default", "--user", "a", "--grant", "doc"), 2, "RESOURCE:PERMISSION"),
        (("access-keys", "create", "--tenant", "default", "--user", "a", "--grant", ":view"), 1, "--grant"),
        (("access-keys", "create", "--tenant", "default"), 2, "--user"),
        (("access-keys", "disable", "TSRAAAAAAAAAAAAAAAAA"), 1, "no access key has that id"),
        (("access-keys", "rotate", "TSRAAAAAAAAAAAAAAAAA"), 1, "no access key has that id"),
        (("gateway-keys", "create", "--tenant", "nowhere"), 1, "no tenant has that id"),
        (("gateway-keys", "disable", "TSRAAAAAAAAAAAAAAAAA"), 1, "no gateway key has that id"),
    ],
)
def test_what_is_refused_prints_no_result_and_says_why(
    service: ServiceProcess, arguments: tuple[str, ...], status: int, said: str
) -> None:
    done = service.command(*arguments)
    assert (done.returncode, done.stdout) == (status, "")
    assert said in done.stderr


def test_on_a_fresh_data_directory_they_work_before_any_service_ran(tmp_path: Path) -> None:
    arguments = ("--tenant", "default", "--user", "alice", "--json", "--data-dir", str(tmp_path))
    key = json.loads(run("access-keys", "create", *arguments).stdout)
    service = ServiceProcess(tmp_path, data_dir=tmp_path)
    try:
        service.start()
        assert call(service, "create", key).status_code == 200
    finally:
        service.clean_up()
    database = b"".join(path.read_bytes() for path in tmp_path.glob("tessera.db*"))
    assert key["access_key_id"].encode() in database
    assert key["secret_access_key"].encode() not in database
    assert key["secret_access_key"] not in service.log_text
