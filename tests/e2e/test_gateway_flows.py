# SPDX-License-Identifier: Apache-2.0
"""The three flows that gateways were documented to go, word for word, with Node's fetch."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from e2e.conftest import Start
from e2e.process import ServiceProcess

pytestmark = pytest.mark.slow

DOCUMENTED = "http://localhost:8081"

LOGIN = """\
const sessionResponse = await fetch('http://localhost:8081/api/v1/sessions', {
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify({
    user_id: userProfile.id,
    username: userProfile.username,
    role_name: userProfile.role,
    permissions: userProfile.permissions,
    remember_me: false
  })
});

const sessionData = await sessionResponse.json();
"""

VALIDATION = """\
const validationResponse = await fetch('http://localhost:8081/api/v1/sessions/validate', {
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify({
    token: requestToken
  })
});

const validation = await validationResponse.json();

if (validation.is_valid) {
  // Allow request to proceed
  // If validation.new_token exists, return it to client for token refresh
  const userContext = validation.session;
} else {
  // Reject request with 401 Unauthorized
}
"""

LOGOUT = """\
await fetch('http://localhost:8081/api/v1/sessions/logout', {
  method: 'POST',
  headers: { 
    'Content-Type': 'application/json',
    'Authorization': `Bearer ${userToken}`
  }
});
"""  # noqa: W291 -- as it was documented

PROFILE = {"id": "user-uuid", "username": "john_doe", "role": "admin", "permissions": ["read", "write", "admin"]}


def run_flow(flow: str, service: ServiceProcess, *, result: str, **constants: Any) -> Any:
    """Runs a flow in Node with the given constants; only the port is another. The value of `result` afterwards."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node: it runs the documented flows")
    assert DOCUMENTED in flow
    port = httpx.URL(service.url).port
    given = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in constants.items())
    script = given + flow.replace(DOCUMENTED, f"http://localhost:{port}")
    script += f"\nprocess.stdout.write(JSON.stringify({result}));"
    command = [node, "--input-type=module", "--eval", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def log_in(service: ServiceProcess) -> dict[str, Any]:
    made: dict[str, Any] = run_flow(LOGIN, service, result="sessionData", userProfile=PROFILE)
    return made


def validate(service: ServiceProcess, token: str) -> dict[str, Any]:
    found: dict[str, Any] = run_flow(VALIDATION, service, result="validation", requestToken=token)
    return found


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A service for development."""
    running = ServiceProcess(tmp_path_factory.mktemp("service"), "--dev")
    try:
        yield running.start()
    finally:
        running.clean_up()


def test_the_flow_of_a_login_makes_a_session(service: ServiceProcess) -> None:
    made = log_in(service)

    assert made["success"] is True
    assert made["user"] == {"id": "user-uuid", "username": "john_doe", "role": "admin"}
    assert set(made) == {"success", "message", "session_id", "token", "expires_at", "user"}


def test_the_flow_of_a_request_lets_the_user_in(service: ServiceProcess) -> None:
    made = log_in(service)
    found = validate(service, made["token"])

    assert found["is_valid"] is True
    assert found["session"]["session_id"] == made["session_id"]
    assert found["session"]["permissions"] == ["read", "write", "admin"]
    assert found["should_refresh"] is False
    assert validate(service, "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...")["is_valid"] is False


def test_the_flow_of_a_logout_ends_the_session(service: ServiceProcess) -> None:
    token = log_in(service)["token"]
    run_flow(LOGOUT, service, result="null", userToken=token)

    assert validate(service, token) == {
        "is_valid": False,
        "error_code": "session_inactive",
        "error_message": "Session is not active",
    }


def test_the_flows_are_those_that_were_documented(repository: Path) -> None:
    """Where the documentation that they come from lies beside the checkout."""
    seeds = sorted((repository / ".." / "shared" / "seeds").resolve().glob("004*.txt"))
    if not seeds:
        pytest.skip("the documentation of the gateway surface is not beside the checkout")
    text = seeds[0].read_text(encoding="utf-8")
    for flow in (LOGIN, VALIDATION, LOGOUT):
        assert flow in text


def test_outside_of_development_a_login_needs_a_key(start_service: Start) -> None:
    running = start_service(GATEWAY_API_KEY="key-of-the-settings")
    made = log_in(running)
    assert made == {"success": False, "error_code": "forbidden", "error_message": "This is not allowed."}

    body = {"user_id": "alice", "username": "alice", "role_name": "admin", "permissions": []}
    stored = running.command("gateway-keys", "create", "--tenant", "default").stdout.strip()
    for key, status in (("key-of-the-settings", 201), (stored, 201), ("another", 403), (stored + "x", 403)):
        headers = {"X-Gateway-Key": key}
        answer = httpx.post(f"{running.url}/api/v1/sessions", json=body, headers=headers, timeout=10)
        assert answer.status_code == status, answer.text
