# SPDX-License-Identifier: Apache-2.0
"""`tessera access-keys`: credentials of programs, which open session tokens for one user."""

from collections.abc import Awaitable, Sequence
from typing import Annotated, Any

import typer

from tessera_service.cli.lists import DEFAULT_LIMIT, All, Limit, read_lists
from tessera_service.cli.options import DataDir, Json, OnlyTenant, with_engine
from tessera_service.cli.output import complain, format_time, report, say, show_json, show_list, show_table
from tessera_service.engine import Engine
from tessera_service.models import AccessKeyRecord, Grant

commands = typer.Typer(help="Access keys", no_args_is_help=True)

UNKNOWN = "no access key has that id"
ONCE = "keep the secret: it is shown this once"

KeyId = Annotated[str, typer.Argument(help="The key's id, as `access-keys list` shows it")]


def parse_grant(text: str) -> Grant:
    """RESOURCE:PERMISSION; the last colon separates."""
    resource, colon, permission = text.rpartition(":")
    if not colon:
        raise typer.BadParameter("has to be RESOURCE:PERMISSION")
    return Grant(resource, permission)


@commands.command("create")
def create(
    tenant: Annotated[str, typer.Option("--tenant", help="The tenant that it acts in")],
    user: Annotated[str, typer.Option("--user", help="Whose session tokens it opens")],
    grant: Annotated[
        list[Grant] | None,
        typer.Option(
            "--grant",
            metavar="RESOURCE:PERMISSION",
            help="What its session tokens permit; * stands for any run of characters; may be given several times",
            parser=parse_grant,
        ),
    ] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Makes an access key and prints its id and its secret. A running service accepts it at once."""
    key_id, secret = with_engine(
        data_dir,
        lambda engine: engine.access_keys.create(tenant_id=tenant, subject=user, grants=tuple(grant or ())),
    )
    _show_secret(key_id, secret, as_json=as_json)


@commands.command("list")
def list_all(
    tenant: OnlyTenant = None,
    limit: Limit = DEFAULT_LIMIT,
    everything: All = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Lists access keys, newest first: never their secrets."""

    async def read(engine: Engine) -> Sequence[AccessKeyRecord]:
        def read_page(last: AccessKeyRecord | None) -> Awaitable[Sequence[AccessKeyRecord]]:
            return engine.access_keys.list(tenant, after=last)

        return await read_lists([read_page], limit=limit, everything=everything)

    found = with_engine(data_dir, read)
    head = ("ACCESS KEY", "TENANT", "USER", "STATUS", "CREATED", "GRANTS")
    show_list(found, head, _row, describe=_describe, as_json=as_json)


@commands.command("disable")
def disable(access_key_id: KeyId, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Ends an access key with all its session tokens. Running services refuse them within a second."""
    if not with_engine(data_dir, lambda engine: engine.access_keys.disable(access_key_id)):
        complain(UNKNOWN)
        raise typer.Exit(1)
    report("disabled", "access_key_id", access_key_id, as_json=as_json)


@commands.command("rotate")
def rotate(access_key_id: KeyId, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Gives an access key a new secret and prints it. The old one is refused; live session tokens go on."""

    async def renew(engine: Engine) -> str | None:
        return await engine.access_keys.rotate(access_key_id)

    secret = with_engine(data_dir, renew)
    if secret is None:
        complain(f"{UNKNOWN}, or it is disabled")
        raise typer.Exit(1)
    _show_secret(access_key_id, secret, as_json=as_json)


def _show_secret(key_id: str, secret: str, *, as_json: bool) -> None:
    if as_json:
        show_json({"access_key_id": key_id, "secret_access_key": secret})
    else:
        show_table(("ACCESS KEY", "SECRET"), [(key_id, secret)])
    say(ONCE)


def _status(key: AccessKeyRecord) -> str:
    return "active" if key.disabled_at is None else "disabled"


def _grants(key: AccessKeyRecord) -> list[str]:
    return [f"{grant.resource}:{grant.permission}" for grant in key.grants]


def _row(key: AccessKeyRecord) -> tuple[str, ...]:
    grants = " ".join(_grants(key))
    return key.access_key_id, key.tenant_id, key.subject, _status(key), format_time(key.created_at), grants


def _describe(key: AccessKeyRecord) -> dict[str, Any]:
    return {
        "access_key_id": key.access_key_id,
        "tenant_id": key.tenant_id,
        "user": key.subject,
        "status": _status(key),
        "grants": _grants(key),
        "created_at": format_time(key.created_at),
        "disabled_at": None if key.disabled_at is None else format_time(key.disabled_at),
    }
