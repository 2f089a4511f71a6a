# SPDX-License-Identifier: Apache-2.0
"""`tessera tokens`: service tokens, the credentials of programs that call the service."""

import time
from collections.abc import Awaitable, Sequence
from functools import partial
from typing import Annotated, Any

import typer

from tessera_service.cli.lists import DEFAULT_LIMIT, All, Limit, read_lists
from tessera_service.cli.options import DataDir, Json, OnlyTenant, parse_seconds, with_engine
from tessera_service.cli.output import complain, format_time, report, show, show_json, show_list
from tessera_service.engine import Engine
from tessera_service.models import ServiceToken

commands = typer.Typer(help="Service tokens", no_args_is_help=True)


@commands.command("mint")
def mint(
    tenant: Annotated[str, typer.Option("--tenant", help="The tenant that the token acts in")],
    subject: Annotated[str, typer.Option("--subject", help="Who presents it")],
    permission: Annotated[
        list[str] | None, typer.Option("--permission", help="What it may do; may be given several times")
    ] = None,
    ttl: Annotated[int, typer.Option("--ttl", help="How long it lives", parser=parse_seconds)] = "1h",  # type: ignore[assignment] # the parser reads it
    client_id: Annotated[str | None, typer.Option("--client-id", help="Its client_id [the subject]")] = None,
    all_tenants: Annotated[bool, typer.Option("--all-tenants", help="It may act in every tenant")] = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Makes a service token and prints it, alone. A running service accepts it at once."""
    token = with_engine(
        data_dir,
        lambda engine: engine.service_tokens.mint(
            tenant_id=tenant,
            subject=subject,
            permissions=tuple(permission or ()),
            ttl_seconds=ttl,
            client_id=client_id,
            all_tenants=all_tenants,
        ),
    )
    if as_json:
        show_json({"token": token, "expires_in": ttl})
    else:
        show(token)


@commands.command("list")
def list_all(
    tenant: OnlyTenant = None,
    limit: Limit = DEFAULT_LIMIT,
    everything: All = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Lists service tokens, newest first: their ids, never the tokens."""

    async def read(engine: Engine) -> Sequence[ServiceToken]:
        def read_page(last: ServiceToken | None) -> Awaitable[Sequence[ServiceToken]]:
            return engine.service_tokens.list(tenant, after=last)

        return await read_lists([read_page], limit=limit, everything=everything)

    found = with_engine(data_dir, read)
    now = int(time.time())
    head = ("JTI", "TENANT", "SUBJECT", "STATUS", "EXPIRES", "PERMISSIONS")
    show_list(found, head, partial(_row, now=now), describe=partial(_describe, now=now), as_json=as_json)


@commands.command("revoke")
def revoke(
    jti: Annotated[str, typer.Argument(help="The token's id, as `tokens list` shows it")],
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Ends a service token. Running services refuse it within a second."""
    if not with_engine(data_dir, lambda engine: engine.service_tokens.revoke(jti)):
        complain("no service token has that id")
        raise typer.Exit(1)
    report("revoked", "jti", jti, as_json=as_json)


def _status(token: ServiceToken, now: int) -> str:
    if token.revoked_at is not None:
        return "revoked"
    return "expired" if now >= token.expires_at else "active"


def _row(token: ServiceToken, now: int) -> tuple[str, ...]:
    permissions = " ".join(token.permissions)
    return token.jti, token.tenant_id, token.subject, _status(token, now), format_time(token.expires_at), permissions


def _describe(token: ServiceToken, now: int) -> dict[str, Any]:
    return {
        "jti": token.jti,
        "tenant_id": token.tenant_id,
        "subject": token.subject,
        "client_id": token.client_id,
        "status": _status(token, now),
        "permissions": list(token.permissions),
        "all_tenants": token.all_tenants,
        "created_at": format_time(token.created_ms // 1000),
        "expires_at": format_time(token.expires_at),
    }
