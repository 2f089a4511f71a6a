# SPDX-License-Identifier: Apache-2.0
"""`tessera` over PostgreSQL: what it needs to be told, and what it does not say."""

import signal
from pathlib import Path

import pytest

from e2e.conftest import Start
from e2e.process import ALL, Client, run
from postgres import PASSWORD, postgres_server

pytestmark = pytest.mark.slow

KEY = bytes(range(32)).hex()
END_SECONDS = 25  # promised are ten, on a machine of its own


def test_an_empty_database_is_migrated_by_whoever_is_told_to(start_service: Start, tmp_path: Path) -> None:
    with postgres_server().database() as url:
        settings = {"DATABASE_URL": url, "TESSERA_MASTER_KEY": KEY}
        refused = run("serve", "--port", "0", "--no-migrate", "--data-dir", str(tmp_path / "data"), settings=settings)
        assert refused.returncode == 1
        assert "upgrade it" in refused.stderr
        assert run("db", "upgrade", "--data-dir", str(tmp_path / "data"), settings=settings).returncode == 0
        checked = run("config", "check", "--data-dir", str(tmp_path / "data"), settings=settings)
        assert checked.returncode == 0, checked.stderr
        service = start_service("--no-migrate", **settings)
        client = Client(service, service.mint(*ALL))
        issued = client.issue()
        assert client.introspect(issued["access_token"])["active"] is True
        assert client.revoke(sub="alice").status_code == 204
        assert client.introspect(issued["access_token"]) == {"active": False}
        assert service.stop() == 0
        # Of several instances each would be an issuer of its own.
        assert "issuer_not_set" in {line["event"] for line in service.events}
        for told in (refused.stdout, refused.stderr, checked.stdout, service.log_text, service.output_text):
            assert PASSWORD not in told


def test_it_ends_though_the_server_hangs(start_service: Start) -> None:
    """Also what waits for the server then, and what asks it again and again by itself."""
    server = postgres_server()
    with server.database(template=server.template) as url:
        service = start_service(DATABASE_URL=url, TESSERA_MASTER_KEY=KEY)
        client = Client(service, service.mint(*ALL))
        issued = client.issue()
        with server.hung():
            assert client.refresh(issued["refresh_token"]).status_code == 503
            service.send(signal.SIGTERM)
            assert service.wait(END_SECONDS) == 0
        assert [line["event"] for line in service.events][-2:] == ["stopped", "exit"]


def test_without_a_master_key_it_does_not_start(tmp_path: Path) -> None:
    url = postgres_server().dsn("absent")
    done = run("serve", "--port", "0", "--data-dir", str(tmp_path / "data"), settings={"DATABASE_URL": url})
    assert done.returncode == 2
    assert done.stderr.startswith("tessera: TESSERA_MASTER_KEY: has to be set")
    assert PASSWORD not in done.stderr
    assert not (tmp_path / "data" / "master.key").exists()
