# SPDX-License-Identifier: Apache-2.0
"""`tessera users`: who may sign in. A password is read from standard input: what stands in the arguments of a command
is seen by every program of the machine, and kept by the shell."""

import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from tessera_service.cli.lists import DEFAULT_LIMIT, All, Limit, ReadPage, read_lists
from tessera_service.cli.options import DataDir, Json, OnlyTenant, with_engine
from tessera_service.cli.output import complain, format_time, report, say, show, show_json, show_list
from tessera_service.engine import Engine, NewUser, UserChange, Users
from tessera_service.models import User, UserStatus

commands = typer.Typer(help="Users", no_args_is_help=True)

UNKNOWN = "no user of the tenant has that id or name"
_MAX_READ = 4096  # more than a password has

Step = Callable[[Users, str, str], Awaitable[User | None]]  # of the user of a tenant and an id

Name = Annotated[str | None, typer.Argument(metavar="USER", help="The user's id or name")]
Username = Annotated[str | None, typer.Option("--username", help="The user's name, in place of USER")]
TenantOf = Annotated[str | None, typer.Option("--tenant", help="The user's tenant [DEFAULT_TENANT]")]
Email = Annotated[str | None, typer.Option("--email", help="An address of e-mail, to sign in with instead of the name")]
Phone = Annotated[str | None, typer.Option("--phone", help="A phone number, with + in front, for one-time codes")]
Role = Annotated[list[str] | None, typer.Option("--role", help="A role; may be given several times")]
Permission = Annotated[list[str] | None, typer.Option("--permission", help="A permission; may be given several times")]
FromInput = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input")]


@commands.command("add")
def add(
    tenant: Annotated[str, typer.Option("--tenant", help="The tenant that the user belongs to")],
    username: Annotated[str | None, typer.Option("--username", help="The name to sign in with")] = None,
    email: Email = None,
    phone: Phone = None,
    role: Role = None,
    permission: Permission = None,
    password_stdin: FromInput = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Adds a user and prints its id. A running service knows it at once. Without a password it signs in by code."""
    new = NewUser(
        tenant_id=tenant,
        username=username,
        email=email,
        phone=phone,
        password=read_password() if password_stdin else None,
        roles=tuple(role or ()),
        permissions=tuple(permission or ()),
    )
    user = with_engine(data_dir, lambda engine: engine.users.add(new))
    if as_json:
        show_json(describe(user))
    else:
        show(user.user_id)


@commands.command("list")
def list_all(
    tenant: OnlyTenant = None,
    limit: Limit = DEFAULT_LIMIT,
    everything: All = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Lists users, newest first, one tenant after the other: never their passwords."""

    async def find(engine: Engine) -> Sequence[User]:
        tenants = [one.tenant_id for one in await engine.tenants.list()] if tenant is None else [tenant]
        return await read_lists([_of(engine, one) for one in tenants], limit=limit, everything=everything)

    found = with_engine(data_dir, find)
    head = ("USER", "TENANT", "USERNAME", "STATUS", "EMAIL", "PHONE", "ROLES", "PERMISSIONS")
    show_list(found, head, _row, describe=describe, as_json=as_json)


@commands.command("set")
def set_(
    name: Name = None,
    username: Username = None,
    tenant: TenantOf = None,
    email: Email = None,
    phone: Phone = None,
    role: Role = None,
    permission: Permission = None,
    no_roles: Annotated[bool, typer.Option("--no-roles", help="Take every role away")] = False,
    no_permissions: Annotated[bool, typer.Option("--no-permissions", help="Take every permission away")] = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Changes what is given and leaves the rest; --email '' takes the address away. The roles and permissions that are
    given take the place of those before: live sessions have them within a second."""
    if (role and no_roles) or (permission and no_permissions):
        raise typer.BadParameter("names some, and takes all away")
    change = UserChange(
        email=email,
        phone=phone,
        roles=() if no_roles else tuple(role) if role else None,
        permissions=() if no_permissions else tuple(permission) if permission else None,
    )
    if change == UserChange():
        raise typer.BadParameter("there is nothing to change")
    user = _act(data_dir, tenant, _one(name, username), lambda engine, user: engine.users.set(*_key(user), change))
    _report(user, "changed", as_json=as_json)


@commands.command("set-password")
def set_password(
    name: Name = None,
    username: Username = None,
    tenant: TenantOf = None,
    password_stdin: FromInput = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Gives a user another password and ends the user's sessions."""
    if not password_stdin:
        raise typer.BadParameter("give --password-stdin, and the password on standard input")
    password = read_password()
    user = _act(
        data_dir, tenant, _one(name, username), lambda engine, user: engine.users.set_password(*_key(user), password)
    )
    _report(user, "set the password of", as_json=as_json)


def _add_status_command(command: str, step: Step, done: str, about: str, *, other: str | None = None) -> None:
    """`tessera users COMMAND`, which `step` carries out. `other`: the command for a user who is not active after it."""

    @commands.command(command, help=about)
    def change_status(
        name: Name = None,
        username: Username = None,
        tenant: TenantOf = None,
        data_dir: DataDir = None,
        as_json: Json = False,
    ) -> None:
        user = _act(data_dir, tenant, _one(name, username), lambda engine, user: step(engine.users, *_key(user)))
        if other is not None:
            _demand_active(user, other)
        _report(user, done, as_json=as_json)


_add_status_command(
    "lock",
    Users.lock,
    "locked",
    "Ends every session of a user, who cannot sign in until unlocked. Running services know within a second.",
)
_add_status_command(
    "unlock",
    Users.unlock,
    "unlocked",
    "Lets a locked user sign in again. Sessions that ended stay ended.",
    other="enable",
)
_add_status_command("disable", Users.disable, "disabled", "As lock, for a user who is not to come back: until enabled.")
_add_status_command(
    "enable",
    Users.enable,
    "enabled",
    "Lets a disabled user sign in again. Sessions that ended stay ended.",
    other="unlock",
)


@commands.command("delete")
def delete(
    name: Name = None,
    username: Username = None,
    tenant: TenantOf = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Ends every session and access key of a user and removes the user, with all that sessions and events tell of the
    person. What is left are ids."""

    async def remove(engine: Engine, user: User) -> User | None:
        return user if await engine.users.delete(*_key(user)) else None

    user = _act(data_dir, tenant, _one(name, username), remove)
    report("deleted", "user_id", user.user_id, as_json=as_json)


def read_password() -> str:
    """The first line of standard input, without its end."""
    data = sys.stdin.buffer.readline(_MAX_READ)
    try:
        return data.removesuffix(b"\n").removesuffix(b"\r").decode()
    except UnicodeDecodeError:
        complain("the password is not UTF-8")
        raise typer.Exit(1) from None


def describe(user: User) -> dict[str, Any]:
    """For scripts: all but the password."""
    return {
        "user_id": user.user_id,
        "tenant_id": user.tenant_id,
        "username": user.username,
        "email": user.email,
        "phone": user.phone,
        "status": user.status.value,
        "roles": list(user.roles),
        "permissions": list(user.permissions),
        "has_password": user.password_hash is not None,
        "created_at": format_time(user.created_at),
    }


def _row(user: User) -> tuple[str, ...]:
    named = (user.user_id, user.tenant_id, user.username or "-", user.status.value)
    return *named, user.email or "-", user.phone or "-", " ".join(user.roles), " ".join(user.permissions)


def _act(
    data_dir: Path | None,
    tenant: str | None,
    name: str | None,
    step: Callable[[Engine, User], Awaitable[User | None]],
) -> User:
    if name is None:
        raise typer.BadParameter("name the user: by id, or by name")

    async def find_and_act(engine: Engine) -> User | None:
        user = await engine.users.find(engine.tenants.default if tenant is None else tenant, name)
        return None if user is None else await step(engine, user)

    user = with_engine(data_dir, find_and_act)
    if user is None:
        complain(UNKNOWN)
        raise typer.Exit(1)
    return user


def _one(name: str | None, username: str | None) -> str | None:
    if name is not None and username is not None:
        raise typer.BadParameter("name the user once: by USER, or by --username")
    return username if name is None else name


def _of(engine: Engine, tenant_id: str) -> ReadPage[User]:
    return lambda last: engine.users.list(tenant_id, after=last)


def _key(user: User) -> tuple[str, str]:
    return user.tenant_id, user.user_id


def _demand_active(user: User, command: str) -> None:
    if user.status is not UserStatus.ACTIVE:
        complain(f"the user is {user.status.value}: tessera users {command}")
        raise typer.Exit(1)


def _report(user: User, done: str, *, as_json: bool) -> None:
    if as_json:
        show_json(describe(user))
    else:
        say(f"{done} {user.user_id}")
