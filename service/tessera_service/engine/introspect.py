# SPDX-License-Identifier: Apache-2.0
"""The answer about a token (RFC 7662 section 2.2), put together from its claims and its record."""

from tessera_service.engine.alive import Alive, alive
from tessera_service.engine.liveness import Liveness
from tessera_service.engine.snapshots import read_snapshot, session_snapshot
from tessera_service.engine.verifiers import Dead

INACTIVE = b'{"active":false}'
_WRONG_TYPE = "type_not_allowed"  # the first thing after the shape: it may be a refresh token


class Introspector:
    """One answer for every way of being dead, another tenant's token included."""

    def __init__(self, liveness: Liveness) -> None:
        self._liveness = liveness

    def answer_now(self, token: bytes, *, tenant_id: str) -> bytes | None:
        """The answer from memory; None when only `answer` can tell (always for a refresh token)."""
        try:
            found = self._liveness.check_now(token)
        except Dead as dead:
            return None if dead.cause == _WRONG_TYPE else INACTIVE
        return None if found is None else _answer(found, tenant_id=tenant_id)

    async def answer(self, token: bytes, *, tenant_id: str) -> bytes:
        """The answer; StoreUnavailable when it cannot be known."""
        try:
            return _answer(await self._check(token), tenant_id=tenant_id)
        except Dead:
            return INACTIVE

    async def _check(self, token: bytes) -> Alive:
        try:
            return await self._liveness.check(token)
        except Dead as dead:
            if dead.cause != _WRONG_TYPE:
                raise
        claims, session = await self._liveness.check_refresh(token)
        return alive(claims, read_snapshot(session_snapshot(session)))


def _answer(found: Alive, *, tenant_id: str) -> bytes:
    return found.introspection if found.caller.tenant_id == tenant_id else INACTIVE
