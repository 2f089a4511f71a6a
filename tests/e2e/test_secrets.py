# SPDX-License-Identifier: Apache-2.0
"""Nothing secret of a whole run is found in what it wrote: output, logs, metrics, the database."""

import httpx
import pytest

from e2e.conftest import Start
from e2e.process import ALL, Client

pytestmark = pytest.mark.slow

CANARY = "canary value!"  # no sound id of anything
MASTER_KEY = "5ec2e7" * 10 + "c0de"


def test_no_secret_is_written_anywhere(start_service: Start) -> None:
    service = start_service(TESSERA_MASTER_KEY=MASTER_KEY, LOG_LEVEL="debug")
    bearer = service.mint(*ALL)
    client = Client(service, bearer)
    issued = client.issue("alice")
    secrets = [MASTER_KEY, bearer, issued["access_token"], issued["refresh_token"], CANARY]

    client.introspect(issued["access_token"])
    rotated = client.refresh(issued["refresh_token"]).json()["data"]
    secrets += [rotated["access_token"], rotated["refresh_token"]]
    for token in secrets[1:]:
        client.post("/v1/token/refresh", {"refresh_token": token, "session_id": CANARY})
        client.post("/v1/token/introspect", {"token": token + "x"})
        client.post("/v1/token/revoke", {"jti": token})
        httpx.get(f"{service.url}/v1/token", params={"accessToken": token}, headers={"cookie": token})
        if token != CANARY:  # a path is logged, but not what looks like a token in it
            httpx.get(f"{service.url}/canary/{token}")
        httpx.post(f"{service.url}/v1/token", content=token, headers={"x-request-id": token, "x-tenant-id": token})
    client.revoke(token=rotated["refresh_token"])
    metrics = httpx.get(f"{service.url}/metrics").text
    assert service.stop() == 0

    assert any(event["event"] == "revoked" for event in service.events)
    assert len(service.events) > 20
    database = b"".join(path.read_bytes() for path in service.data_dir.glob("tessera.db*"))
    for written in (service.log_text, service.output_text, metrics, database.decode("latin-1")):
        for secret in secrets:
            assert _signature(secret) not in written
    assert "PRIVATE KEY" not in service.log_text
    assert not (service.data_dir / "master.key").exists()


def _signature(secret: str) -> str:
    """What makes a token a secret: its last segment."""
    return secret.rpartition(".")[2]
