# SPDX-License-Identifier: Apache-2.0
"""Every store: what one client does again and again costs no more than the first time."""

import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from storage.examples import NOW, gateway_session, gateway_token, make_session, rotation, slide, tokens
from tessera_service.models import Session
from tessera_service.storage.base import SessionStore

USES = 5000

Step = Callable[[SessionStore, str], Awaitable[object]]
STEPS: dict[str, Step] = {
    "get": lambda store, name: store.get(name),
    "read_state": lambda store, name: store.read_state(session_id=name, jti=f"{name}-a0"),
    "list_sessions": lambda store, name: store.list_sessions(
        "tenant-a", subject=name, now=NOW, active_only=True, limit=9
    ),
    "rotate": lambda store, name: store.rotate(rotation(f"{name}-r0", USES + 1, session_id=name)),
    "slide": lambda store, name: store.slide(slide(0, USES + 1, session_id=name)),
}


def fresh(name: str, step: str) -> Session:
    return (gateway_session if step == "slide" else make_session)(name, subject=name)


def used(name: str, step: str) -> Session:
    """A session as so many rotations or slides leave it."""
    session = fresh(name, step)
    pairs = (tokens(name, number, subject=name) for number in range(1, USES + 1))
    slid = (gateway_token(name, number, subject=name) for number in range(1, USES + 1))
    more = tuple(slid) if step == "slide" else tuple(token for pair in pairs for token in pair)
    return replace(session, tokens=session.tokens + more)


async def calls_of(step: Awaitable[object]) -> int:
    """How many functions a step calls: for every row that is read and every record that is looked at some."""
    calls = 0

    def note(_frame: Any, what: str, _argument: Any) -> None:
        nonlocal calls
        calls += what in ("call", "c_call")

    sys.setprofile(note)
    try:
        await step
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("step", sorted(STEPS))
async def test_a_session_that_was_used_thousands_of_times_costs_no_more(store: SessionStore, step: str) -> None:
    await store.create(fresh("warm", step))
    await STEPS[step](store, "warm")
    await store.create(fresh("new", step))
    await store.create(used("old", step))
    first = await calls_of(STEPS[step](store, "new"))
    assert await calls_of(STEPS[step](store, "old")) < 2 * first + 100
