# SPDX-License-Identifier: Apache-2.0
import json
import os
import re
import socket
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import tessera
from kept_logs import kept_logs
from tessera_service.cli import main

JWT = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")


class Done(NamedTuple):
    """How a command ended and what it wrote."""

    status: int
    output: str
    messages: str


Run = Callable[..., Done]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Run]:
    """Runs a command on a data directory that does not exist yet."""
    umask = os.umask(0o022)
    monkeypatch.setenv("TESSERA_DATA_DIR", str(tmp_path / "data"))

    def command(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["tessera", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        written = capsys.readouterr()
        return Done(int(ended.value.code or 0), written.out, written.err)

    with kept_logs():
        yield command
    os.umask(umask)


def run_json(run: Run, *arguments: str) -> Any:
    done = run(*arguments, "--json")
    assert done.status == 0, done.messages
    return json.loads(done.output)


def test_the_version_is_told(run: Run) -> None:
    assert run("--version") == Done(0, f"tessera {tessera.__version__}\n", "")


def test_mint_prints_the_bare_token_and_nothing_else(run: Run, tmp_path: Path) -> None:
    done = run("tokens", "mint", "--tenant", "default", "--subject", "gateway", "--permission", "token.generate")

    assert (done.status, done.messages) == (0, "")
    assert JWT.fullmatch(done.output.removesuffix("\n"))
    assert sorted(path.name for path in (tmp_path / "data").iterdir() if not path.name.startswith("tessera.db-")) == [
        "issuer",
        "master.key",
        "tessera.db",
    ]


def test_what_commands_write_is_for_their_owner_alone(run: Run, tmp_path: Path) -> None:
    run("tenants", "list")

    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "data").iterdir()} == {0}


def test_the_data_directory_can_be_an_option(run: Run, tmp_path: Path) -> None:
    assert run("tenants", "add", "a", "--data-dir", str(tmp_path / "other")).status == 0

    assert (tmp_path / "other" / "tessera.db").exists()
    assert not (tmp_path / "data").exists()


def test_a_minted_token_is_listed_with_what_it_may_do_and_without_itself(run: Run) -> None:
    given = ("--permission", "token.generate", "--permission", "token.revoke", "--ttl", "90m", "--client-id", "gw-1")
    token = run("tokens", "mint", "--tenant", "default", "--subject", "gateway", *given, "--all-tenants").output.strip()

    (listed,) = run_json(run, "tokens", "list")

    assert (listed["tenant_id"], listed["subject"], listed["client_id"]) == ("default", "gateway", "gw-1")
    assert listed["permissions"] == ["token.generate", "token.revoke"]
    assert (listed["status"], listed["all_tenants"]) == ("active", True)
    assert token not in run("tokens", "list").output


@pytest.mark.parametrize(
    ("kind", "make"),
    [
        ("tokens", ("mint", "--tenant", "default", "--subject", "gateway")),
        ("access-keys", ("create", "--tenant", "default", "--user", "alice")),
        ("gateway-keys", ("create", "--tenant", "default")),
    ],
)
def test_a_list_says_when_there_are_more(run: Run, kind: str, make: tuple[str, ...]) -> None:
    for _ in range(2):
        assert run(kind, *make).status == 0
    whole = run_json(run, kind, "list")
    some = run(kind, "list", "--json", "--limit", "1")
    assert json.loads(some.output) == whole[:1]
    assert some.messages == "there are more than 1: --limit N shows more, --all shows all\n"
    for arguments in (("--limit", "2"), ("--limit", "1", "--all")):
        done = run(kind, "list", "--json", *arguments)
        assert (json.loads(done.output), done.messages) == (whole, "")
    assert run(kind, "list", "--limit", "0").status == 2


def test_a_user_who_is_locked_gets_no_token(run: Run) -> None:
    added = run("users", "add", "--tenant", "default", "--username", "alice")
    run("users", "lock", "alice")
    done = run("tokens", "mint", "--tenant", "default", "--subject", added.output.strip())
    assert (done.status, done.output) == (1, "")
    assert "not active" in done.messages


def test_a_command_waits_for_another_that_writes(run: Run, tmp_path: Path) -> None:
    run("tokens", "list")
    other = sqlite3.connect(tmp_path / "data" / "tessera.db", check_same_thread=False, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(2.5, other.rollback)  # longer than a request would wait
    release.start()
    try:
        done = run("tokens", "mint", "--tenant", "default", "--subject", "gateway")
    finally:
        release.join()
        other.close()
    assert (done.status, done.messages) == (0, "")
    assert JWT.match(done.output)


@pytest.mark.parametrize("ttl", ["0", "1.5s", "-1h", "soon", "1d"])
def test_a_time_that_is_none_is_wrong_usage(run: Run, ttl: str) -> None:
    done = run("tokens", "mint", "--tenant", "default", "--subject", "gateway", f"--ttl={ttl}")

    assert (done.status, done.output) == (2, "")
    assert "--ttl" in done.messages


def test_a_token_may_not_outlive_every_other(run: Run) -> None:
    longest = run("tokens", "mint", "--tenant", "default", "--subject", "gateway", "--ttl", "720h")
    longer = run("tokens", "mint", "--tenant", "default", "--subject", "gateway", "--ttl", "720h1s")

    assert longest.status == 0
    assert (longer.status, longer.output) == (1, "")
    assert "REFRESH_TOKEN_TTL" in longer.messages


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--tenant", "nobody", "--subject", "gateway"), "tenant"),
        (("--tenant", "default", "--subject", "two words"), "subject"),
        (("--tenant", "default", "--subject", "gateway", "--permission", "a b"), "permission"),
    ],
)
def test_what_cannot_be_minted_is_refused_by_name(run: Run, arguments: tuple[str, ...], named: str) -> None:
    done = run("tokens", "mint", *arguments)

    assert (done.status, done.output) == (1, "")
    assert done.messages.count("\n") == 1
    assert named in done.messages


def test_a_service_token_is_revoked_by_its_id(run: Run) -> None:
    run("tokens", "mint", "--tenant", "default", "--subject", "gateway")
    (listed,) = run_json(run, "tokens", "list")

    assert run("tokens", "revoke", listed["jti"]).status == 0
    assert run("tokens", "revoke", listed["jti"]).status == 0
    assert run_json(run, "tokens", "list")[0]["status"] == "revoked"
    unknown = run("tokens", "revoke", "01890a5d-ac96-774b-bcce-b302099a8057")
    assert (unknown.status, unknown.messages) == (1, "tessera: no service token has that id\n")


def test_tokens_are_listed_by_tenant(run: Run) -> None:
    run("tenants", "add", "tenant-b")
    run("tokens", "mint", "--tenant", "default", "--subject", "one")
    run("tokens", "mint", "--tenant", "tenant-b", "--subject", "two")

    assert [token["subject"] for token in run_json(run, "tokens", "list", "--tenant", "tenant-b")] == ["two"]
    assert len(run_json(run, "tokens", "list")) == 2


def test_tenants_are_added_once(run: Run) -> None:
    assert run("tenants", "add", "tenant-b") == Done(0, "tenant-b\n", "")
    assert run("tenants", "add", "tenant-b") == Done(0, "tenant-b\n", "tenant tenant-b was there already\n")
    assert run_json(run, "tenants", "add", "tenant-c") == {"tenant_id": "tenant-c", "added": True}
    assert [tenant["tenant_id"] for tenant in run_json(run, "tenants", "list")] == ["default", "tenant-b", "tenant-c"]


@pytest.mark.parametrize("tenant", ["", "a b", "x" * 65, "a/b", "é"])
def test_a_tenant_id_that_is_none_is_wrong_usage(run: Run, tenant: str) -> None:
    assert run("tenants", "add", tenant).status == 2


def test_a_rotation_announces_the_next_key(run: Run) -> None:
    (first,) = run_json(run, "keys", "list")
    assert first["state"] == "active"

    kid = run("keys", "rotate").output.strip()

    states = {key["kid"]: key["state"] for key in run_json(run, "keys", "list")}
    assert states == {first["kid"]: "active", kid: "announced"}
    assert run("keys", "rotate").output.strip() == kid


def test_an_urgent_rotation_signs_at_once(run: Run) -> None:
    (first,) = run_json(run, "keys", "list")

    kid = run("keys", "rotate", "--now").output.strip()

    assert kid != first["kid"]
    assert kid in {key["kid"] for key in run_json(run, "keys", "list")}


def test_a_revoked_key_is_replaced_and_no_longer_published(run: Run) -> None:
    (first,) = run_json(run, "keys", "list")

    assert run("keys", "revoke", first["kid"]).status == 0

    published = [key["kid"] for key in json.loads(run("keys", "export").output)["keys"]]
    assert len(published) == 1
    assert first["kid"] not in published
    assert run("keys", "revoke", "nothing") == Done(1, "", "tessera: no key has that kid\n")


def test_every_result_can_be_json(run: Run) -> None:
    run("tokens", "mint", "--tenant", "default", "--subject", "gateway")
    (listed,) = run_json(run, "tokens", "list")
    (key,) = run_json(run, "keys", "list")

    assert run_json(run, "tokens", "revoke", listed["jti"]) == {"jti": listed["jti"], "revoked": True}
    assert run_json(run, "keys", "revoke", key["kid"]) == {"kid": key["kid"], "revoked": True}
    assert set(run_json(run, "keys", "rotate")) == {"kid"}
    assert run_json(run, "db", "upgrade") == run_json(run, "db", "check")
    assert run_json(run, "tokens", "mint", "--tenant", "default", "--subject", "gateway")["expires_in"] == 3600


def test_exported_keys_are_public(run: Run) -> None:
    (key,) = json.loads(run("keys", "export").output)["keys"]

    assert set(key) == {"kty", "kid", "use", "alg", "n", "e"}


def test_the_database_is_made_and_checked(run: Run, tmp_path: Path) -> None:
    absent = run("db", "check")
    assert (absent.status, absent.output) == (1, "")
    assert not (tmp_path / "data" / "tessera.db").exists()

    made = run("db", "upgrade")

    assert made.status == 0
    assert run("db", "check").output == made.output == run("db", "upgrade").output


@pytest.mark.parametrize("arguments", [(), ("nothing",), ("tokens",), ("tokens", "mint"), ("keys", "revoke")])
def test_wrong_usage_is_status_2_without_output(run: Run, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)

    assert done.status == 2
    assert "Traceback" not in done.messages


def test_a_wrong_setting_is_status_2_in_every_command(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCESS_TOKEN_TTL", "soon")

    for arguments in (("tenants", "list"), ("tokens", "list"), ("keys", "list"), ("db", "upgrade"), ("serve",)):
        done = run(*arguments)
        assert (done.status, done.output) == (2, "")
        assert done.messages.startswith("tessera: ACCESS_TOKEN_TTL: ")


def test_a_service_that_starts_warns_of_settings_that_are_hardly_meant(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SESSION_DEFAULT_EXPIRATION", "10s")
    with socket.create_server(("127.0.0.1", 0)) as taken:  # so that the start ends there
        done = run("serve", "--port", str(taken.getsockname()[1]))

    logged = [json.loads(line) for line in done.messages.splitlines() if line.startswith("{")]
    warned = [entry["name"] for entry in logged if entry["event"] == "doubtful_setting"]
    assert (done.status, warned) == (1, ["SESSION_DEFAULT_EXPIRATION"])


def test_a_wrong_master_key_is_told_in_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("keys", "list")
    monkeypatch.setenv("TESSERA_MASTER_KEY", "ab" * 32)

    done = run("tokens", "mint", "--tenant", "default", "--subject", "gateway")

    assert (done.status, done.output) == (1, "")
    assert "TESSERA_MASTER_KEY" in done.messages.splitlines()[-1]


def test_keys_are_sealed_again_after_the_master_key_was_changed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = "ab" * 32, "cd" * 32
    monkeypatch.setenv("TESSERA_MASTER_KEY", old)
    access_key = run_json(run, "access-keys", "create", "--tenant", "default", "--user", "alice")["access_key_id"]
    gateway_key = run_json(run, "gateway-keys", "create", "--tenant", "default")["key_id"]
    monkeypatch.setenv("TESSERA_MASTER_KEY", f"{new},{old}")

    first = run("keys", "rewrap")

    assert (first.status, first.output) == (0, "REWRAPPED  ALREADY\n1          0\n")
    assert first.messages == (
        f"access keys still under an older master key: {access_key}: tessera access-keys rotate ID\n"
        f"gateway keys still under an older master key: {gateway_key}:"
        " make others, then tessera gateway-keys disable ID\n"
    )
    assert run("access-keys", "rotate", access_key).status == 0
    assert run("gateway-keys", "disable", gateway_key).status == 0
    again = run("keys", "rewrap", "--json")
    left: dict[str, list[str]] = {"signing_keys": [], "access_keys": [], "gateway_keys": []}
    assert json.loads(again.output) == {"rewrapped": 0, "already": 1, "left": left}
    assert again.messages == "nothing needs an older master key any more\n"
    monkeypatch.setenv("TESSERA_MASTER_KEY", new)
    assert run("tokens", "mint", "--tenant", "default", "--subject", "gateway").status == 0


def test_a_key_that_no_given_master_key_opens_is_not_sealed_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESSERA_MASTER_KEY", "ab" * 32)
    assert run("keys", "list").status == 0
    monkeypatch.setenv("TESSERA_MASTER_KEY", "cd" * 32 + "," + "ef" * 32)

    done = run("keys", "rewrap")

    assert (done.status, done.output) == (1, "")
    assert "TESSERA_MASTER_KEY" in done.messages.splitlines()[-1]


def test_one_key_too_many_is_refused_in_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("keys", "list").status == 0
    monkeypatch.setattr("tessera_service.engine.keys.MAX_ROTATED_KEYS", 1)

    done = run("keys", "rotate", "--now")

    assert (done.status, done.output) == (1, "")
    assert done.messages.startswith("tessera: 1 signing keys are published, which is the limit: ")
    assert done.messages.count("\n") == 1
    assert len(run_json(run, "keys", "list")) == 1


def test_a_reset_of_the_log_prints_how_many_sessions_ended_and_what_is_left_to_do(run: Run) -> None:
    done = run("log", "reset", "--json")

    assert (done.status, json.loads(done.output)) == (0, {"ended_sessions": "0"})
    assert "as they were in the backup" in done.messages
