# SPDX-License-Identifier: Apache-2.0
import importlib.util
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tessera_service.installation import (
    InstallationError,
    check_database_place,
    create_once,
    load_master_keys,
    settle_issuer,
)
from tessera_service.settings import SettingsError, load_settings


def test_the_first_start_makes_a_key_for_its_owner_alone(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path / "data")

    (key,) = load_master_keys(settings)

    path = tmp_path / "data" / "master.key"
    assert len(key) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert load_master_keys(settings) == (key,)
    assert [entry.name for entry in path.parent.iterdir()] == ["master.key"]


def test_processes_that_start_at_once_agree_on_the_key(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tessera_service.installation import load_master_keys;"
        "from tessera_service.settings import load_settings;"
        "print(load_master_keys(load_settings(data_dir=Path(sys.argv[1])))[0].hex())"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "data")]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    printed = {process.communicate(timeout=60)[0] for process in started}

    assert len(printed) == 1
    assert len(printed.pop().strip()) == 64


def test_who_comes_second_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"

    assert create_once(path, b"first")
    assert not create_once(path, b"second")
    assert path.read_bytes() == b"first"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_key_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    settings = load_settings(data_dir=tmp_path)
    load_master_keys(settings)
    (tmp_path / "master.key").chmod(mode)

    with pytest.raises(SettingsError, match=r"open to others than its owner: chmod 600 "):
        load_master_keys(settings)


@pytest.mark.parametrize("content", [b"", b"\n", b"short", b"\xff\xfe", b"00" * 31])
def test_a_key_file_that_holds_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(0o600)

    with pytest.raises(SettingsError, match=r"^TESSERA_MASTER_KEY_FILE: "):
        load_master_keys(load_settings(data_dir=tmp_path / "data", master_key_file=path))


def test_a_key_file_that_is_named_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^TESSERA_MASTER_KEY_FILE: .*No such file"):
        load_master_keys(load_settings(data_dir=tmp_path / "data", master_key_file=tmp_path / "absent"))


def test_a_key_file_may_hold_older_keys(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(f"{'01' * 32}\n{'02' * 32}\n")
    path.chmod(0o600)

    keys = load_master_keys(load_settings(data_dir=tmp_path / "data", master_key_file=path))

    assert keys == (b"\x01" * 32, b"\x02" * 32)


def test_a_key_in_the_settings_makes_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TESSERA_MASTER_KEY", "01" * 32)

    assert load_master_keys(load_settings(data_dir=tmp_path / "data")) == (b"\x01" * 32,)
    assert not (tmp_path / "data").exists()


def test_a_data_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(InstallationError, match=r"^TESSERA_DATA_DIR: .*Not a directory"):
        load_master_keys(load_settings(data_dir=tmp_path / "file" / "data"))


def test_the_issuer_of_the_first_start_is_kept(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path)

    assert settle_issuer(settings, "http://127.0.0.1:4711").issuer == "http://127.0.0.1:4711"
    assert settle_issuer(settings, "http://127.0.0.1:4712").issuer == "http://127.0.0.1:4711"
    assert settle_issuer(settings).issuer == "http://127.0.0.1:4711"


def test_a_command_before_the_first_start_settles_the_issuer(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path)

    assert settle_issuer(settings).issuer == "http://127.0.0.1:8081"
    assert settle_issuer(settings, "http://127.0.0.1:4712").issuer == "http://127.0.0.1:8081"


def test_an_issuer_that_is_set_counts_and_is_remembered_by_the_server(tmp_path: Path) -> None:
    plain, given = load_settings(data_dir=tmp_path), load_settings(data_dir=tmp_path, issuer="https://id.example.org")
    settle_issuer(plain)

    assert settle_issuer(given).issuer == "https://id.example.org"
    assert settle_issuer(plain).issuer == "http://127.0.0.1:8081"
    assert settle_issuer(given, "http://127.0.0.1:4712").issuer == "https://id.example.org"
    assert settle_issuer(plain).issuer == "https://id.example.org"


def test_an_issuer_file_that_was_damaged_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "issuer").write_text("two words")

    with pytest.raises(InstallationError, match="remove it or set ISSUER"):
        settle_issuer(load_settings(data_dir=tmp_path))


def test_a_shared_database_needs_a_master_key_that_others_have_too(tmp_path: Path) -> None:
    load_master_keys(load_settings(data_dir=tmp_path))  # its own key, from before

    with pytest.raises(SettingsError, match=r"^TESSERA_MASTER_KEY: has to be set, or TESSERA_MASTER_KEY_FILE"):
        load_master_keys(load_settings(data_dir=tmp_path, database="postgresql://db/tessera"))


def test_a_server_without_its_driver_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(SettingsError, match=r"^DATABASE_URL: needs the extra postgres"):
        check_database_place(load_settings(data_dir=tmp_path, database="postgresql://db/tessera"))


@pytest.mark.parametrize("below", ["absent/data/tessera.db", "file/tessera.db", "file/data/tessera.db"])
def test_a_database_in_a_folder_that_cannot_be_names_the_setting(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("")
    settings = load_settings(data_dir=tmp_path, database=f"sqlite:///{tmp_path}/{below}")

    with pytest.raises(SettingsError, match=r"^DATABASE_URL: the folder of the file does not exist"):
        check_database_place(settings)


@pytest.mark.parametrize("below", ["tessera.db", "data/tessera.db", "50%25%20of/tessera.db"])
def test_a_database_in_a_folder_that_is_there_or_will_be_made_is_accepted(tmp_path: Path, below: str) -> None:
    (tmp_path / "50% of").mkdir()

    check_database_place(load_settings(data_dir=tmp_path, database=f"sqlite:///{tmp_path}/{below}"))
    check_database_place(load_settings(data_dir=tmp_path / "a" / "b"))

    assert [path.name for path in tmp_path.iterdir()] == ["50% of"]
