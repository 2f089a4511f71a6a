# SPDX-License-Identifier: Apache-2.0
"""`tessera keys`: the signing keys of the installation."""

from collections.abc import Sequence
from typing import Annotated

import typer

from tessera_service.cli.options import DataDir, Json, with_engine
from tessera_service.cli.output import complain, format_time, report, show, show_json, show_one, show_table
from tessera_service.engine import Engine
from tessera_service.engine.key_schedule import KeyInfo

commands = typer.Typer(help="Signing keys", no_args_is_help=True)


@commands.command("list")
def list_all(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Lists the keys with their states."""
    infos: Sequence[KeyInfo] = with_engine(data_dir, lambda engine: engine.keys.list())
    times = [[format_time(time) for time in (one.created_at, one.activates_at, one.retires_at)] for one in infos]
    if as_json:
        names = ("created_at", "activates_at", "retires_at")
        show_json(
            [
                {"kid": one.kid, "state": str(one.state), **dict(zip(names, row, strict=True))}
                for one, row in zip(infos, times, strict=True)
            ]
        )
        return
    rows = [(one.kid, str(one.state), *row) for one, row in zip(infos, times, strict=True)]
    show_table(("KID", "STATE", "CREATED", "ACTIVATES", "RETIRES"), rows)


@commands.command("rotate")
def rotate(
    now: Annotated[
        bool, typer.Option("--now", help="Sign with it at once: verifiers that cached the key set may not know it yet")
    ] = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Makes the next key and prints its kid. It is published at once and signs when caches have had time to see it."""
    kid = with_engine(data_dir, lambda engine: engine.keys.rotate(immediately=now))
    show_one("kid", kid, as_json=as_json)


@commands.command("revoke")
def revoke(
    kid: Annotated[str, typer.Argument(help="The key, as `keys list` shows it")],
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Withdraws a key: every token that it signed is refused within a second. If it signed, a new key takes over."""

    async def withdraw(engine: Engine) -> bool:
        try:
            await engine.keys.revoke(kid)
        except LookupError:
            return False
        return True

    if not with_engine(data_dir, withdraw):
        complain("no key has that kid")
        raise typer.Exit(1)
    report("revoked", "kid", kid, as_json=as_json)


@commands.command("export")
def export(data_dir: DataDir = None) -> None:
    """Prints the public keys as a JWKS."""

    async def read(engine: Engine) -> str:
        return engine.keys.export_jwks()

    show(with_engine(data_dir, read))
