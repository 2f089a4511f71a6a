# SPDX-License-Identifier: Apache-2.0
"""What outlives the process: keys, sessions, revocations, service tokens."""

import signal

import httpx
import pytest

from e2e.conftest import Start
from e2e.process import ALL, Client

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_keeps_keys_sessions_and_revocations(start_service: Start, end: signal.Signals) -> None:
    service = start_service()
    client = Client(service, service.mint(*ALL))
    kept, revoked, killed = client.issue("alice"), client.issue("bob"), client.issue("carol")
    assert client.revoke(session_id=revoked["session_id"]).status_code == 204
    assert client.revoke(token=killed["access_token"]).status_code == 204
    keys = httpx.get(f"{service.url}/.well-known/jwks.json").json()

    service.send(end)  # right after the acknowledgement
    service.wait()
    service.start()

    assert httpx.get(f"{service.url}/.well-known/jwks.json").json() == keys
    assert client.introspect(kept["access_token"])["active"] is True
    assert client.refresh(kept["refresh_token"]).status_code == 200
    for dead in (revoked["access_token"], revoked["refresh_token"], killed["access_token"]):
        assert client.introspect(dead) == {"active": False}
    assert client.refresh(revoked["refresh_token"]).status_code == 403


def test_the_issuer_stays_when_the_port_changes(start_service: Start) -> None:
    service = start_service()
    client = Client(service, service.mint(*ALL))
    token = client.issue("alice")["access_token"]
    issuer, first_url = client.introspect(token)["iss"], service.url

    assert service.stop() == 0
    service.start()

    assert issuer == first_url
    assert client.introspect(token)["iss"] == issuer


def test_sessions_in_memory_end_with_the_process(start_service: Start) -> None:
    service = start_service(SESSION_STORAGE_TYPE="memory")
    client = Client(service, service.mint(*ALL))
    issued = client.issue("alice")
    assert client.introspect(issued["access_token"])["active"] is True

    assert service.stop() == 0
    service.start()

    assert client.introspect(issued["access_token"]) == {"active": False}
    assert client.refresh(issued["refresh_token"]).status_code == 404
    assert client.introspect(client.issue("alice")["access_token"])["active"] is True
