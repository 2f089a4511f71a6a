# SPDX-License-Identifier: Apache-2.0
import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from kept_logs import kept_logs
from tessera_service.cli import main

PASSWORD = "canary horse battery"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Done(NamedTuple):
    """How a command ended and what it wrote."""

    status: int
    output: str
    messages: str


Run = Callable[..., Done]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Run]:
    """Runs a command on a data directory that does not exist yet, with what it reads."""
    umask = os.umask(0o022)
    monkeypatch.setenv("TESSERA_DATA_DIR", str(tmp_path / "data"))

    def command(*arguments: str, given: bytes = b"") -> Done:
        monkeypatch.setattr(sys, "argv", ["tessera", "users", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        with pytest.raises(SystemExit) as ended:
            main()
        written = capsys.readouterr()
        return Done(int(ended.value.code or 0), written.out, written.err)

    with kept_logs():
        yield command
    os.umask(umask)


def add(run: Run, username: str = "alice", *arguments: str, given: bytes = PASSWORD.encode() + b"\n") -> Done:
    return run("add", "--tenant", "default", "--username", username, "--password-stdin", *arguments, given=given)


def read(run: Run, *arguments: str) -> Any:
    done = run(*arguments, "--json")
    assert done.status == 0, done.messages
    return json.loads(done.output)


def test_a_user_is_added_and_its_id_alone_is_printed(run: Run) -> None:
    done = add(run)
    assert (done.status, done.messages) == (0, "")
    assert UUID.fullmatch(done.output.removesuffix("\n"))
    (user,) = read(run, "list")
    assert (user["user_id"], user["username"], user["status"]) == (done.output.strip(), "alice", "active")
    assert user["has_password"] is True


def test_everything_that_is_given_is_kept_and_shown_without_the_password(run: Run, tmp_path: Path) -> None:
    given = ("--email", "Alice@Example.com", "--phone", "+84 912 345 678", "--role", "a", "--role", "b")
    done = add(run, "Alice", *given, "--permission", "doc.read", "--json")
    user = json.loads(done.output)
    assert (user["email"], user["phone"], user["roles"], user["permissions"]) == (
        *("alice@example.com", "+84912345678", ["a", "b"], ["doc.read"]),
    )
    listed = run("list")
    assert listed.output.splitlines()[0].split() == [
        *("USER", "TENANT", "USERNAME", "STATUS", "EMAIL", "PHONE", "ROLES", "PERMISSIONS"),
    ]
    assert user["user_id"] in listed.output
    written = done.output + listed.output + run("list", "--json").output
    assert "canary" not in written
    assert "argon2" not in written
    stored = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir())
    assert PASSWORD.encode() not in stored


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\nsecond line\n"])
def test_the_password_is_the_first_line_without_its_end(run: Run, end: bytes) -> None:
    assert add(run, given=b"eight ch" + end).status == 0
    assert add(run, "bob", given=b"seven c" + end).status == 1


@pytest.mark.parametrize("given", [b"", b"\n", b"x" * 5000, b"\xff" * 10])
def test_what_is_no_password_is_refused_without_repeating_it(run: Run, given: bytes) -> None:
    done = add(run, given=given)
    assert (done.status, done.output) == (1, "")
    assert "password" in done.messages
    assert "xxxx" not in done.messages
    assert read(run, "list") == []


def test_no_option_takes_a_password(run: Run) -> None:
    done = run("add", "--tenant", "default", "--username", "alice", "--password", PASSWORD)
    assert (done.status, done.output) == (2, "")
    assert "canary" not in done.messages


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--username", "a\nb"), "--username"),
        (("--username", "alice", "--email", "nowhere"), "--email"),
        (("--username", "alice", "--phone", "0912345678"), "--phone"),
        (("--username", "alice", "--role", "a b"), "--role"),
        (("--username", "alice", "--permission", "a b"), "--permission"),
        ((), "--username"),
    ],
)
def test_what_cannot_be_added_is_refused_by_name(run: Run, arguments: tuple[str, ...], named: str) -> None:
    done = run("add", "--tenant", "default", *arguments)
    assert (done.status, done.output, done.messages.count("\n")) == (1, "", 1)
    assert named in done.messages


def test_a_tenant_has_to_exist_and_a_name_to_be_free(run: Run) -> None:
    assert "tessera tenants add" in run("add", "--tenant", "nobody", "--username", "alice").messages
    add(run, "alice", "--email", "a@example.com")
    taken = add(run, "ALICE")
    assert (taken.status, taken.messages) == (1, "tessera: --username: another user of the tenant has it\n")
    assert "--email" in add(run, "bob", "--email", "A@example.com").messages


@pytest.mark.parametrize("named", ["id", "name", "option"])
def test_a_user_is_named_by_id_or_by_name(run: Run, named: str) -> None:
    user_id = add(run).output.strip()
    who = {"id": (user_id,), "name": ("Alice",), "option": ("--tenant", "default", "--username", "alice")}[named]
    assert read(run, "lock", *who)["status"] == "locked"
    assert read(run, "unlock", *who)["status"] == "active"


def test_a_user_is_locked_disabled_and_let_in_again(run: Run) -> None:
    user_id = add(run).output.strip()
    assert run("lock", "alice") == Done(0, "", f"locked {user_id}\n")
    assert run("disable", "alice") == Done(0, "", f"disabled {user_id}\n")
    wrong = run("unlock", "alice")
    assert (wrong.status, wrong.messages) == (1, "tessera: the user is disabled: tessera users enable\n")
    assert run("enable", "alice") == Done(0, "", f"enabled {user_id}\n")
    run("lock", "alice")
    assert run("enable", "alice").messages == "tessera: the user is locked: tessera users unlock\n"
    assert run("unlock", "alice").status == 0
    assert read(run, "list")[0]["status"] == "active"


def test_rights_are_set_as_given_and_the_rest_stays(run: Run) -> None:
    add(run, "alice", "--email", "a@example.com", "--role", "old", "--permission", "doc.read")
    after = read(run, "set", "alice", "--permission", "doc.write")
    assert (after["permissions"], after["roles"], after["email"]) == (["doc.write"], ["old"], "a@example.com")
    after = read(run, "set", "alice", "--no-roles", "--no-permissions", "--email", "", "--phone", "+84912345678")
    assert (after["permissions"], after["roles"], after["email"], after["phone"]) == ([], [], None, "+84912345678")


@pytest.mark.parametrize(
    "arguments",
    [
        ("set", "alice"),
        ("set", "alice", "--role", "a", "--no-roles"),
        ("set", "alice", "--permission", "a", "--no-permissions"),
        ("set-password", "alice"),
        ("lock",),
        ("lock", "alice", "--username", "bob"),
        ("add", "--username", "alice"),
    ],
)
def test_wrong_usage_is_told_as_such(run: Run, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert (done.status, done.output) == (2, "")


def test_a_password_is_set_and_never_shown(run: Run) -> None:
    user_id = add(run).output.strip()
    done = run("set-password", "alice", "--password-stdin", given=b"another canary\n")
    assert done == Done(0, "", f"set the password of {user_id}\n")
    assert run("set-password", "alice", "--password-stdin", given=b"short\n").status == 1


@pytest.mark.parametrize("command", ["lock", "unlock", "disable", "enable", "delete", "set", "set-password"])
def test_an_unknown_user_is_told(run: Run, command: str) -> None:
    more = {"set": ("--role", "a"), "set-password": ("--password-stdin",)}.get(command, ())
    done = run(command, "nobody", *more, given=b"long enough\n")
    assert done == Done(1, "", "tessera: no user of the tenant has that id or name\n")


def test_a_user_is_deleted_and_its_name_is_free(run: Run) -> None:
    user_id = add(run).output.strip()
    assert run("delete", "alice") == Done(0, "", f"deleted {user_id}\n")
    assert read(run, "list") == []
    assert add(run).output.strip() != user_id
    assert read(run, "delete", "alice")["deleted"] is True


def test_users_are_listed_by_tenant(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    add(run)
    monkeypatch.setenv("DEFAULT_TENANT", "tenant-b")
    run("list")
    assert run("add", "--tenant", "tenant-b", "--username", "alice").status == 0
    assert len(read(run, "list")) == 2
    assert [user["tenant_id"] for user in read(run, "list", "--tenant", "tenant-b")] == ["tenant-b"]
    assert read(run, "lock", "alice")["tenant_id"] == "tenant-b"


def test_a_list_says_when_there_are_more(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEFAULT_TENANT", "tenant-b")
    run("list")
    monkeypatch.delenv("DEFAULT_TENANT")
    for tenant, name in (("default", "alice"), ("default", "bob"), ("tenant-b", "carol")):
        assert run("add", "--tenant", tenant, "--username", name).status == 0
    whole = [user["user_id"] for user in read(run, "list")]
    assert len(whole) == 3
    for limit in (1, 2):
        some = run("list", "--json", "--limit", str(limit))
        assert [user["user_id"] for user in json.loads(some.output)] == whole[:limit]
        assert some.messages == f"there are more than {limit}: --limit N shows more, --all shows all\n"
    for arguments in (("--limit", "3"), ("--limit", "2", "--all"), ()):
        done = run("list", *arguments)
        assert (done.status, done.messages) == (0, "")
        assert len(done.output.splitlines()) == 4
    assert run("list", "--limit", "0").status == 2
