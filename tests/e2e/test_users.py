# SPDX-License-Identifier: Apache-2.0
"""Users by command beside a running service: who is added signs in at once, who is locked is out within a second."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from e2e.conftest import Start
from e2e.process import Client, ServiceProcess, environment

pytestmark = pytest.mark.slow

PASSWORD = "canary horse battery"
WORKERS = ((), ("--workers", "2"))


def users(service: ServiceProcess, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """A command beside the service, with what it reads."""
    command = [sys.executable, "-m", "tessera_service", "users", *arguments, "--data-dir", str(service.data_dir)]
    return subprocess.run(
        command, input=given, capture_output=True, text=True, env=environment(), timeout=60, check=False
    )


def add(service: ServiceProcess, username: str, *arguments: str) -> str:
    done = users(
        service,
        *("add", "--tenant", "default", "--username", username, "--password-stdin", *arguments),
        given=PASSWORD + "\n",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def sign_in(service: ServiceProcess, username: str, password: str = PASSWORD) -> httpx.Response:
    headers = {"x-tenant-id": "default", "x-request-id": "e2e-1"}
    body = {"grant_type": "password", "username": username, "password": password}
    return httpx.post(service.url + "/v1/token", json=body, headers=headers, timeout=10)


def pair_of(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    pair: dict[str, Any] = answer.json()["data"]
    return pair


@pytest.mark.parametrize("arguments", WORKERS, ids=["one process", "two workers"])
def test_a_user_signs_in_at_once_and_is_out_within_a_second_of_being_locked(
    start_service: Start, arguments: tuple[str, ...]
) -> None:
    service = start_service(*arguments)
    client = Client(service, service.mint("token.introspect"))
    user_id = add(service, "alice", "--permission", "doc.read")
    pair = pair_of(sign_in(service, "alice"))
    assert {client.introspect(pair["access_token"])["sub"] for _ in range(8)} == {user_id}

    users(service, "set", "alice", "--permission", "doc.write")
    time.sleep(1)
    assert {tuple(client.introspect(pair["access_token"])["permissions"]) for _ in range(8)} == {("doc.write",)}

    users(service, "lock", "alice")
    time.sleep(1)
    assert {client.introspect(pair["access_token"])["active"] for _ in range(8)} == {False}
    assert sign_in(service, "alice").status_code == 401
    assert client.refresh(pair["refresh_token"]).status_code == 403

    users(service, "unlock", "alice")
    assert client.introspect(pair["access_token"]) == {"active": False}
    assert client.introspect(pair_of(sign_in(service, "alice"))["access_token"])["active"] is True


def test_the_password_is_in_no_file_and_no_log(start_service: Start) -> None:
    service = start_service(LOG_LEVEL="debug")
    add(service, "alice")
    sign_in(service, "alice")
    sign_in(service, "alice", PASSWORD + "!")
    sign_in(service, PASSWORD)
    assert service.stop() == 0
    written = service.log_text + service.output_text
    assert PASSWORD not in written
    for path in service.data_dir.rglob("*"):
        assert not path.is_file() or PASSWORD.encode() not in path.read_bytes(), path.name


def test_a_deleted_user_is_gone_from_the_data_directory(start_service: Start) -> None:
    service = start_service()
    user_id = add(service, "alice", "--email", "alice.canary@example.com")
    pair = pair_of(sign_in(service, "alice"))
    assert users(service, "delete", user_id).returncode == 0
    time.sleep(1)
    client = Client(service, service.mint("token.introspect"))
    assert client.introspect(pair["access_token"]) == {"active": False}
    assert json.loads(users(service, "list", "--json").stdout) == []


def test_development_makes_a_demo_once_whose_lines_work_as_pasted(start_service: Start, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed: the printed lines need it")
    service = start_service("--dev")
    done = subprocess.run(
        ["bash", "-eu"],
        input=service.output_text,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment(),
        timeout=60,
    )
    assert done.stderr == ""
    signed_in, exchanged = done.stdout.splitlines()
    assert json.loads(signed_in)["data"]["token_type"] == "Bearer"
    assert json.loads(exchanged)["status"] == "success"

    assert service.stop() == 0
    first = service.output_text
    service.start()
    assert service.output_text == first
