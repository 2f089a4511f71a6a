# SPDX-License-Identifier: Apache-2.0
"""`SessionStore` over Redis."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tessera_service.models import (
    LimitedCreation,
    Place,
    Revocation,
    RevokedOthers,
    Rotation,
    RotationResult,
    RotationStatus,
    Session,
    SessionCounts,
    SessionLimit,
    SessionPage,
    SessionStatus,
    Slide,
    SlideResult,
    SlideStatus,
    StoredState,
    SubjectRevocation,
    TokenRecord,
    UnendedSessions,
)
from tessera_service.storage import rules
from tessera_service.storage.redis.partition import Partition
from tessera_service.storage.redis.rows import (
    creation_given,
    event_given,
    session_fields,
    session_of,
    token_of,
    tokens_given,
    why_given,
)
from tessera_service.storage.redis.store import RedisStore
from tessera_service.storage.rules import events

AT_ONCE: Final = 200  # sessions that one script ends: all else waits for it
_NEWEST_MS: Final = 2**53  # no session was made later


class RedisSessionStore(RedisStore):
    """Sessions in Redis. Whatever concerns one subject is one step in one partition; what looks at all of a tenant, or
    at an access key or a jti alone, asks every partition, and is consistent for each."""

    async def create(self, session: Session) -> Session:
        part, given = self._home(session), creation_given(session)
        cutoff_ms = await part.step("create", given, *session_fields(session))
        if cutoff_ms is None:
            raise ValueError("session_id and every jti have to be new")
        return rules.born(session, int(cutoff_ms))

    async def create_limited(self, session: Session, *, limit: SessionLimit, eviction: Revocation) -> LimitedCreation:
        limited = {
            "max": limit.max_sessions,
            "rejects": limit.policy == "reject",
            "now": limit.now,
            "surface": rules.counted_surface(limit),
        }
        part = self._home(session)
        given = creation_given(session) | {"limit": _known(limited), "why": why_given(eviction)}
        done = await part.step("create_limited", given, *session_fields(session))
        if done is None:
            raise ValueError("session_id and every jti have to be new")
        if done == b"full":
            return LimitedCreation(None)
        cutoff_ms, evicted = done
        await part.write_marks()
        return LimitedCreation(rules.born(session, int(cutoff_ms)), tuple(map(session_of, evicted)))

    async def get(self, session_id: str) -> Session | None:
        part = self._of_session(session_id)
        if part is None:
            return None
        found, _ = await part.step("get", {"id": session_id})
        return _session(found)

    async def read_state(self, *, session_id: str, jti: str) -> StoredState:
        part = self._of_session(session_id)
        if part is None:
            return StoredState(None, jti_revoked=False)
        found, is_revoked = await part.step("get", {"id": session_id, "jti": jti})
        return StoredState(_session(found), bool(is_revoked))

    async def find_token(self, jti: str) -> TokenRecord | None:
        everywhere = await self._ask_all("find_token", {"jti": jti})
        return next((token_of(jti, found) for found in everywhere if found is not None), None)

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
        wanted = {
            "tenant": tenant_id,
            "subject": subject,
            "now": now,
            "status": SessionStatus.ACTIVE.value if active_only else None,
            "surface": surface,
        }
        if subject is not None or len(self.parts) == 1:
            part = self.parts[0] if subject is None else self._of_subject(tenant_id, subject)
            _, found = await part.step("list", wanted | {"limit": limit, "offset": offset})
            return [session_of(one) for one in found]
        pages = await self._ask_all("list", wanted | {"limit": limit + offset, "offset": 0})
        every = [session_of(one) for _, found in pages for one in found]
        every.sort(key=lambda session: (session.created_ms, session.session_id), reverse=True)
        return every[offset : offset + limit]

    async def page_sessions(
        self, tenant_id: str, *, subject: str, status: SessionStatus | None, now: int, limit: int, offset: int
    ) -> SessionPage:
        wanted = {"tenant": tenant_id, "subject": subject, "now": now, "limit": limit, "offset": offset}
        wanted |= {"status": None if status is None else status.value, "counted": True}
        total, found = await self._of_subject(tenant_id, subject).step("list", wanted)
        return SessionPage(tuple(map(session_of, found)), total)

    async def walk_unended(self, tenant_id: str, *, after: Place | None = None, limit: int = 500) -> UnendedSessions:
        number = 0 if after is None else after.part
        given = {"tenant": tenant_id, "after": None if after is None else after[1:], "limit": limit}
        found, last = await self.parts[number].step("walk", given)
        rest = None
        if last is not None:
            rest = Place(number, int(last[1]), last[0].decode())
        elif number + 1 < len(self.parts):
            rest = Place(number + 1, _NEWEST_MS, "")
        return UnendedSessions(tuple(map(session_of, found)), rest)

    async def count_sessions(self, tenant_id: str, *, surface: str, now: int) -> SessionCounts:
        given = {"tenant": tenant_id, "surface": surface, "now": now}
        counts = await self._ask_all("count", given)
        stopped, active, expired = (sum(kind) for kind in zip(*counts, strict=True))
        return SessionCounts(total=stopped + active + expired, active=active, expired=expired)

    async def rotate(self, rotation: Rotation) -> RotationResult:
        part = self._of_session(rotation.session_id)
        if part is None:
            return RotationResult(RotationStatus.NOT_FOUND)
        given = {
            "id": rotation.session_id,
            "presented": rotation.presented_jti,
            "now_ms": rotation.now_ms,
            "grace_ms": rotation.grace_ms,
            "kid": rotation.successor.kid,
            "refresh_jti": rotation.refresh_jti,
            "tokens": tokens_given(rotation.tokens),
            "expires": rotation.expires_at,
            "reuse": why_given(rotation.reuse),
            "spent_kept": rules.SPENT_KEPT,
        }
        payloads = (rotation.successor.access_payload, rotation.successor.refresh_payload)
        outcome, found = await part.step("rotate", given, *payloads)
        _check_new(outcome)
        status, session = RotationStatus(outcome.decode()), _session(found)
        if status is RotationStatus.REUSE_REVOKED:
            await part.write_marks()
        has_pair = session is not None and status in (RotationStatus.ROTATED, RotationStatus.REPLAYED)
        return RotationResult(status, session.successor if session is not None and has_pair else None, session)

    async def slide(self, slide: Slide) -> SlideResult:
        part = self._of_session(slide.session_id)
        if part is None:
            return SlideResult(SlideStatus.NOT_FOUND)
        given = {
            "id": slide.session_id,
            "presented": slide.presented_jti,
            "newest": {"jti": slide.newest.jti, "expires": slide.newest.expires_at, "kid": slide.newest.kid},
            "tokens": tokens_given([slide.token]),
            "expires": slide.expires_at,
            "now": slide.now,
        }
        outcome, found = await part.step("slide", given, slide.newest.payload)
        _check_new(outcome)
        status, session = SlideStatus(outcome.decode()), _session(found)
        has_newest = session is not None and status in (SlideStatus.SLID, SlideStatus.REPLAYED)
        return SlideResult(status, session.newest if session is not None and has_newest else None, session)

    async def touch(self, activities: Mapping[str, int]) -> None:
        rules.check_touch(activities)
        of_part: defaultdict[Partition, list[tuple[str, int]]] = defaultdict(list, {self.parts[0]: []})
        for session_id, active_ms in activities.items():
            part = self._of_session(session_id)
            if part is not None:
                of_part[part].append((session_id, active_ms))
        for part, own in of_part.items():
            await part.step("touch", {"activities": own})

    async def revoke_session(self, session_id: str, *, revocation: Revocation) -> Session | None:
        part = self._of_session(session_id)
        if part is None:
            return None
        found = await part.step("revoke_session", {"id": session_id, "why": why_given(revocation)})
        await part.write_marks()
        return _session(found)

    async def revoke_subject(self, tenant_id: str, subject: str, *, revocation: Revocation) -> SubjectRevocation:
        part = self._of_subject(tenant_id, subject)
        given = {"tenant": tenant_id, "subject": subject, "at_once": AT_ONCE} | _ending(revocation)
        left = b"before"
        while left == b"before":
            cutoff_ms, ended, left = await part.step("revoke_subject", given)
            if left is not None:
                await self._settle(part, tenant_id, subject)
        await part.write_marks()
        return SubjectRevocation(int(cutoff_ms), ended)

    async def revoke_others(self, tenant_id: str, subject: str, *, keep: str, revocation: Revocation) -> RevokedOthers:
        part = self._of_subject(tenant_id, subject)
        given = {"tenant": tenant_id, "subject": subject, "keep": keep, "at_once": AT_ONCE} | _ending(revocation)
        before: list[int] = []
        ended: list[Session] = []
        is_left = True
        while is_left:
            done = await part.step("revoke_others", given)
            if done is None:
                await self._settle(part, tenant_id, subject)
                continue
            active, some, is_left = done
            before.append(active)
            ended += map(session_of, some)
        await part.write_marks()
        ended.sort(key=lambda session: session.session_id)
        return RevokedOthers(tuple(ended), active_before=before[0])

    async def revoke_access_key_sessions(
        self, access_key_id: str, *, revocation: Revocation, limit: int = 500
    ) -> Sequence[Session]:
        given = {"key": access_key_id, "limit": limit} | _ending(revocation)
        everywhere = await self._ask_all("revoke_access_key_sessions", given)
        for part, ended in zip(self.parts, everywhere, strict=True):
            if ended:  # a key is one subject's: nowhere else
                await part.write_marks()
        return [session_of(one) for ended in everywhere for one in ended]

    async def revoke_token(self, token: TokenRecord, *, revocation: Revocation) -> bool:
        part = self._of_subject(token.tenant_id, token.subject)
        given = {
            "token": {
                "jti": token.jti,
                "session": token.session_id,
                "tenant": token.tenant_id,
                "subject": token.subject,
                "expires": token.expires_at,
            },
            "event": event_given(events.token_revoked(token, None, revocation)),
            "why": why_given(revocation),
        }
        is_new = await part.step("revoke_token", given)
        await part.write_marks()
        return bool(is_new)

    async def erase_subject(self, tenant_id: str, subject: str, *, limit: int = 500) -> int:
        given = {"tenant": tenant_id, "subject": subject, "limit": limit}
        return int(await self._of_subject(tenant_id, subject).step("erase_subject", given))

    async def purge(self, *, now: int, retention_seconds: int, limit: int = 500) -> int:
        gone = 0
        until_ms = (now - retention_seconds) * 1000
        for part in self.parts:
            settled, is_left = await part.step("settle", {"at_once": AT_ONCE})
            gone += settled
            if is_left:  # a session that goes before its event is written is never told of
                continue
            gone += await part.step("purge_sessions", {"until_ms": until_ms, "limit": limit})
            gone += await part.step("purge_tokens", {"now": now, "limit": limit})
            gone += await part.step("purge_successors", {"until_ms": now * 1000, "limit": limit})
        for part in self.parts:  # last: a full node, which takes none, is emptied all the same
            await part.write_marks()
        return gone

    async def _settle(self, part: Partition, tenant_id: str, subject: str) -> None:
        """Has all written that a revocation of the subject left to be written: steps in between are others'."""
        is_left = True
        while is_left:
            _, is_left = await part.step("settle", {"tenant": tenant_id, "subject": subject, "at_once": AT_ONCE})

    def _home(self, session: Session) -> Partition:
        """Where a new session lives. ValueError if its id says otherwise."""
        part = self._of_subject(session.tenant_id, session.subject)
        if self._of_session(session.session_id) is not part:
            raise ValueError("session_id has to carry the partition of its subject")
        return part


def _session(found: Any) -> Session | None:
    return None if found is None else session_of(found)


def _check_new(outcome: bytes) -> None:
    if outcome == b"taken":
        raise ValueError("every jti has to be new")


def _ending(revocation: Revocation) -> dict[str, Any]:
    return {"why": why_given(revocation), "alive_since_ms": rules.may_be_alive_since_ms(revocation.at_ms)}


def _known(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}
