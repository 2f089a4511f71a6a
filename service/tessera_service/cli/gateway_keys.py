# SPDX-License-Identifier: Apache-2.0
"""`tessera gateway-keys`: what gateways show to make sessions."""

from collections.abc import Awaitable, Sequence
from typing import Annotated, Any

import typer

from tessera_service.cli.lists import DEFAULT_LIMIT, All, Limit, read_lists
from tessera_service.cli.options import DataDir, Json, OnlyTenant, with_engine
from tessera_service.cli.output import complain, format_time, report, say, show, show_json, show_list
from tessera_service.engine import Engine
from tessera_service.models import GatewayKey

commands = typer.Typer(help="Gateway keys", no_args_is_help=True)


@commands.command("create")
def create(
    tenant: Annotated[str, typer.Option("--tenant", help="The tenant that it acts in")],
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Makes a gateway key and prints it, alone: the value of X-Gateway-Key. A running service accepts it at once."""
    key = with_engine(data_dir, lambda engine: engine.gateway_keys.create(tenant))
    if as_json:
        show_json({"key_id": key.partition(".")[0], "gateway_key": key, "tenant_id": tenant})
    else:
        show(key)
    say("keep the key: it is shown this once")


@commands.command("list")
def list_all(
    tenant: OnlyTenant = None,
    limit: Limit = DEFAULT_LIMIT,
    everything: All = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Lists gateway keys, newest first: their ids, which are what a key begins with."""

    async def read(engine: Engine) -> Sequence[GatewayKey]:
        def read_page(last: GatewayKey | None) -> Awaitable[Sequence[GatewayKey]]:
            return engine.gateway_keys.list(tenant, after=last)

        return await read_lists([read_page], limit=limit, everything=everything)

    found = with_engine(data_dir, read)
    show_list(found, ("KEY ID", "TENANT", "STATUS", "CREATED"), _row, describe=_describe, as_json=as_json)


@commands.command("disable")
def disable(
    key_id: Annotated[str, typer.Argument(help="The key's id, as `gateway-keys list` shows it")],
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Ends a gateway key. Running services refuse it at once; the sessions that were made with it go on."""
    if not with_engine(data_dir, lambda engine: engine.gateway_keys.disable(key_id)):
        complain("no gateway key has that id")
        raise typer.Exit(1)
    report("disabled", "key_id", key_id, as_json=as_json)


def _status(key: GatewayKey) -> str:
    return "active" if key.disabled_at is None else "disabled"


def _row(key: GatewayKey) -> tuple[str, ...]:
    return key.key_id, key.tenant_id, _status(key), format_time(key.created_at)


def _describe(key: GatewayKey) -> dict[str, Any]:
    return {
        "key_id": key.key_id,
        "tenant_id": key.tenant_id,
        "status": _status(key),
        "created_at": format_time(key.created_at),
        "disabled_at": None if key.disabled_at is None else format_time(key.disabled_at),
    }
