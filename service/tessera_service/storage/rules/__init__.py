# SPDX-License-Identifier: Apache-2.0
"""What happens to a session, as plain functions: a store reads a session, asks here, and writes what comes back."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from tessera_service.models import (
    Revocation,
    Rotation,
    RotationResult,
    RotationStatus,
    Session,
    SessionLimit,
    SessionMetadata,
    SessionStatus,
    Slide,
    SlideResult,
    SlideStatus,
    SpentToken,
    TokenRecord,
)
from tessera_service.storage.base import ANY_CLOCK_MS, CUT_OFF, TOUCHED_AT_ONCE

SPENT_KEPT: Final = 32  # spent tokens that a session names itself: a client that rotates without pause makes no more


def born(session: Session, cutoff_ms: int) -> Session:
    """The session as it is stored and returned, apart from its tokens: later than every cut-off of its subject, and
    active when it is born."""
    created_ms = max(session.created_ms, cutoff_ms + 1)
    active_ms = max(session.last_activity_ms, created_ms)
    return replace(session, created_ms=created_ms, last_activity_ms=active_ms, tokens=())


def seen_under(session: Session, cutoff_ms: int) -> Session:
    """The session as its subject's cut-off lets it be seen."""
    if session.revoked_ms is not None or session.created_ms > cutoff_ms:
        return session
    return replace(session, revoked_ms=cutoff_ms, revoked_reason=CUT_OFF, revoked_by=None)


def over_ms(session: Session) -> int:
    """When the session ended, or will end if nothing happens to it (milliseconds)."""
    if session.revoked_ms is not None:
        return session.revoked_ms
    return min(session.expires_at, session.ends_at) * 1000


def raised_cutoff(cutoff_ms: int, newest_created_ms: int, revocation: Revocation) -> int:
    """The cut-off after a revocation of the subject; `newest_created_ms` is 0 if it has no session."""
    return max(cutoff_ms, newest_created_ms, revocation.at_ms)


def may_end(session: Session) -> bool:
    """Whether there is anything left to revoke. A session whose time is over by this process's clock may be alive by
    another's."""
    return session.revoked_ms is None and not session.locked


def may_be_alive(session: Session, at_ms: int) -> bool:
    """Whether the session, as `seen_under` its cut-off, is left to be ended together with others: by a clock that is
    not wrong by a day it is alive or has just been."""
    return may_end(session) and over_ms(session) > may_be_alive_since_ms(at_ms)


def may_be_alive_since_ms(at_ms: int) -> int:
    """What was over at that time is over by any clock."""
    return at_ms - ANY_CLOCK_MS


def ended(session: Session, revocation: Revocation) -> Session:
    """The session after its revocation."""
    return replace(
        session,
        locked=revocation.locked,
        revoked_ms=revocation.at_ms,
        revoked_reason=revocation.reason,
        revoked_by=revocation.revoked_by,
        successor=None,
        successor_until_ms=None,
        newest=None,
    )


def erased(session: Session) -> Session:
    """The session without what says who and where its user was: payloads of tokens name the user too."""
    return replace(
        session, username=None, metadata=SessionMetadata(), successor=None, successor_until_ms=None, newest=None
    )


def check_touch(activities: Mapping[str, int]) -> None:
    """ValueError for more sessions than one step may touch."""
    if len(activities) > TOUCHED_AT_ONCE:
        raise ValueError(f"at most {TOUCHED_AT_ONCE} sessions are touched at once")


def touched(session: Session, active_ms: int) -> Session | None:
    """The session, as `seen_under` its cut-off, after an activity; None if that changes nothing."""
    if session.status(active_ms // 1000) is not SessionStatus.ACTIVE or active_ms <= session.last_activity_ms:
        return None
    return replace(session, last_activity_ms=active_ms)


def counted_surface(limit: SessionLimit) -> str | None:
    """The surface whose sessions the limit counts; None: all of them."""
    return "gateway" if limit.scope == "gateway" else None


def too_many(active: int, limit: SessionLimit) -> int:
    """How many of the `active` sessions that the limit counts stand in the way of one more."""
    return max(active + 1 - limit.max_sessions, 0)


def least_recently_active(active: Iterable[Session]) -> list[Session]:
    """The order in which sessions make room for another."""
    return sorted(active, key=lambda session: (session.last_activity_ms, session.session_id))


def slide(session: Session, wanted: Slide, *, presented: TokenRecord | None, jti_revoked: bool) -> SlideResult:
    """Decides a slide of the session as `seen_under` its cut-off; `presented`: what is known of the presented token,
    `jti_revoked`: whether it is revoked. With SLID, the session of the result has to be stored."""
    status = session.status(wanted.now)
    if jti_revoked or status not in (SessionStatus.ACTIVE, SessionStatus.EXPIRED):
        return SlideResult(SlideStatus.ENDED, session=session)
    if status is SessionStatus.EXPIRED:
        return SlideResult(SlideStatus.EXPIRED, session=session)
    if session.newest is None or presented is None or presented.session_id != session.session_id:
        return SlideResult(SlideStatus.NOT_FOUND, session=session)
    if presented.expires_at <= wanted.now:
        return SlideResult(SlideStatus.NOT_FOUND, session=session)
    if wanted.presented_jti != session.newest.jti:
        return SlideResult(SlideStatus.REPLAYED, session.newest, session)
    after = replace(session, newest=wanted.newest, expires_at=min(wanted.expires_at, session.ends_at))
    return SlideResult(SlideStatus.SLID, wanted.newest, after)


def rotate(session: Session, rotation: Rotation, *, noted: SpentToken | None) -> RotationResult:
    """Decides a rotation of the session as `seen_under` its cut-off; `noted`: what the record of the presented token
    says of its being spent. With ROTATED and REUSE_REVOKED, the session of the result has to be stored, with ROTATED
    also what is `crowded_out`, and with REUSE_REVOKED the revocation logged."""
    status = session.status(rotation.now_ms // 1000)
    if status is SessionStatus.EXPIRED:
        return RotationResult(RotationStatus.EXPIRED, session=session)
    if status is not SessionStatus.ACTIVE:
        return RotationResult(RotationStatus.ENDED, session=session)
    if rotation.presented_jti == session.refresh_jti:
        return RotationResult(RotationStatus.ROTATED, rotation.successor, _moved_on(session, rotation))
    known = session.spent if noted is None else (*session.spent, noted)
    if not any(spent.jti == rotation.presented_jti for spent in _in_grace(known, rotation)):
        return RotationResult(RotationStatus.REUSE_REVOKED, session=ended(session, rotation.reuse))
    if session.successor is not None and session.spent[-1].jti == rotation.presented_jti:
        return RotationResult(RotationStatus.REPLAYED, session.successor, session)
    return RotationResult(RotationStatus.SUPERSEDED, session=session)


def is_noted_elsewhere(session: Session, jti: str) -> bool:
    """Whether only the record of a refresh token can tell if it was spent: the session does not name it."""
    return jti != session.refresh_jti and all(spent.jti != jti for spent in session.spent)


def crowded_out(session: Session, rotation: Rotation) -> tuple[SpentToken, ...]:
    """The spent tokens inside their grace that the session stops naming with a rotation: their records note it."""
    return _spent(session, rotation)[:-SPENT_KEPT]


def _spent(session: Session, rotation: Rotation) -> tuple[SpentToken, ...]:
    return (*_in_grace(session.spent, rotation), SpentToken(rotation.presented_jti, rotation.now_ms))


def _in_grace(known: Iterable[SpentToken], rotation: Rotation) -> tuple[SpentToken, ...]:
    return tuple(spent for spent in known if rotation.now_ms - spent.spent_ms < rotation.grace_ms)


def _moved_on(session: Session, rotation: Rotation) -> Session:
    return replace(
        session,
        refresh_jti=rotation.refresh_jti,
        expires_at=min(rotation.expires_at, session.ends_at),
        spent=_spent(session, rotation)[-SPENT_KEPT:],
        successor=rotation.successor,
        successor_until_ms=rotation.now_ms + rotation.grace_ms,
    )
