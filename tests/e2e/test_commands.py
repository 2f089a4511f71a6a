# SPDX-License-Identifier: Apache-2.0
"""Commands beside a running service: it accepts what they make at once, and refuses what they end within a second."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from e2e.process import ALL, Client, ServiceProcess, run

pytestmark = pytest.mark.slow


def test_a_token_is_accepted_at_once(service: ServiceProcess) -> None:
    client = Client(service, service.mint("token.generate"))

    assert client.post("/v1/token", {"sub": "alice"}).status_code == 200


def test_a_tenant_is_known_at_once(service: ServiceProcess) -> None:
    assert service.command("tenants", "add", "tenant-new").stdout == "tenant-new\n"
    client = Client(service, service.mint("token.generate", tenant="tenant-new"), tenant="tenant-new")

    assert client.post("/v1/token", {"sub": "alice"}).status_code == 200


def test_a_revoked_token_is_refused_within_a_second(service: ServiceProcess) -> None:
    client = Client(service, service.mint(*ALL))
    client.issue("alice")
    listed = json.loads(service.command("tokens", "list", "--json").stdout)

    assert service.command("tokens", "revoke", listed[0]["jti"]).returncode == 0
    time.sleep(1)

    refused = client.post("/v1/token", {"sub": "alice"})
    assert refused.status_code == 401
    assert refused.json()["error"]["data"]["alias"] in ("common.unauthorized", "token.revoked")


def test_a_key_that_signs_at_once_is_known_at_once(service: ServiceProcess, client: Client) -> None:
    before = client.issue("alice")["access_token"]

    kid = service.command("keys", "rotate", "--now").stdout.strip()
    fresh = Client(service, service.mint(*ALL))

    assert fresh.introspect(fresh.issue("alice")["access_token"])["active"] is True
    assert kid in _published(service)
    assert client.introspect(before)["active"] is True


def test_a_revoked_key_takes_its_tokens_with_it_within_a_second(service: ServiceProcess) -> None:
    client = Client(service, service.mint(*ALL))
    token = client.issue("alice")["access_token"]
    (active,) = [
        key for key in json.loads(service.command("keys", "list", "--json").stdout) if key["state"] == "active"
    ]

    assert service.command("keys", "revoke", active["kid"]).returncode == 0
    time.sleep(1)

    assert client.post("/v1/token", {"sub": "alice"}).status_code == 401  # the caller's token was signed with it too
    again = Client(service, service.mint(*ALL))
    assert again.introspect(token) == {"active": False}
    assert again.introspect(again.issue("alice")["access_token"])["active"] is True
    assert active["kid"] not in _published(service)


def test_commands_that_start_at_once_on_nothing_agree(tmp_path: Path) -> None:
    def mint(number: int) -> str:
        arguments = ("--tenant", "default", "--subject", f"s-{number}", "--data-dir", str(tmp_path))
        done = run("tokens", "mint", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    with ThreadPoolExecutor(4) as pool:
        tokens = list(pool.map(mint, range(4)))

    keys = json.loads(run("keys", "export", "--data-dir", str(tmp_path)).stdout)["keys"]
    listed = json.loads(run("tokens", "list", "--json", "--data-dir", str(tmp_path)).stdout)
    assert len(set(tokens)) == len(listed) == 4
    assert len(keys) == 1


def _published(service: ServiceProcess) -> set[str]:
    return {key["kid"] for key in httpx.get(f"{service.url}/.well-known/jwks.json").json()["keys"]}
