# SPDX-License-Identifier: Apache-2.0
"""`tessera keys`: the signing keys of the installation."""

from collections.abc import Sequence
from typing import Annotated, Final

import typer

from tessera_service.cli.options import DataDir, Json, with_engine
from tessera_service.cli.output import complain, format_time, report, say, show, show_json, show_one, show_table
from tessera_service.engine import Engine
from tessera_service.engine.key_schedule import KeyInfo
from tessera_service.engine.rewrapping import Rewrapped

# What `rewrap` may leave, and what cures it.
_STILL_OLDER: Final = {
    "signing_keys": "made meanwhile by an instance that has it first: restart that one, then call this again",
    "access_keys": "tessera access-keys rotate ID",
    "gateway_keys": "make others, then tessera gateway-keys disable ID",
}

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


@commands.command("rewrap")
def rewrap(data_dir: DataDir = None, as_json: Json = False) -> None:
    """After the master key was changed: seals the private keys that rest under an older one again under the first, and
    prints how many, and how many did already. Says what needs an older one still, up to 1,000 of each kind."""
    done: Rewrapped = with_engine(data_dir, lambda engine: engine.rewrapping.run())
    if as_json:
        left = {name: getattr(done, name) for name in _STILL_OLDER}
        show_json({"rewrapped": done.rewrapped, "already": done.already, "left": left})
    else:
        show_table(("REWRAPPED", "ALREADY"), [(str(done.rewrapped), str(done.already))])
    for name, cure in _STILL_OLDER.items():
        if ids := getattr(done, name):
            say(f"{name.replace('_', ' ')} still under an older master key: {' '.join(ids)}: {cure}")
    if not any(getattr(done, name) for name in _STILL_OLDER):
        say("nothing needs an older master key any more")


@commands.command("export")
def export(data_dir: DataDir = None) -> None:
    """Prints the public keys as a JWKS."""

    async def read(engine: Engine) -> str:
        return engine.keys.export_jwks()

    show(with_engine(data_dir, read))
