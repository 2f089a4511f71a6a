# SPDX-License-Identifier: Apache-2.0
"""Verifiers in other processes, following a real service."""

import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

import tessera
from e2e.conftest import Start
from e2e.process import ALL, Client, ServiceProcess, environment
from e2e.shared_stores import SHARED_STORES, shared_stores
from tessera.follower import LocalVerifier, NotFreshError, RemoteKeySet, RevocationFollower

pytestmark = pytest.mark.slow

SEEN_SECONDS = 2.0  # promised to other processes: 1 s; twice that as slack
ISSUER = "https://issuer.example"
POLICY = tessera.Policy(issuer=ISSUER, audience="dx-vas")


@contextmanager
def following(
    service: ServiceProcess, token: str, *, max_staleness_seconds: float = 15
) -> Iterator[tuple[RevocationFollower, LocalVerifier]]:
    """A verifier that knows the keys and the revocations of a service."""
    keys = RemoteKeySet(service.url, cooldown_seconds=0.1)
    with RevocationFollower(service.url, token, keys=keys, max_staleness_seconds=max_staleness_seconds) as follower:
        assert follower.wait_until_fresh(30), follower.last_error
        yield follower, LocalVerifier(keys, POLICY, revocations=follower, cache=tessera.TokenCache())


def refused_after(verifier: LocalVerifier, token: str) -> float:
    """Seconds until the token is refused as revoked."""
    began = time.monotonic()
    while time.monotonic() - began < 30:
        try:
            verifier.verify(token)
        except tessera.RevokedTokenError:
            return time.monotonic() - began
        time.sleep(0.002)
    raise AssertionError("never refused")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """One for those who do not end it."""
    running = ServiceProcess(tmp_path_factory.mktemp("service"), settings={"ISSUER": ISSUER})
    try:
        yield running.start()
    finally:
        running.clean_up()


def test_a_revocation_reaches_who_verifies_elsewhere_and_who_begins_later(
    service: ServiceProcess, client: Client
) -> None:
    dead: list[str] = []
    with following(service, client.bearer) as (_, verifier):
        times = []
        for number, form in enumerate(["session_id", "sub", "token"] * 5):
            issued, other = client.issue(f"user-{number}"), client.issue("bob")
            token = issued["access_token"]
            assert verifier.verify(token)["sub"] == f"user-{number}"
            named = {"session_id": issued["session_id"], "sub": f"user-{number}", "token": token}[form]
            assert client.revoke(**{form: named}).status_code == 204
            times.append(refused_after(verifier, token))
            dead.append(token)
            verifier.verify(other["access_token"])
            again = client.issue(f"user-{number}")["access_token"]
            assert verifier.verify(again)["sub"] == f"user-{number}"  # a new session, of a subject that was cut off too
    times.sort()
    middle, worst = times[len(times) // 2] * 1000, times[-1] * 1000
    print(
        f"\nrefused elsewhere after the acknowledgement: median {middle:.0f} ms, worst {worst:.0f} ms of {len(times)}"
    )
    assert times[-1] < SEEN_SECONDS
    with following(service, client.bearer) as (_, verifier):
        verifier.verify(other["access_token"])
        for token in dead:
            with pytest.raises(tessera.RevokedTokenError):
                verifier.verify(token)


@pytest.mark.parametrize("kind", SHARED_STORES)
def test_what_one_instance_revokes_is_told_by_another(start_service: Start, tmp_path: Path, kind: str) -> None:
    with shared_stores(kind, tmp_path) as stores:
        settings = {"ISSUER": ISSUER, "REDIS_PARTITIONS": "4", **stores}
        here, there = start_service(**settings), start_service(**settings)
        client = Client(here, here.mint(*ALL))
        issued = [client.issue(f"user-{number}") for number in range(12)]  # in every partition
        with following(there, client.bearer) as (follower, verifier):
            times = []
            for number, one in enumerate(issued):
                assert verifier.verify(one["access_token"])["sub"] == f"user-{number}"
                named = ({"session_id": one["session_id"]}, {"sub": f"user-{number}"}, {"token": one["access_token"]})
                assert client.revoke(**named[number % 3]).status_code == 204
                times.append(refused_after(verifier, one["access_token"]))
            assert follower.snapshots == 1
    print(f"\nrefused by who follows another instance, {kind}: worst {max(times) * 1000:.0f} ms of {len(times)}")
    assert max(times) < SEEN_SECONDS


def ask_patiently(service: ServiceProcess, bearer: str) -> "Future[list[dict[str, Any]]]":
    """The lines of an answer about news, of which there are none: it may take longer than a service takes to end."""

    def ask(**asked: str) -> list[dict[str, Any]]:
        headers = {"Authorization": f"Bearer {bearer}"}
        answer = httpx.get(f"{service.url}/v1/revocations", params=asked, headers=headers, timeout=60)
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.text.splitlines()]

    cursor = ask()[-1]["cursor"]
    pool = ThreadPoolExecutor(1)
    asked = pool.submit(ask, cursor=cursor, wait="30")
    time.sleep(1)
    assert not asked.done()
    pool.shutdown(wait=False)
    return asked


def test_a_restart_of_the_service_is_survived_and_revives_nothing(start_service: Start) -> None:
    service = start_service("--port", str(free_port()), "--workers", "2", ISSUER=ISSUER)
    client = Client(service, service.mint(*ALL))
    dead, alive = client.issue("alice"), client.issue("bob")
    client.revoke(session_id=dead["session_id"])
    with following(service, client.bearer, max_staleness_seconds=3) as (follower, verifier):
        assert verifier.verify(alive["access_token"])["sub"] == "bob"
        patient = ask_patiently(service, client.bearer)
        assert service.stop() == 0
        assert patient.result(10)[-1].keys() == {"cursor", "as_of_ms"}  # answered with what there was, not cut off
        assert "graceful shutdown exceeded" not in service.log_text
        deadline = time.monotonic() + 30
        while follower.is_fresh:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        with pytest.raises(NotFreshError):
            verifier.verify(alive["access_token"])
        with pytest.raises(tessera.RevokedTokenError):
            verifier.verify(dead["access_token"], allow_staleness_seconds=3600)
        assert verifier.verify(alive["access_token"], allow_staleness_seconds=3600)["sub"] == "bob"
        service.start()
        assert follower.wait_until_fresh(30), follower.last_error
        assert follower.snapshots == 1  # it went on from where it was
        client.revoke(session_id=alive["session_id"])
        assert refused_after(verifier, alive["access_token"]) < SEEN_SECONDS


def test_the_end_of_its_own_token_makes_a_follower_stale(service: ServiceProcess, client: Client) -> None:
    token = service.mint("token.introspect")
    with following(service, token, max_staleness_seconds=3) as (follower, _):
        assert client.revoke(token=token).status_code == 204
        deadline = time.monotonic() + 30
        while follower.is_fresh:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert follower.last_error == "status_401"


def test_the_example_tells_who_lives(service: ServiceProcess, client: Client, repository: Path) -> None:
    issued = client.issue("alice")
    program = [sys.executable, str(repository / "examples" / "scripts" / "local_verify.py")]
    given = environment(TESSERA_TOKEN=client.bearer)
    with subprocess.Popen(
        [*program, service.url, "--issuer", ISSUER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=given,
        text=True,
        bufsize=1,
    ) as example:
        assert example.stdin is not None
        assert example.stdout is not None

        def ask(line: str) -> str:
            assert example.stdin is not None
            assert example.stdout is not None
            example.stdin.write(line + "\n")
            return example.stdout.readline().strip()

        assert example.stdout.readline().strip() == "following default"
        assert ask(issued["access_token"]) == "alive alice"
        assert ask("rubbish") == "refused token_malformed"
        client.revoke(session_id=issued["session_id"])
        deadline = time.monotonic() + 30
        while (answer := ask(issued["access_token"])) == "alive alice":
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert answer == "refused session_revoked"
        example.stdin.close()
        assert example.wait(20) == 0


def test_the_example_says_why_it_cannot_begin(service: ServiceProcess, repository: Path) -> None:
    example = repository / "examples" / "scripts" / "local_verify.py"
    program = [sys.executable, str(example), service.url, "--patience", "3"]
    given = environment(TESSERA_TOKEN=service.mint("reports.read"))
    done = subprocess.run(program, stdin=subprocess.DEVNULL, capture_output=True, env=given, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert "status_403" in done.stderr


def test_a_long_log_is_followed_in_bounded_memory_on_both_sides(repository: Path) -> None:
    """The benchmark, with few of its revocations: held as objects they would take more than 25 MB."""
    program = [sys.executable, str(repository / "benchmarks" / "follower" / "snapshot.py"), "50000"]
    done = subprocess.run(program, capture_output=True, env=environment(), text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    print("\n" + done.stdout)
    assert "50,000 entries, fresh: True" in done.stdout
    for side in ("follower", "service"):
        found = re.search(rf"^{side}: +([0-9]+) MB before, ([0-9]+) MB at its peak", done.stdout, re.MULTILINE)
        assert found is not None
        assert int(found[2]) - int(found[1]) < 15, side
