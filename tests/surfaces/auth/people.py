# SPDX-License-Identifier: Apache-2.0
"""Users that can sign in."""

from collections.abc import Mapping
from typing import Any

from surfaces.auth.calls import PASSWORD, call, check_success
from surfaces.service_rig import TENANT, Rig
from tessera_service.engine.users import NewUser
from tessera_service.models import User
from tessera_service.surfaces.auth.operations import LOGIN


async def add_user(rig: Rig, username: str = "alice", *, tenant_id: str = TENANT, **members: Any) -> User:
    """A user with PASSWORD."""
    return await rig.engine.users.add(
        NewUser(tenant_id=tenant_id, username=username, **({"password": PASSWORD} | members))
    )


def by_name(username: str = "alice", password: str = PASSWORD) -> dict[str, str]:
    """The body of a sign-in."""
    return {"login_type": "local", "username": username, "password": password}


async def sign_in(rig: Rig, username: str = "alice", *, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """`data` of a sign-in with PASSWORD."""
    data = check_success(await call(rig, LOGIN, by_name(username), headers=headers))
    return dict(data)
