# SPDX-License-Identifier: Apache-2.0
"""The legacy surface and authz over real connections: tokens in queries, bodies that nobody reads."""

import socket

import httpx
import pytest

from e2e.conftest import Start
from e2e.process import ALL, Client, ServiceProcess

pytestmark = pytest.mark.slow


def test_a_token_in_a_query_reaches_no_log(start_service: Start) -> None:
    service = start_service(LOG_LEVEL="debug")
    token = Client(service, service.mint(*ALL)).issue("alice")["access_token"]
    session = f"{service.url}/api/v1/auth/session"
    assert httpx.get(session, params={"accessToken": token}).json()["userId"] == "alice"
    assert httpx.get(session, params={"accessToken": f"{token}x"}).status_code == 401
    assert httpx.post(session, params={"accessToken": token}).status_code == 405
    assert httpx.get(f"{session}/x", params={"accessToken": token}).status_code == 404
    assert service.stop() == 0

    assert len([event for event in service.events if event.get("path", "").startswith("/api/v1/auth")]) == 4
    for written in (service.log_text, service.output_text):
        assert "accessToken" not in written
        assert token[:40] not in written
        assert token.rpartition(".")[2] not in written


def test_tokens_in_queries_can_be_switched_off(start_service: Start) -> None:
    service = start_service(LEGACY_QUERY_TOKEN="false")
    token = Client(service, service.mint(*ALL)).issue("alice")["access_token"]
    session = f"{service.url}/api/v1/auth/session"
    assert httpx.get(session, params={"accessToken": token}).json()["isValid"] is False
    assert httpx.get(session, headers={"authorization": f"Bearer {token}"}).json()["isValid"] is True


def test_policies_come_from_the_settings(start_service: Start) -> None:
    service = start_service(AUTHZ_POLICIES='{"gateways": {"permissions": ["token.introspect"]}, "none": {}}')
    headers = {"authorization": f"Bearer {service.mint('token.introspect')}", "x-auth-subject": "root"}
    for policy, status in (("gateways", 200), ("none", 200), ("other", 403)):
        answer = httpx.post(f"{service.url}/v1/authz/{policy}", headers=headers)
        assert (answer.status_code, answer.headers["x-auth-subject"]) == (status, "gateway")


@pytest.mark.parametrize("size", [10, 20_000])
def test_a_body_that_authz_does_not_read_never_becomes_an_answer(
    service: ServiceProcess, client: Client, size: int
) -> None:
    head = (
        f"POST /v1/authz HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {client.bearer}\r\ncontent-length: {size}\r\n\r\n"
    )
    port = int(service.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(head.encode() + b"G" * size)
        with connection.makefile("rb") as stream:
            assert read_status(stream.readline()) == 200
            while stream.readline().strip():
                pass
            connection.sendall(b"GET /v1/authz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            rest = stream.read()
    assert rest.count(b"HTTP/1.1 ") <= 1
    assert b"HTTP/1.1 401" in rest


def read_status(line: bytes) -> int:
    return int(line.split()[1])
