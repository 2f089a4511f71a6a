# SPDX-License-Identifier: Apache-2.0
"""A session that one surface made is seen, validated, listed and revoked through every other that takes its kind of
token or its id; and from then on every surface refuses it."""

from itertools import product

import pytest

from contract.sides import SIDES, Made, Side, Way
from surfaces.service_rig import Rig
from tessera_service.surfaces import SURFACES

pytestmark = pytest.mark.asyncio(loop_scope="module")

MAKERS = [side for side in SIDES if side.make is not None]
LISTERS = [side for side in SIDES if side.list_active is not None]


def name(value: object) -> str:
    match value:
        case Side():
            return value.surface
        case Way():
            return f"{value.kind} by {value.name}"
    return str(value)


async def make(rig: Rig, maker: Side, subject: str | None = None) -> Made:
    """A session of a subject of its own, unless one is named."""
    assert maker.make is not None
    made = await maker.make(rig, subject or f"user-{next(rig.numbers)}")
    assert set(made.tokens) == set(maker.makes)
    return made


async def check_alive(rig: Rig, made: Made) -> None:
    """Every surface takes every token of its; from then on each may answer from memory."""
    seen = 0
    for side, (kind, token) in product(SIDES, made.tokens.items()):
        if kind in side.validate:
            assert await side.validate[kind](rig, token) in (made.session_id, None), (side.surface, kind)
            seen += 1
    assert seen


async def check_dead(rig: Rig, made: Made) -> None:
    """Every surface refuses every token of its, and none lists it."""
    for side, (kind, token) in product(SIDES, made.tokens.items()):
        if kind in side.refuse:
            await side.refuse[kind](rig, token)
    for side in LISTERS:
        assert side.list_active is not None
        assert made.session_id not in await side.list_active(rig, made.subject), side.surface


async def test_every_surface_that_is_served_has_a_side() -> None:
    assert sorted(side.surface for side in SIDES) == sorted(surface.name for surface in SURFACES)


async def test_whatever_a_side_validates_it_can_refuse() -> None:
    for side in SIDES:
        assert set(side.validate) <= set(side.refuse), side.surface
        assert {way.kind for way in side.by_token} <= {kind for maker in MAKERS for kind in maker.makes}


@pytest.mark.parametrize(
    ("maker", "side", "kind"),
    [(maker, side, kind) for maker, side in product(MAKERS, SIDES) for kind in maker.makes if kind in side.validate],
    ids=name,
)
async def test_its_tokens_are_validated(shared: Rig, maker: Side, side: Side, kind: str) -> None:
    made = await make(shared, maker)
    assert await side.validate[kind](shared, made.tokens[kind]) in (made.session_id, None)


@pytest.mark.parametrize(("maker", "side"), list(product(MAKERS, LISTERS)), ids=name)
async def test_it_is_listed_under_its_subject_and_no_other(shared: Rig, maker: Side, side: Side) -> None:
    assert side.list_active is not None
    made, other = await make(shared, maker), await make(shared, maker)
    assert await side.list_active(shared, made.subject) == {made.session_id}
    assert await side.list_active(shared, other.subject) == {other.session_id}


@pytest.mark.parametrize(
    ("maker", "side", "way"),
    [(maker, side, way) for maker, side in product(MAKERS, SIDES) for way in side.by_token if way.kind in maker.makes],
    ids=name,
)
async def test_it_is_revoked_by_its_token(shared: Rig, maker: Side, side: Side, way: Way) -> None:
    made = await make(shared, maker)
    other = await make(shared, maker, made.subject)
    await check_alive(shared, made)
    await way.revoke(shared, made)
    if way.ends_session:
        await check_dead(shared, made)
    else:
        await check_dead_alone(shared, made, way.kind)
    await check_alive(shared, other)


async def check_dead_alone(rig: Rig, made: Made, kind: str) -> None:
    """That token is refused everywhere; the others of its session are not."""
    for side in SIDES:
        if kind in side.refuse:
            await side.refuse[kind](rig, made.tokens[kind])
    rest = {other: token for other, token in made.tokens.items() if other != kind}
    if rest:
        await check_alive(rig, made._replace(tokens=rest))


@pytest.mark.parametrize(
    ("maker", "side", "way"),
    [(maker, side, way) for maker, side in product(MAKERS, SIDES) for way in side.by_id],
    ids=name,
)
async def test_it_is_revoked_by_its_id(shared: Rig, maker: Side, side: Side, way: str) -> None:
    made = await make(shared, maker)
    other = await make(shared, maker, made.subject)
    await check_alive(shared, made)
    await side.by_id[way](shared, made)
    await check_dead(shared, made)
    await check_alive(shared, other)


@pytest.mark.parametrize(("side", "way"), [(side, way) for side in SIDES for way in side.by_subject], ids=name)
async def test_the_sessions_of_a_subject_are_revoked_whoever_made_them(shared: Rig, side: Side, way: str) -> None:
    sessions: list[Made] = []
    for maker in sorted(MAKERS, key=lambda maker: not maker.names_subjects):
        sessions.append(await make(shared, maker, sessions[0].subject if sessions else None))
    subject = sessions[0].subject
    assert {made.subject for made in sessions} == {subject}
    others = [await make(shared, maker) for maker in MAKERS]
    for made in sessions:
        await check_alive(shared, made)
    await side.by_subject[way](shared, sessions[0])
    for made in sessions:
        await check_dead(shared, made)
    for made in others:
        await check_alive(shared, made)
    for maker in MAKERS:
        await check_alive(shared, await make(shared, maker, subject))
