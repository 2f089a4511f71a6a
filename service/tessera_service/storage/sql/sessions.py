# SPDX-License-Identifier: Apache-2.0
"""`SessionStore` over SQL."""

from collections.abc import Sequence
from functools import partial

from tessera_service.models import Revocation, Rotation, RotationResult, Session, StoredState, TokenRecord
from tessera_service.storage.sql import session_steps as steps
from tessera_service.storage.sql.directory import SqlDirectory
from tessera_service.storage.sql.store import SqlStore


class SqlSessionStore(SqlStore):
    """Sessions in the database of a directory, with one log for both."""

    def __init__(self, directory: SqlDirectory) -> None:
        super().__init__(directory.database)

    async def create(self, session: Session) -> Session:
        return await self._write(partial(steps.create, session=session))

    async def get(self, session_id: str) -> Session | None:
        return await self._read(partial(steps.get, session_id=session_id))

    async def read_state(self, *, session_id: str, jti: str) -> StoredState:
        return await self._read(partial(steps.read_state, session_id=session_id, jti=jti))

    async def find_token(self, jti: str) -> TokenRecord | None:
        return await self._read(partial(steps.find_token, jti=jti))

    async def rotate(self, rotation: Rotation) -> RotationResult:
        return await self._write(partial(steps.rotate, rotation=rotation))

    async def revoke_session(self, session_id: str, *, revocation: Revocation) -> Session | None:
        return await self._write(partial(steps.revoke_session, session_id=session_id, revocation=revocation))

    async def revoke_subject(self, tenant_id: str, subject: str, *, revocation: Revocation) -> Sequence[Session]:
        step = partial(steps.revoke_subject, tenant_id=tenant_id, subject=subject, revocation=revocation)
        return await self._write(step)

    async def revoke_token(self, token: TokenRecord, *, revocation: Revocation) -> bool:
        return await self._write(partial(steps.revoke_token, token=token, revocation=revocation))

    async def purge(self, *, now: int, retention_seconds: int, limit: int = 500) -> int:
        until_ms = (now - retention_seconds) * 1000
        gone = await self._write(partial(steps.purge_sessions, until_ms=until_ms, limit=limit))
        gone += await self._write(partial(steps.purge_tokens, now=now, limit=limit))
        return gone + await self._write(partial(steps.purge_successors, until_ms=now * 1000, limit=limit))
