# SPDX-License-Identifier: Apache-2.0
"""`tessera config`: the settings as the service would read them."""

from typing import Any

import typer
from pydantic.fields import FieldInfo
from sqlalchemy.engine import make_url

from tessera_service.cli.options import DataDir, Json
from tessera_service.cli.output import complain, say, show_json, show_table
from tessera_service.installation import (
    InstallationError,
    check_database_place,
    check_master_keys,
    remembered_issuer,
)
from tessera_service.setting_names import setting_names
from tessera_service.setting_types import DurationRange
from tessera_service.settings import Settings, SettingsError, environment_name, load_settings, unknown_settings

commands = typer.Typer(help="Settings", no_args_is_help=True)

MASKED = "(secret)"
SECRETS = frozenset(
    {"redis_url", "master_key", "gateway_api_key", "otp_webhook_url", "otp_webhook_secret", "event_webhook_url"}
    | {"event_webhook_secret"}
)


@commands.command("check")
def check(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Lists every setting with both names, its value and where that comes from, and names what is wrong or
    hardly meant (which is status 0)."""
    problems = [
        f"{name}: no such setting" + (f"; did you mean {meant}?" if meant else "")
        for name, meant in unknown_settings().items()
    ]
    rows: list[dict[str, Any]] = []
    warnings: list[str] = []
    try:
        settings = load_settings(data_dir=data_dir)
        rows = describe_settings(settings)
        warnings = [f"{name}: {reason}" for name, reason in settings.doubts.items()]
        show_remembered(rows, remembered_issuer(settings))
        check_database_place(settings)
        check_master_keys(settings)
    except (SettingsError, InstallationError) as error:
        problems.insert(0, str(error))
    if as_json:
        show_json({"settings": rows, "problems": problems, "warnings": warnings})
    elif rows:
        head = ("name", "other_name", "value", "source", "note")
        show_table([name.upper().replace("_", " ") for name in head], [[row[name] for name in head] for row in rows])
    for warning in warnings:
        say(f"warning: {warning}")
    for problem in problems:
        complain(problem)
    if problems:
        raise typer.Exit(1)


def show_remembered(rows: list[dict[str, Any]], issuer: str | None) -> None:
    """Puts the issuer that the data directory remembers in the place of the default."""
    for row in rows:
        if row["name"] == "ISSUER" and issuer is not None:
            row.update(value=issuer, source="data directory")


def describe_settings(settings: Settings) -> list[dict[str, str]]:
    """One row per setting: both names, the value as people write it (secrets masked), source and note."""
    return [
        {
            "name": setting_names(name).documented,
            "other_name": setting_names(name).sectioned,
            "value": describe_value(settings, name, field),
            "source": (environment_name(name) or "option") if name in settings.model_fields_set else "default",
            "note": field.description or "",
        }
        for name, field in Settings.model_fields.items()
        if not field.exclude
    ]


def describe_value(settings: Settings, name: str, field: FieldInfo) -> str:
    """The value of one setting as people write it."""
    if name == "database":
        return make_url(settings.database_url).render_as_string(hide_password=True)
    value = getattr(settings, name)
    if name == "rate_limit" and value is None:
        return "off"
    if value is None or value in ((), {}):
        return "-"
    if name in SECRETS:
        return MASKED
    durations = [mark for mark in field.metadata if isinstance(mark, DurationRange)]
    if durations:
        return durations[0].format(value)
    return ",".join(map(str, value)) if isinstance(value, tuple | dict) else str(value)
