# SPDX-License-Identifier: Apache-2.0
"""Changing the master key: OLD, then NEW,OLD, then NEW alone; what was signed and made before goes on."""

import json

import pytest

from e2e.conftest import Start
from e2e.process import ALL, Client, ServiceProcess
from e2e.test_keys_of_clients import call, make, open_token, validate

pytestmark = pytest.mark.slow

OLD, NEW = "ab" * 32, "cd" * 32


def restart(service: ServiceProcess, master_key: str) -> None:
    assert service.stop() == 0
    service.settings = {"TESSERA_MASTER_KEY": master_key}
    service.start()


def test_the_old_master_key_can_be_left_out_once_nothing_needs_it(start_service: Start) -> None:
    service = start_service(TESSERA_MASTER_KEY=OLD)
    client = Client(service, service.mint(*ALL))
    issued = client.issue("alice")
    key = make(service, "--grant", "doc*:view")
    session_token = open_token(service, key)

    restart(service, f"{NEW},{OLD}")
    done = service.command("keys", "rewrap", "--json")
    assert done.returncode == 0, done.stderr
    left = {"signing_keys": [], "access_keys": [key["access_key_id"]], "gateway_keys": []}
    assert json.loads(done.stdout) == {"rewrapped": 1, "already": 0, "left": left}
    assert client.introspect(issued["access_token"])["active"] is True  # the running service too goes on
    assert client.issue("bob")["access_token"]
    rotated = json.loads(service.command("access-keys", "rotate", key["access_key_id"], "--json").stdout)
    assert "nothing needs an older master key" in service.command("keys", "rewrap").stderr

    restart(service, NEW)
    assert client.introspect(issued["access_token"])["active"] is True  # the caller's own token is of before as well
    assert client.introspect(client.issue("carol")["access_token"])["active"] is True
    assert client.refresh(issued["refresh_token"]).status_code == 200
    assert validate(service, session_token) == (True, True)
    assert validate(service, open_token(service, rotated)) == (True, True)
    assert call(service, "create", {**key, "duration_seconds": 3600}).status_code == 401
