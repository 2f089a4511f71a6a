# SPDX-License-Identifier: Apache-2.0
"""No session for a user that may have none: what every creation of one asks before it and looks at after it."""

from tessera_service.engine.config import EngineConfig
from tessera_service.engine.deadlines import answered_within
from tessera_service.engine.ends import Ends
from tessera_service.engine.liveness import Liveness
from tessera_service.engine.standing import may_have_sessions
from tessera_service.engine.user_sessions import OPERATOR, UserSessions
from tessera_service.engine.verifiers import Dead
from tessera_service.errors import Forbidden, StoreUnavailable
from tessera_service.models import Session, User
from tessera_service.storage.base import Directory, SessionStore

NOT_ACTIVE = "user_not_active"
_CHANGED = "user_changed"


class Births:
    """The record is read before the session is stored, and again afterwards: whoever locks the user in between either
    sees the session or is seen here, also if the user was unlocked again meanwhile."""

    def __init__(
        self,
        *,
        sessions: SessionStore,
        directory: Directory,
        user_sessions: UserSessions,
        liveness: Liveness,
        ends: Ends,
        config: EngineConfig,
    ) -> None:
        self._sessions = sessions
        self._directory = directory
        self._user_sessions = user_sessions
        self._liveness = liveness
        self._ends = ends
        self._config = config

    async def expect(self, tenant_id: str, subject: str) -> User | None:
        """The record of the subject, for `settle`. Forbidden if it may have no session; StoreUnavailable."""
        async with answered_within(self._config.store_timeout):
            user = await self._directory.get_user(tenant_id, subject)
        if not may_have_sessions(user):
            raise Forbidden
        return user

    async def settle(self, session: Session, expected: User | None, *, ticket: int) -> None:
        """Puts a session that was just stored where its tokens are judged. If its subject's record is not what was
        expected any more, the session is ended: Forbidden if it may have none now, else StoreUnavailable: what the
        session was made on does not hold, and whoever asks again gets one. `ticket` as of before it was stored."""
        user = await self._directory.get_user(session.tenant_id, session.subject)
        if not may_have_sessions(user):
            await self._end(session, NOT_ACTIVE)
            raise Forbidden
        if _version(user) != _version(expected):
            await self._end(session, _CHANGED)
            if user is None:  # deleted since: whoever did so may not have seen this session
                await self._user_sessions.erase(session.tenant_id, session.subject)
            raise StoreUnavailable
        try:
            self._liveness.remember(session, user, ticket=ticket)
        except Dead:  # signed in to by a user that is gone
            await self._end(session, NOT_ACTIVE)
            raise Forbidden from None

    async def _end(self, session: Session, reason: str) -> None:
        revocation = self._ends.of_session(session, reason=reason, revoked_by=OPERATOR, locked=reason == NOT_ACTIVE)
        ended = await self._sessions.revoke_session(session.session_id, revocation=revocation)
        self._ends.apply_session(ended or session)


def _version(user: User | None) -> tuple[str, int] | None:
    return None if user is None else (user.user_id, user.version)
