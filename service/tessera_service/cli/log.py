# SPDX-License-Identifier: Apache-2.0
"""`tessera log`: the revocation log."""

import typer

from tessera_service.cli.options import DataDir, Json, with_engine
from tessera_service.cli.output import say, show_one

commands = typer.Typer(help="The revocation log", no_args_is_help=True)


@commands.callback()
def describe() -> None:
    """What stands before a command."""


@commands.command("reset")
def reset(data_dir: DataDir = None, as_json: Json = False) -> None:
    """After a backup was restored, with the service stopped: ends every session that was opened until now, since some
    may have been revoked after the backup was made, and prints how many."""
    done = with_engine(data_dir, lambda engine: engine.restoration.reset())
    show_one("ended_sessions", str(done.ended), as_json=as_json)
    if done.younger:
        say(f"left alive, since this machine's clock says that they were opened after now: {done.younger} sessions")
    say("keys, tokens of services and users are as they were in the backup: end again what was ended since")
