# SPDX-License-Identifier: Apache-2.0
"""A database that was restored from a backup: what was revoked since it was made."""

import shutil
import socket
import time

import pytest

import tessera
from e2e.conftest import Start
from e2e.process import ALL, Client
from tessera.follower import LocalVerifier, NotFreshError, RemoteKeySet, RevocationFollower

pytestmark = pytest.mark.slow

ISSUER = "https://issuer.example"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def wait_until_revoked(verifier: LocalVerifier, token: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            verifier.verify(token)
        except tessera.RevokedTokenError:
            return
        except NotFreshError:  # the service was away: it follows again in a moment
            pass
        time.sleep(0.02)
    raise AssertionError("never refused")


def test_a_reset_of_the_log_ends_what_a_restored_backup_revived(start_service: Start) -> None:
    service = start_service("--port", str(free_port()), ISSUER=ISSUER)
    client = Client(service, service.mint(*ALL))
    dead, alive = client.issue("alice")["access_token"], client.issue("bob")["access_token"]
    assert service.stop() == 0
    backup = service.data_dir.with_name("backup")
    shutil.copytree(service.data_dir, backup)

    service.start()
    keys = RemoteKeySet(service.url)
    with RevocationFollower(service.url, client.bearer, keys=keys, max_staleness_seconds=5) as follower:
        verifier = LocalVerifier(keys, tessera.Policy(issuer=ISSUER, audience="dx-vas"), revocations=follower)
        assert follower.wait_until_fresh(30)
        assert client.revoke(sub="alice").status_code == 204
        assert client.introspect(dead) == {"active": False}
        wait_until_revoked(verifier, dead)
        assert service.stop() == 0
        shutil.rmtree(service.data_dir)
        shutil.copytree(backup, service.data_dir)
        service.start()
        assert client.introspect(dead)["active"] is True  # so much for a backup alone
        snapshots = follower.snapshots
        assert follower.wait_until_fresh(60)
        with pytest.raises(tessera.RevokedTokenError):  # who followed has not forgotten
            verifier.verify(dead)
        assert service.stop() == 0

        done = service.command("log", "reset")
        assert (done.returncode, done.stdout) == (0, "2\n"), done.stderr
        service.start()
        for token in (dead, alive):
            assert client.introspect(token) == {"active": False}
        assert follower.wait_until_fresh(60)
        for token in (dead, alive):
            wait_until_revoked(verifier, token)  # fresh it may be of before
        assert follower.snapshots > snapshots
        again = client.issue("alice")["access_token"]
        assert client.introspect(again)["active"] is True
        assert verifier.verify(again)["sub"] == "alice"
