# SPDX-License-Identifier: Apache-2.0
"""One refresh token never yields two living families, whatever is done in which order, in two processes."""

import asyncio
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.world import TENANT, World, config
from tessera_service.engine import Engine
from tessera_service.errors import RefreshInvalid, SessionEnded
from tessera_service.models import IssuedTokens, SigningKey

GRACE_MS = 10_000

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("refresh"), st.integers(0, 4), st.integers(0, 1)),  # which token back from the newest; where
        st.tuples(st.just("both"), st.integers(0, 4), st.just(0)),  # in both processes at once
        st.tuples(st.just("wait"), st.sampled_from([1, GRACE_MS - 1, GRACE_MS, 60_000]), st.just(0)),
        st.tuples(st.just("revoke"), st.just(0), st.integers(0, 1)),
        st.tuples(st.just("poll"), st.just(0), st.integers(0, 1)),
    ),
    max_size=14,
)


@dataclass
class Family:
    """All pairs of one session in the order in which they were first had."""

    world: World
    pairs: list[IssuedTokens]
    over: bool = False
    known: set[str] = field(default_factory=set)

    async def refresh(self, engine: Engine, back: int) -> None:
        presented = self.pairs[max(len(self.pairs) - 1 - back, 0)]
        try:
            pair = await engine.tokens.refresh(presented.refresh_token, tenant_id=TENANT)
        except SessionEnded:
            self.over = True
        except RefreshInvalid:
            assert not self.over
        else:
            assert not self.over
            if pair.refresh_token not in self.known:
                assert presented is self.pairs[-1]  # only the newest has children
                self.add(pair)

    def add(self, pair: IssuedTokens) -> None:
        self.known.add(pair.refresh_token)
        self.pairs.append(pair)

    async def check(self) -> None:
        for engine in self.world.engines:
            alive = [
                pair
                for pair in self.pairs
                if await engine.tokens.introspect(pair.refresh_token.encode(), tenant_id=TENANT) != b'{"active":false}'
            ]
            assert alive == ([] if self.over else self.pairs[-1:])


async def live(world: World, steps: list[tuple[str, int, int]]) -> None:
    """One family through those steps, checked after each."""
    await world.start()
    await world.start()
    family = Family(world, [])
    family.add(await world.issue("alice"))
    for step, argument, where in steps:
        engine = world.engines[where]
        if step == "refresh":
            await family.refresh(engine, argument)
        elif step == "both":
            await asyncio.gather(*(family.refresh(process, argument) for process in world.engines))
        elif step == "wait":
            world.clock.advance(ms=argument)
        elif step == "poll":
            await engine.mirror.poll()
        elif not family.over:
            caller = await engine.tokens.authenticate(family.pairs[-1].access_token, tenant_id=TENANT)
            await engine.tokens.revoke_current(caller)
            family.over = True
        await family.check()


@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
async def test_a_family_has_one_living_refresh_token_or_none(
    first_key: SigningKey, steps: list[tuple[str, int, int]]
) -> None:
    world = World(config(), first_key)
    world.directory.store.keys[first_key.kid] = first_key
    try:
        await live(world, steps)
    finally:
        await world.stop()
