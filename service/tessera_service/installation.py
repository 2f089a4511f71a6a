# SPDX-License-Identifier: Apache-2.0
"""What an installation keeps in its data directory besides the database: the master key and the issuer.

Both are made by whoever comes first, complete or not at all; processes that start at once agree."""

import base64
import importlib.util
import os
import secrets
import stat
import tempfile
from pathlib import Path
from urllib.parse import unquote

from tessera_service.setting_types import MASTER_KEY_BYTES, check_name, parse_master_key
from tessera_service.settings import Settings, SettingsError

MASTER_KEY_NAME = "master.key"
ISSUER_NAME = "issuer"


class InstallationError(Exception):
    """The data directory cannot be used. The text is one line and holds no secret."""


def prepare_data_directory(settings: Settings) -> Path:
    """Makes the data directory, for its owner alone, if it is not there."""
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InstallationError(f"TESSERA_DATA_DIR: {settings.data_dir}: {error.strerror}") from None
    return settings.data_dir


def load_master_keys(settings: Settings) -> tuple[bytes, ...]:
    """The current master key, then older ones that still open rows: from the settings, else from the data directory,
    where the first process makes it. SettingsError, InstallationError."""
    if settings.master_key is not None:
        return tuple(key.get_secret_value() for key in settings.master_key)
    if settings.master_key_file is not None:
        return _read_keys(settings.master_key_file, name="TESSERA_MASTER_KEY_FILE")
    _check_own_key(settings)
    path = prepare_data_directory(settings) / MASTER_KEY_NAME
    if not path.exists():
        create_once(path, base64.b64encode(secrets.token_bytes(MASTER_KEY_BYTES)) + b"\n")
    return _read_keys(path, name="the master key")


def check_master_keys(settings: Settings) -> None:
    """Whether `load_master_keys` would find what it needs; makes nothing. SettingsError."""
    if settings.master_key is None and settings.master_key_file is None:
        _check_own_key(settings)
    if settings.master_key is None and (settings.master_key_file or (settings.data_dir / MASTER_KEY_NAME).exists()):
        load_master_keys(settings)


def check_database_place(settings: Settings) -> None:
    """Whether a server's database has its driver, and the file that DATABASE_URL names a folder, or one that can be
    made: its last part only, so that a mistyped path makes no tree of folders. SettingsError."""
    if settings.database is None:
        return
    if settings.database_is_shared:
        if importlib.util.find_spec("psycopg") is None:
            raise SettingsError("DATABASE_URL: needs the extra postgres: pip install 'tessera[postgres]'")
        return
    folder = Path(unquote(settings.database_url.partition(":///")[2])).absolute().parent
    if not (folder if folder.exists() else folder.parent).is_dir():
        raise SettingsError("DATABASE_URL: the folder of the file does not exist, nor the folder that it would be in")


def _check_own_key(settings: Settings) -> None:
    if settings.database_is_shared:
        raise SettingsError(
            "TESSERA_MASTER_KEY: has to be set, or TESSERA_MASTER_KEY_FILE: all who share the database need the same"
        )


def settle_issuer(settings: Settings, base_url: str | None = None) -> Settings:
    """Settings with the issuer that this installation keeps: ISSUER where it is set, else what the data directory
    remembers, else the default, remembered from now on. So a service token made by a command is accepted by a server
    on another port, and a restart on another port does not end sessions. A server gives its `base_url`: it is the
    default, and an ISSUER that is set is remembered too."""
    path = prepare_data_directory(settings) / ISSUER_NAME
    given = "issuer" in settings.model_fields_set
    try:
        if given and base_url is not None:
            _write_beside(path, settings.issuer.encode() + b"\n").replace(path)
        if given:
            return settings
        if not path.exists():
            create_once(path, (base_url or settings.issuer).encode() + b"\n")
    except OSError:
        raise _unusable_issuer(path) from None
    return settings.model_copy(update={"issuer": _read_issuer(path)})


def remembered_issuer(settings: Settings) -> str | None:
    """The issuer that `settle_issuer` would find in the data directory; None if ISSUER is set or none is remembered.
    Makes nothing. InstallationError."""
    path = settings.data_dir / ISSUER_NAME
    return None if "issuer" in settings.model_fields_set or not path.exists() else _read_issuer(path)


def _read_issuer(path: Path) -> str:
    try:
        return check_name(path.read_text(encoding="utf-8").strip())
    except (OSError, ValueError):
        raise _unusable_issuer(path) from None


def _unusable_issuer(path: Path) -> InstallationError:
    return InstallationError(f"{path}: cannot be used; remove it or set ISSUER")


def create_once(path: Path, content: bytes) -> bool:
    """Makes the file, for its owner alone, unless it exists; False if it did. It appears with all its content."""
    temporary = _write_beside(path, content)
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        return False
    except OSError as error:
        raise InstallationError(f"{path}: {error.strerror}") from None
    finally:
        temporary.unlink()
    _sync(path.parent)
    return True


def _write_beside(path: Path, content: bytes) -> Path:
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
    except OSError as error:
        raise InstallationError(f"{path}: {error.strerror}") from None
    return Path(name)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read_keys(path: Path, *, name: str) -> tuple[bytes, ...]:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(65_536).decode("ascii")
    except UnicodeDecodeError:
        text = ""
    except OSError as error:
        raise SettingsError(f"{name}: {path}: {error.strerror}") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SettingsError(f"{name}: {path} is open to others than its owner: chmod 600 {path}")
    try:
        keys = tuple(parse_master_key(line) for line in text.split())
    except ValueError as error:
        raise SettingsError(f"{name}: {path} {error}") from None
    if not keys:
        raise SettingsError(f"{name}: {path} holds no key")
    return keys
