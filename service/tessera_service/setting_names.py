# SPDX-License-Identifier: Apache-2.0
"""Every setting has two names: the documented one (`ACCESS_TOKEN_TTL`) and `TESSERA__SECTION__KEY` where an
environment is shared (`TESSERA__ACCESS__TOKEN_TTL`: the first underscore of the documented name, doubled)."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

_DOCUMENTED = {
    "data_dir": "TESSERA_DATA_DIR",
    "database": "DATABASE_URL",
    "master_key": "TESSERA_MASTER_KEY",
    "master_key_file": "TESSERA_MASTER_KEY_FILE",
}
_FIRST_WORD = "TESSERA__"
_SECTIONED = {"issuer": "TESSERA__TOKEN__ISSUER", "audience": "TESSERA__TOKEN__AUDIENCE"}

# A name that begins so is meant for this service; what desktops and shells set themselves is not.
_OWN_PREFIXES = (
    *("TESSERA_", "SESSION_", "JWT_", "ACCESS_TOKEN_", "REFRESH_TOKEN_", "REFRESH_REUSE_", "KEY_ROTATION_"),
    *("EVENT_WEBHOOK_", "EVENT_STREAM", "OUTBOX_RETENTION", "WEBHOOK_TIMEOUT"),
    *("GATEWAY_API_", "GATEWAY_ALLOW_", "LEGACY_QUERY_", "AUTHZ_POLIC", "LOGIN_MAX_", "OTP_"),
)
_FOREIGN = frozenset({"SESSION_MANAGER", "TESSERA_VECTORS", "TESSERA_FAULTS"})


class SettingNames(NamedTuple):
    """What the environment may call one setting."""

    documented: str
    sectioned: str


def setting_names(field: str) -> SettingNames:
    """Both names of the field of `Settings`."""
    documented = _DOCUMENTED.get(field, field.upper())
    plain = documented.removeprefix("TESSERA_")
    return SettingNames(documented, _SECTIONED.get(field) or _FIRST_WORD + plain.replace("_", "__", 1))


def read_setting(environment: Mapping[str, str], field: str) -> tuple[str, str] | None:
    """(name, value) of the name that is set; None if neither is. ValueError if both are, with different values."""
    found = [(name, environment[name]) for name in setting_names(field) if name in environment]
    if len(found) == 2 and found[0][1] != found[1][1]:
        raise ValueError(f"{found[0][0]}: {found[1][0]} is set too, to something else; set one of the two")
    return found[0] if found else None


def unknown_names(environment: Iterable[str], fields: Iterable[str]) -> dict[str, str | None]:
    """Names that look meant for this service but are no setting, with the setting that was probably meant."""
    known = [name for field in fields for name in setting_names(field)]
    unknown = {name for name in environment if _is_own(name, known)} - set(known) - _FOREIGN
    return {name: _probably_meant(name.upper(), known) for name in sorted(unknown)}


def _is_own(name: str, known: Sequence[str]) -> bool:
    """Nobody else's: it begins as ours do, whatever its case, or is a sectioned name without its first word."""
    return name.startswith(_OWN_PREFIXES) or name.upper().startswith("TESSERA_") or _FIRST_WORD + name.upper() in known


def _probably_meant(name: str, known: Sequence[str]) -> str | None:
    if _FIRST_WORD + name in known:
        return _FIRST_WORD + name
    return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.8)), None)
