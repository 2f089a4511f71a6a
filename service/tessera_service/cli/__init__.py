# SPDX-License-Identifier: Apache-2.0
"""The command line: `tessera serve`, and what operators do beside a running service.

Results alone go to standard output, messages to standard error. Status 0: done; 1: refused or failed; 2: wrong usage or
a wrong setting."""

import atexit
import gc
import os
import sys
from typing import Annotated, NoReturn

import typer

import tessera
from tessera_service.cli import access_keys, config, database, gateway_keys, keys, log, serve, tenants, tokens, users
from tessera_service.cli.output import complain, explain, show
from tessera_service.errors import ServiceError, StartupError
from tessera_service.installation import InstallationError
from tessera_service.logs import plain_line
from tessera_service.server.listener import PortError
from tessera_service.settings import SettingsError

app = typer.Typer(
    name="tessera",
    help="Tokens and sessions: a service, and the tools of its operators.",
    epilog="Besides, without the service: tessera keygen, sign, verify, jwks.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("serve")(serve.serve)
app.add_typer(tenants.commands, name="tenants")
app.add_typer(users.commands, name="users")
app.add_typer(tokens.commands, name="tokens")
app.add_typer(access_keys.commands, name="access-keys")
app.add_typer(gateway_keys.commands, name="gateway-keys")
app.add_typer(keys.commands, name="keys")
app.add_typer(log.commands, name="log")
app.add_typer(config.commands, name="config")
app.add_typer(database.commands, name="db")


def _show_version(asked: bool) -> None:
    if asked:
        show(f"tessera {tessera.__version__}")
        raise typer.Exit


@app.callback()
def describe(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """What stands before a command."""


def main() -> NoReturn:
    """Runs the command of `sys.argv` and ends the process with its status."""
    gc.freeze()  # what was imported is nothing that a collection has to look through
    atexit.register(gc.freeze)  # a process that ends need not look for what it could free first
    os.umask(0o077)  # what commands and service write is for their owner alone
    try:
        app()
    except SettingsError as error:
        complain(str(error))
        sys.exit(2)
    except (InstallationError, StartupError, PortError) as error:
        complain(plain_line(str(error)))
    except ServiceError as error:
        complain(explain(error))
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(1)
