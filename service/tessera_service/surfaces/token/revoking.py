# SPDX-License-Identifier: Apache-2.0
"""What POST /v1/token/revoke does once its body is read."""

from tessera_service.engine.tokens import TokenEngine
from tessera_service.errors import InvalidInput
from tessera_service.models import Caller
from tessera_service.surfaces.token.schemas import RevokeBody


def choose_target(body: RevokeBody) -> str | None:
    """Which member says what to revoke: None for the current session. InvalidInput for several; `sub` may stand
    beside `all`, which means the same of it."""
    named = body.model_fields_set - ({"all"} if not body.all or "sub" in body.model_fields_set else set())
    if len(named) > 1:
        raise InvalidInput
    return next(iter(named), None)


async def revoke_target(tokens: TokenEngine, caller: Caller, body: RevokeBody) -> None:
    """Revokes what the body names, within the caller's tenant."""
    match choose_target(body):
        case "session_id":
            await tokens.revoke_session(caller, body.session_id)
        case "sub":
            await tokens.revoke_subject(caller, body.sub)
        case "all":
            await tokens.revoke_subject(caller, None)
        case "token":
            await tokens.revoke_token(caller, body.token)
        case "jti":
            await tokens.revoke_jti(caller, body.jti)
        case _:
            await tokens.revoke_current(caller)
