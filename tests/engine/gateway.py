# SPDX-License-Identifier: Apache-2.0
"""What a gateway does in a world."""

from typing import Any

from engine.world import TENANT, World
from tessera_service.engine import GatewayClient, GatewayRequest, Validation
from tessera_service.models import Session, TokenKind

SPAN = 1800
THRESHOLD = 300
LIFETIME = 7_776_000


def request(user_id: str = "alice", **changes: Any) -> GatewayRequest:
    """A session to be made."""
    values: dict[str, Any] = {"user_id": user_id, "username": "Alice A.", "role_name": "admin"}
    return GatewayRequest(**(values | {"permissions": ("read", "write")} | changes))


async def create(
    world: World, user_id: str = "alice", *, tenant_id: str = TENANT, held: tuple[str, ...] = (), **changes: Any
) -> tuple[Session, str]:
    """A session made by a client that holds `held`, and its token."""
    client = GatewayClient(tenant_id, "edge", frozenset(held))
    return await world.engine.gateway.create(client, request(user_id, **changes))


async def validate(world: World, token: str, *, tenant_id: str | None = None, engine: int = 0) -> Validation:
    """What one process says of a token."""
    return await world.engines[engine].gateway.validate(token, tenant_id=tenant_id)


def forge_access(world: World, session: Session, **draft: Any) -> str:
    """A genuine access token of that session which the store knows nothing of."""
    values = {"session_id": session.session_id, "subject": session.subject}
    return world.forge(TokenKind.ACCESS, **(values | draft))


async def last_activity_ms(world: World, session: Session) -> int:
    """What the store has."""
    return (await world.session(session.session_id)).last_activity_ms
