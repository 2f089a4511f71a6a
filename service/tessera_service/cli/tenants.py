# SPDX-License-Identifier: Apache-2.0
"""`tessera tenants`: the tenants of the installation."""

from typing import Annotated

import typer

from tessera_service.cli.options import DataDir, Json, with_engine
from tessera_service.cli.output import format_time, say, show, show_json, show_table
from tessera_service.setting_types import check_tenant_id

commands = typer.Typer(help="Tenants", no_args_is_help=True)


def _tenant_id(text: str) -> str:
    try:
        return check_tenant_id(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


@commands.command("add")
def add(
    tenant: Annotated[str, typer.Argument(help="Letters, digits, dot, underscore, hyphen", parser=_tenant_id)],
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Adds a tenant. A running service knows it at once. It may be there already."""
    added = with_engine(data_dir, lambda engine: engine.tenants.add(tenant))
    if not added:
        say(f"tenant {tenant} was there already")
    if as_json:
        show_json({"tenant_id": tenant, "added": added})
    else:
        show(tenant)


@commands.command("list")
def list_all(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Lists the tenants."""
    tenants = with_engine(data_dir, lambda engine: engine.tenants.list())
    if as_json:
        show_json([{"tenant_id": one.tenant_id, "created_at": format_time(one.created_at)} for one in tenants])
    else:
        show_table(("TENANT", "CREATED"), [(one.tenant_id, format_time(one.created_at)) for one in tenants])
