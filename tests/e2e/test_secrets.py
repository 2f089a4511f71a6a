# SPDX-License-Identifier: Apache-2.0
"""Nothing secret of a whole run is found in what it wrote: output, logs, metrics, the database, events."""

from collections.abc import Iterator

import httpx
import pytest

from e2e.conftest import Start
from e2e.hook import Hook
from e2e.process import ALL, Client

pytestmark = pytest.mark.slow

CANARY = "canary value!"  # no sound id of anything
MASTER_KEY = "5ec2e7" * 10 + "c0de"
HOOK_KEY, HOOK_SECRET = "canary-hook-4711", "canary-secret-4711"


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook() as running:
        yield running


def test_no_secret_is_written_anywhere(start_service: Start, hook: Hook) -> None:
    to_hook = {"EVENT_WEBHOOK_URL": f"{hook.url}?key={HOOK_KEY}", "EVENT_WEBHOOK_SECRET": HOOK_SECRET}
    service = start_service(TESSERA_MASTER_KEY=MASTER_KEY, LOG_LEVEL="debug", **to_hook)
    bearer = service.mint(*ALL)
    client = Client(service, bearer)
    issued = client.issue("alice")
    secrets = [MASTER_KEY, HOOK_KEY, HOOK_SECRET, bearer, issued["access_token"], issued["refresh_token"], CANARY]

    client.introspect(issued["access_token"])
    rotated = client.refresh(issued["refresh_token"]).json()["data"]
    secrets += [rotated["access_token"], rotated["refresh_token"]]
    for token in secrets[3:]:
        client.post("/v1/token/refresh", {"refresh_token": token, "session_id": CANARY})
        client.post("/v1/token/introspect", {"token": token + "x"})
        client.post("/v1/token/revoke", {"jti": token})
        httpx.get(f"{service.url}/v1/token", params={"accessToken": token}, headers={"cookie": token})
        if token != CANARY:  # a path is logged, but not what looks like a token in it
            httpx.get(f"{service.url}/canary/{token}")
        httpx.post(f"{service.url}/v1/token", content=token, headers={"x-request-id": token, "x-tenant-id": token})
    client.revoke(token=rotated["refresh_token"])
    hook.wait_for_confirmed(f"{issued['session_id']}.issued", f"{issued['session_id']}.revoked")
    metrics = httpx.get(f"{service.url}/metrics").text
    assert service.stop() == 0

    assert any(event["event"] == "revoked" for event in service.events)
    assert len(service.events) > 20
    database = b"".join(path.read_bytes() for path in service.data_dir.glob("tessera.db*"))
    audit = (service.data_dir / "audit.jsonl").read_text()
    posted = "".join(post.told.body.decode() for post in hook.posts)
    for written in (service.log_text, service.output_text, metrics, database.decode("latin-1"), audit, posted):
        for secret in secrets:
            assert _signature(secret) not in written
    assert "PRIVATE KEY" not in service.log_text
    assert not (service.data_dir / "master.key").exists()


def _signature(secret: str) -> str:
    """What makes a token a secret: its last segment."""
    return secret.rpartition(".")[2]
