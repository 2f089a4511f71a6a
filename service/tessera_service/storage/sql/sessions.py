# SPDX-License-Identifier: Apache-2.0
"""`SessionStore` over SQL."""

from collections.abc import Mapping, Sequence
from functools import partial

from tessera_service.models import (
    LimitedCreation,
    Place,
    Revocation,
    RevokedOthers,
    Rotation,
    RotationResult,
    Session,
    SessionCounts,
    SessionLimit,
    SessionPage,
    SessionStatus,
    Slide,
    SlideResult,
    StoredState,
    SubjectRevocation,
    TokenRecord,
    UnendedSessions,
)
from tessera_service.storage import rules
from tessera_service.storage.sql import list_steps, purge_steps, revoke_steps
from tessera_service.storage.sql import session_steps as steps
from tessera_service.storage.sql.directory import SqlDirectory
from tessera_service.storage.sql.store import SqlStore


class SqlSessionStore(SqlStore):
    """Sessions in the database of a directory, with one log for both."""

    def __init__(self, directory: SqlDirectory) -> None:
        super().__init__(directory.database)

    def partition_of(self, tenant_id: str, subject: str) -> None:
        """Sessions are all in one place."""

    async def create(self, session: Session) -> Session:
        return await self._write(partial(steps.create, session=session))

    async def create_limited(self, session: Session, *, limit: SessionLimit, eviction: Revocation) -> LimitedCreation:
        step = partial(steps.create_limited, session=session, limit=limit, eviction=eviction)
        return await self._write(step)

    async def get(self, session_id: str) -> Session | None:
        return await self._read(partial(steps.get, session_id=session_id))

    async def read_state(self, *, session_id: str, jti: str) -> StoredState:
        return await self._read(partial(steps.read_state, session_id=session_id, jti=jti))

    async def find_token(self, jti: str) -> TokenRecord | None:
        return await self._read(partial(steps.find_token, jti=jti))

    async def rotate(self, rotation: Rotation) -> RotationResult:
        return await self._write(partial(steps.rotate, rotation=rotation))

    async def slide(self, slide: Slide) -> SlideResult:
        return await self._write(partial(steps.slide, wanted=slide))

    async def touch(self, activities: Mapping[str, int]) -> None:
        rules.check_touch(activities)
        await self._write(partial(steps.touch, activities=dict(activities)))

    async def list_sessions(
        self,
        tenant_id: str,
        *,
        subject: str | None,
        now: int,
        active_only: bool,
        surface: str | None = None,
        limit: int,
        offset: int = 0,
    ) -> Sequence[Session]:
        step = partial(
            list_steps.list_sessions,
            tenant_id=tenant_id,
            subject=subject,
            now=now,
            active_only=active_only,
            surface=surface,
            limit=limit,
            offset=offset,
        )
        return await self._read(step)

    async def page_sessions(
        self, tenant_id: str, *, subject: str, status: SessionStatus | None, now: int, limit: int, offset: int
    ) -> SessionPage:
        step = partial(
            list_steps.page_sessions,
            tenant_id=tenant_id,
            subject=subject,
            status=status,
            now=now,
            limit=limit,
            offset=offset,
        )
        return await self._read(step)

    async def walk_unended(self, tenant_id: str, *, after: Place | None = None, limit: int = 500) -> UnendedSessions:
        step = partial(list_steps.walk_unended, tenant_id=tenant_id, after=after, limit=limit)
        return await self._read(step)

    async def count_sessions(self, tenant_id: str, *, surface: str, now: int) -> SessionCounts:
        return await self._read(partial(list_steps.count_sessions, tenant_id=tenant_id, surface=surface, now=now))

    async def revoke_session(self, session_id: str, *, revocation: Revocation) -> Session | None:
        return await self._write(partial(revoke_steps.revoke_session, session_id=session_id, revocation=revocation))

    async def revoke_subject(self, tenant_id: str, subject: str, *, revocation: Revocation) -> SubjectRevocation:
        step = partial(revoke_steps.revoke_subject, tenant_id=tenant_id, subject=subject, revocation=revocation)
        return await self._write(step)

    async def revoke_others(self, tenant_id: str, subject: str, *, keep: str, revocation: Revocation) -> RevokedOthers:
        step = partial(
            revoke_steps.revoke_others, tenant_id=tenant_id, subject=subject, keep=keep, revocation=revocation
        )
        return await self._write(step)

    async def revoke_access_key_sessions(
        self, access_key_id: str, *, revocation: Revocation, limit: int = 500
    ) -> Sequence[Session]:
        step = partial(
            revoke_steps.revoke_access_key_sessions, access_key_id=access_key_id, revocation=revocation, limit=limit
        )
        return await self._write(step)

    async def revoke_token(self, token: TokenRecord, *, revocation: Revocation) -> bool:
        return await self._write(partial(revoke_steps.revoke_token, token=token, revocation=revocation))

    async def erase_subject(self, tenant_id: str, subject: str, *, limit: int = 500) -> int:
        return await self._write(partial(steps.erase_subject, tenant_id=tenant_id, subject=subject, limit=limit))

    async def purge(self, *, now: int, retention_seconds: int, limit: int = 500) -> int:
        until_ms = (now - retention_seconds) * 1000
        gone = await self._write(partial(purge_steps.purge_sessions, until_ms=until_ms, limit=limit))
        gone += await self._write(partial(purge_steps.purge_tokens, now=now, limit=limit))
        return gone + await self._write(partial(purge_steps.purge_successors, until_ms=now * 1000, limit=limit))
