# SPDX-License-Identifier: Apache-2.0
"""The service with one atomic step taken apart: it reads in one transaction, decides, and writes in another.

`python broken_service.py --broken rotate serve …`; the rest is the usual command line. What the races of this folder
are worth shows against it: each has to find the step that it is about.
"""

import asyncio
import sys
from typing import Final

from sqlalchemy import Connection

import tessera_service.app
from tessera_service.cli import main
from tessera_service.models import (
    LimitedCreation,
    Revocation,
    Rotation,
    RotationResult,
    RotationStatus,
    Session,
    SessionLimit,
    Slide,
    SlideResult,
    SlideStatus,
    TokenRecord,
)
from tessera_service.storage import rules
from tessera_service.storage.base import SessionStore
from tessera_service.storage.memory import MemorySessionStore
from tessera_service.storage.sql import SqlSessionStore
from tessera_service.storage.sql.session_rows import move_on

PAUSE_SECONDS: Final = 0.1  # between reading and writing


async def rotate(store: SessionStore, rotation: Rotation) -> RotationResult:
    """Whoever reads before the first has written spends the token too."""
    session = await store.get(rotation.session_id)
    if session is None:
        return RotationResult(RotationStatus.NOT_FOUND)
    result = rules.rotate(session, rotation, noted=None)
    await asyncio.sleep(PAUSE_SECONDS)
    if result.status is RotationStatus.ROTATED and result.session is not None:
        await write(store, result.session, rotation.tokens)
    elif result.status is RotationStatus.REUSE_REVOKED:
        await store.revoke_session(rotation.session_id, revocation=rotation.reuse)
    return result


async def slide(store: SessionStore, slide: Slide) -> SlideResult:
    """Whoever reads before the first has written makes a successor too."""
    session = await store.get(slide.session_id)
    if session is None:
        return SlideResult(SlideStatus.NOT_FOUND)
    presented = await store.find_token(slide.presented_jti)
    result = rules.slide(session, slide, presented=presented, jti_revoked=False)
    await asyncio.sleep(PAUSE_SECONDS)
    if result.status is SlideStatus.SLID and result.session is not None:
        await write(store, result.session, [slide.token])
    return result


async def create_limited(
    store: SessionStore, session: Session, *, limit: SessionLimit, eviction: Revocation
) -> LimitedCreation:
    """Whoever counts before another has stored finds the same place free."""
    active = await store.list_sessions(
        session.tenant_id, subject=session.subject, now=limit.now, active_only=True, limit=100
    )
    await asyncio.sleep(PAUSE_SECONDS)
    leaving = rules.least_recently_active(active)[: rules.too_many(len(active), limit)]
    ended = [await store.revoke_session(one.session_id, revocation=eviction) for one in leaving]
    return LimitedCreation(await store.create(session), tuple(one for one in ended if one is not None))


async def revoke_session(store: SessionStore, session_id: str, *, revocation: Revocation) -> Session | None:
    """Ends the session as it was read: one that has moved on meanwhile lives."""
    session = await store.get(session_id)
    await asyncio.sleep(PAUSE_SECONDS)
    now = await store.get(session_id)
    if session is None or now is None or now.refresh_jti != session.refresh_jti:
        return session
    return await type(store).__base__.revoke_session(store, session_id, revocation=revocation)  # type: ignore[union-attr, no-any-return]


async def write(store: SessionStore, session: Session, tokens: "list[TokenRecord] | tuple[TokenRecord, ...]") -> None:
    """Stores a session as it was decided, whatever it has become."""
    if isinstance(store, MemorySessionStore):
        store._alive().move_on(session, new=tokens)
        return
    assert isinstance(store, SqlSessionStore)

    def step(connection: Connection) -> None:
        move_on(connection, session, new=tokens)

    await store._write(step)


STEPS: Final = {step.__name__: step for step in (rotate, slide, create_limited, revoke_session)}


def break_stores(name: str) -> None:
    """From here on the service composes stores with that step taken apart."""
    for kind in (MemorySessionStore, SqlSessionStore):
        setattr(tessera_service.app, kind.__name__, type(f"Broken{kind.__name__}", (kind,), {name: STEPS[name]}))


if __name__ == "__main__":
    option, name, *arguments = sys.argv[1:]
    assert option == "--broken"
    break_stores(name)
    sys.argv[1:] = arguments
    main()
