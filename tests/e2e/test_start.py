# SPDX-License-Identifier: Apache-2.0
"""A start that cannot succeed ends with one clear line and a status, and opens no port."""

import socket
import sqlite3
from pathlib import Path

import pytest

from e2e.process import run

pytestmark = pytest.mark.slow

CANARY = "canary-4711-secret"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ACCESS_TOKEN_TTL", CANARY),
        ("TESSERA__ACCESS__TOKEN_TTL", "25h"),
        ("SESSION_STORAGE_TYPE", CANARY),
        ("SESSION_STORAGE_TYPE", "redis"),
        ("DATABASE_URL", f"mysql://tessera:{CANARY}@localhost/tessera"),
        ("DATABASE_URL", f"sqlite:////{CANARY}/data/tessera.db"),
        ("TESSERA_MASTER_KEY", CANARY),
        ("TESSERA_MASTER_KEY_FILE", "/nonexistent/key"),
        ("RATE_LIMIT", "lots"),
    ],
)
def test_a_wrong_setting_stops_the_start(tmp_path: Path, name: str, value: str) -> None:
    done = run("serve", "--port", "0", "--data-dir", str(tmp_path), settings={name: value})

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"tessera: {name}: ")
    assert done.stderr.count("\n") == 1
    assert CANARY not in done.stderr


def test_a_port_in_use_stops_the_start(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run("serve", "--port", port, "--data-dir", str(tmp_path))

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"tessera: --host 127.0.0.1 --port {port}: Address already in use\n"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_another_master_key_stops_the_start(tmp_path: Path, workers: str) -> None:
    assert run("keys", "list", "--data-dir", str(tmp_path)).returncode == 0
    arguments = ("serve", "--port", "0", "--workers", workers, "--data-dir", str(tmp_path))

    done = run(*arguments, settings={"TESSERA_MASTER_KEY": "ab" * 32})

    assert (done.returncode, done.stdout) == (1, "")
    messages = [line for line in done.stderr.splitlines() if not line.startswith("{")]  # the rest is the log
    assert len(messages) == 1
    assert "TESSERA_MASTER_KEY" in messages[0]
    assert "abab" not in done.stderr


def test_a_database_that_is_none_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "tessera.db").write_bytes(b"this is no database" * 1000)

    done = run("serve", "--port", "0", "--data-dir", str(tmp_path))

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "tessera: the database cannot be opened\n"


def test_a_newer_schema_stops_the_start(tmp_path: Path) -> None:
    assert run("db", "upgrade", "--data-dir", str(tmp_path)).returncode == 0
    with sqlite3.connect(tmp_path / "tessera.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")

    done = run("serve", "--port", "0", "--data-dir", str(tmp_path))

    assert (done.returncode, done.stdout) == (1, "")
    assert "newer than this release" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_key_file_open_to_others_stops_the_start(tmp_path: Path) -> None:
    assert run("keys", "list", "--data-dir", str(tmp_path)).returncode == 0
    (tmp_path / "master.key").chmod(0o644)

    done = run("serve", "--port", "0", "--data-dir", str(tmp_path))

    assert done.returncode == 2
    assert "chmod 600" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_data_directory_that_cannot_be_made_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    done = run("serve", "--port", "0", "--data-dir", str(tmp_path / "file" / "data"))

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("tessera: TESSERA_DATA_DIR: ")


@pytest.mark.parametrize(
    "arguments", [("--port", "70000"), ("--port", "x"), ("--workers", "0"), ("--host", "no such host"), ("--nothing",)]
)
def test_wrong_usage_is_told(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = run("serve", "--data-dir", str(tmp_path), *arguments)

    assert done.returncode == (1 if "--host" in arguments else 2)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
