# SPDX-License-Identifier: Apache-2.0
"""`tessera db`: the schema of the directory's database."""

import typer

from tessera_service.cli.options import DataDir, Json
from tessera_service.cli.output import complain, say, show_one
from tessera_service.errors import ServiceError
from tessera_service.installation import prepare_data_directory
from tessera_service.settings import load_settings

commands = typer.Typer(help="The database", no_args_is_help=True)


@commands.command("upgrade")
def upgrade(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Makes the database, or brings its schema up to date, and prints the schema's revision. `serve` does it too."""
    from tessera_service.app import upgrade_database

    settings = load_settings(data_dir=data_dir)
    prepare_data_directory(settings)
    show_one("revision", upgrade_database(settings), as_json=as_json)


@commands.command("check")
def check(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Looks whether the database is whole and of this release's schema, and prints its revision. Changes nothing."""
    from tessera_service.app import check_database

    try:
        show_one("revision", check_database(load_settings(data_dir=data_dir)), as_json=as_json)
    except ServiceError as error:
        complain(str(error) or "the database cannot be opened")
        raise typer.Exit(1) from None
    say("the database is whole")
