# SPDX-License-Identifier: Apache-2.0
import asyncio
import json
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

import tessera
from engine.doubles import FakeClock, Fragile, MemoryDirectory
from engine.keys import kids, states
from engine.world import MASTER_KEY, TENANT, MakeWorld, World, claims_of, config, genuine, part
from tessera_service.engine import KeyRing, KeyState, MasterKeys
from tessera_service.engine.config import CONFIRM_LIMIT
from tessera_service.engine.engine import KEY_RELOAD_SECONDS
from tessera_service.engine.key_vault import KeyVault
from tessera_service.errors import KeyLimitReached, StartupError, StoreUnavailable

INTERVAL = 2_592_000
LEAD = 3600 + 1200
PUBLISHED = 1200 + 5 + 7_776_000 + 3600


def ring(directory: Fragile, clock: FakeClock, *, master_key: bytes = MASTER_KEY) -> KeyRing:
    return KeyRing(directory=directory, master_keys=MasterKeys(current=master_key), clock=clock, config=config())


def add_older_keys(world: World, count: int) -> list[str]:
    """Rows of keys that signed before the first, one after the other; their kids, the oldest first."""
    first = world.row
    for number in range(count):
        kid = f"key-{number:03}"
        at = first.activates_at - count + number
        world.directory.store.keys[kid] = replace(first, kid=kid, private_pem=None, created_at=at, activates_at=at)
    return [f"key-{number:03}" for number in range(count)]


# The first start


async def test_the_first_start_makes_one_key_however_many_processes_start() -> None:
    directory, clock = Fragile(MemoryDirectory()), FakeClock()
    rings = [ring(directory, clock) for _ in range(4)]
    await asyncio.gather(*(keys.start() for keys in rings))
    assert len(directory.store.keys) == 1
    assert {(await keys.signing()).kid for keys in rings} == set(directory.store.keys)
    assert {keys.export_jwks() for keys in rings} == {rings[0].export_jwks()}


async def test_a_second_start_keeps_the_key_and_it_signs_the_same_bytes() -> None:
    directory, clock = Fragile(MemoryDirectory()), FakeClock()
    first, second = ring(directory, clock), ring(directory, clock)
    await first.start()
    await second.start()
    before, after = await first.signing(), await second.signing()
    assert before.kid == after.kid
    assert before.signer.sign(b'{"a":1}') == after.signer.sign(b'{"a":1}')


async def test_a_process_whose_clock_is_behind_signs_with_the_first_key() -> None:
    directory = Fragile(MemoryDirectory())
    fast, slow = FakeClock(), FakeClock()
    slow.advance(-5)
    await ring(directory, fast).start()
    late = ring(directory, slow)
    await late.start()
    assert len(directory.store.keys) == 1
    assert await late.signing()


async def test_a_wrong_master_key_stops_the_start_with_what_to_do() -> None:
    directory, clock = Fragile(MemoryDirectory()), FakeClock()
    await ring(directory, clock).start()
    with pytest.raises(StartupError, match="TESSERA_MASTER_KEY"):
        await ring(directory, clock, master_key=bytes(32)).start()
    assert len(directory.store.keys) == 1


async def test_a_silent_directory_stops_the_start() -> None:
    directory = Fragile(MemoryDirectory())
    directory.failing = True
    with pytest.raises(StoreUnavailable):
        await ring(directory, FakeClock()).start()


# The life of a key


async def test_a_rotation_takes_its_time_and_loses_no_token(world: World) -> None:
    keys, clock = world.engine.keys, world.clock
    old = await world.issue("alice")
    first = world.active_kid

    clock.advance(INTERVAL - LEAD - 1)
    await keys.maintain()
    assert kids(keys) == [first]

    clock.advance(1)
    await keys.maintain()
    (second,) = set(kids(keys)) - {first}
    assert await states(keys) == {first: KeyState.ACTIVE, second: KeyState.ANNOUNCED}
    assert part((await world.issue()).access_token, 0)["kid"] == first

    clock.advance(LEAD - 1)
    await keys.maintain()
    assert part((await world.issue()).access_token, 0)["kid"] == first
    refresh_by_old = await world.issue("bob")

    clock.advance(1)
    assert part((await world.issue()).access_token, 0)["kid"] == second  # by time alone, without a reload
    await keys.maintain()
    assert keys.keyset.signing_kid == second
    assert await states(keys) == {first: KeyState.RETIRED, second: KeyState.ACTIVE}
    assert genuine(old.access_token, world)
    assert (await world.introspect(refresh_by_old.refresh_token))["active"] is True

    clock.advance(1200 + 5 + 300 - 1)
    await keys.maintain()
    assert world.directory.store.keys[first].private_pem is not None
    clock.advance(1)
    await keys.maintain()
    assert world.directory.store.keys[first].private_pem is None
    assert keys.signing_with(first) is None
    assert set(kids(keys)) == {first, second}

    clock.advance(PUBLISHED - (1200 + 5 + 300) - 1)
    await keys.maintain()
    assert first in kids(keys)
    clock.advance(1)
    await keys.maintain()
    assert first not in kids(keys)
    assert first not in world.directory.store.keys


async def test_every_process_has_a_new_key_before_any_signs_with_it(world: World) -> None:
    other, clock = await world.start(), world.clock
    first = world.active_kid
    clock.advance(INTERVAL - LEAD)
    await world.engine.keys.maintain()
    assert KEY_RELOAD_SECONDS + CONFIRM_LIMIT < LEAD
    clock.advance(KEY_RELOAD_SECONDS)
    await other.keys.maintain()

    clock.advance(LEAD - KEY_RELOAD_SECONDS - 1)
    await world.engine.keys.maintain()
    assert part((await world.issue()).access_token, 0)["kid"] == first
    clock.advance(1)
    token = (await world.issue("alice")).access_token
    assert part(token, 0)["kid"] != first

    world.directory.calls.clear()
    assert (await other.tokens.authenticate(token, tenant_id=TENANT)).subject == "alice"
    assert "list_signing_keys" not in world.directory.calls  # it has known the key all the time


async def test_two_processes_that_rotate_at_once_make_one_key(world: World) -> None:
    other = await world.start()
    world.clock.advance(INTERVAL - LEAD)
    await asyncio.gather(world.engine.keys.maintain(), other.keys.maintain())
    assert len(world.directory.store.keys) == 2
    assert kids(world.engine.keys) == kids(other.keys)


async def test_tokens_of_other_keys_stay_verified_while_a_key_comes(world: World) -> None:
    tokens = await world.issue()
    before = world.engine.keys.keyset.generation
    await world.engine.keys.reload()
    assert world.engine.keys.keyset.generation == before  # nothing changed, nothing was replaced
    await world.engine.keys.rotate()
    assert world.engine.keys.keyset.generation > before
    assert world.engine.tokens.authenticate_now(tokens.access_token, tenant_id=TENANT) is not None


async def test_a_key_rotated_by_hand_is_announced_and_waits(world: World) -> None:
    first = world.active_kid
    kid = await world.engine.keys.rotate()
    assert await states(world.engine.keys) == {first: KeyState.ACTIVE, kid: KeyState.ANNOUNCED}
    assert await world.engine.keys.rotate() == kid  # the one that waits is the answer
    world.clock.advance(LEAD)
    assert (await world.engine.keys.signing()).kid == kid


async def test_a_key_rotated_immediately_signs_at_once(world: World) -> None:
    first = world.active_kid
    world.clock.advance(1)
    kid = await world.engine.keys.rotate(immediately=True)
    assert (await world.engine.keys.signing()).kid == kid
    assert set(kids(world.engine.keys)) == {first, kid}


async def test_an_immediate_rotation_overtakes_an_announced_key(world: World) -> None:
    announced = await world.engine.keys.rotate()
    world.clock.advance(1)
    kid = await world.engine.keys.rotate(immediately=True)
    assert world.active_kid == kid
    world.clock.advance(LEAD)
    assert (await world.engine.keys.signing()).kid == announced


# Too many keys


async def test_no_key_is_made_by_hand_while_sixty_are_published(world: World) -> None:
    older = add_older_keys(world, 59)
    for immediately in (True, False):
        with pytest.raises(KeyLimitReached, match=r"^60 signing keys are published"):
            await world.engine.keys.rotate(immediately=immediately)
    assert len(world.directory.store.keys) == 60
    await world.engine.keys.revoke(older[0])
    kid = await world.engine.keys.rotate()
    assert len(kids(world.engine.keys)) == 60
    assert kid in kids(world.engine.keys)


async def test_an_active_key_that_is_revoked_among_sixty_has_a_successor_all_the_same(world: World) -> None:
    add_older_keys(world, 59)
    await world.engine.keys.revoke(world.row.kid)
    assert (await world.engine.keys.signing()).kid not in ("key-058", world.row.kid)
    assert len(kids(world.engine.keys)) == 60


async def test_a_successor_without_room_is_told_and_the_rest_of_the_turn_is_done(make_world: MakeWorld) -> None:
    world = await make_world(key_rotation_interval=INTERVAL, session_max_lifetime=INTERVAL)
    older = add_older_keys(world, 60)
    world.clock.advance(INTERVAL - LEAD)
    with capture_logs() as logs:
        await world.engine.keys.maintain()
    assert [log["log_level"] for log in logs if log["event"] == "signing_key_not_announced"] == ["error"]
    world.clock.advance(2 * LEAD + 5)
    await world.engine.keys.maintain()
    assert not set(older) & set(world.directory.store.keys)
    assert KeyState.ANNOUNCED in (await states(world.engine.keys)).values()


async def test_more_keys_than_a_key_set_holds_stop_neither_start_nor_list_nor_revoke(world: World) -> None:
    older = add_older_keys(world, 70)
    with capture_logs() as logs:
        other = await world.start()
        await other.keys.reload()
    assert [log["left_out"] for log in logs if log["event"] == "too_many_signing_keys"] == [older[:7]]
    assert kids(other.keys) == [*older[7:], world.row.kid]
    assert len(await other.keys.list()) == 71
    assert (await other.keys.signing()).kid == world.row.kid
    await other.keys.revoke(older[-1])
    assert kids(other.keys) == [*older[6:-1], world.row.kid]


async def test_the_key_that_signs_is_published_however_many_are_announced(world: World) -> None:
    for number in range(70):
        kid, at = f"key-{number:03}", world.row.activates_at + 1000
        world.directory.store.keys[kid] = replace(world.row, kid=kid, private_pem=None, activates_at=at)
    await world.engine.keys.reload()
    assert kids(world.engine.keys) == [world.row.kid, *(f"key-{number:03}" for number in range(7, 70))]
    assert await world.lives((await world.issue()).access_token)


# Unknown kids and silence


async def test_an_unknown_kid_is_looked_up_once(world: World) -> None:
    other = await world.start()
    world.clock.advance(1)
    await world.engine.keys.rotate(immediately=True)
    tokens = await world.issue("alice")
    assert other.tokens.authenticate_now(tokens.access_token, tenant_id=TENANT) is None
    assert (await other.tokens.authenticate(tokens.access_token, tenant_id=TENANT)).subject == "alice"


async def test_unknown_kids_ask_at_most_every_five_seconds(world: World) -> None:
    stranger = tessera.PrivateKey.generate()
    tokens = await world.issue("alice")
    forged = tessera.Signer(stranger).sign(claims_of(tokens.access_token))

    async def asked() -> int:
        world.directory.calls.clear()
        for _ in range(5):
            assert not await world.lives(forged)
            assert await world.introspect(forged) == {"active": False}
        return world.directory.calls.count("list_signing_keys")

    assert await asked() == 1
    assert await asked() == 0
    world.clock.advance(ms=4999)
    assert await asked() == 0
    world.clock.advance(ms=1)
    assert await asked() == 1


async def test_unknown_kids_at_once_share_one_reading(world: World) -> None:
    forged = tessera.Signer(tessera.PrivateKey.generate()).sign(claims_of((await world.issue()).access_token))
    world.directory.calls.clear()
    await asyncio.gather(*(world.introspect(forged) for _ in range(20)))
    assert world.directory.calls.count("list_signing_keys") == 1


async def test_an_unknown_kid_that_cannot_be_looked_up_is_unavailable_not_inactive(world: World) -> None:
    forged = tessera.Signer(tessera.PrivateKey.generate()).sign(claims_of((await world.issue()).access_token))
    world.directory.failing = True
    for _ in range(2):  # the second time too: the question is still open
        with pytest.raises(StoreUnavailable):
            await world.introspect(forged)
        assert world.engine.tokens.introspect_now(forged.encode(), tenant_id=TENANT) is None
    world.directory.failing = False
    assert await world.introspect(forged) == {"active": False}


async def test_a_key_not_confirmed_for_twenty_minutes_does_not_sign(world: World) -> None:
    caller = await world.caller()
    world.directory.failing = True
    world.clock.advance(1199)
    assert await world.engine.keys.signing()
    world.clock.advance(1)
    with pytest.raises(StoreUnavailable):
        await world.engine.keys.signing()
    assert caller.may("token.generate")
    world.directory.failing = False
    assert await world.engine.keys.signing()  # asked again


async def test_the_jwks_is_served_whatever_the_directory_does(world: World) -> None:
    before = world.engine.keys.jwks_now()
    world.directory.failing = True
    world.clock.advance(3 * 86_400)
    assert world.engine.keys.jwks_now().body == before.body


# The JWKS


async def test_a_published_key_shows_its_public_half_and_nothing_else(world: World) -> None:
    (key,) = json.loads(world.engine.keys.jwks_now().body)["keys"]
    assert set(key) == {"kty", "kid", "use", "alg", "n", "e"}
    assert (key["kty"], key["use"], key["alg"], key["e"]) == ("RSA", "sig", "RS256", "AQAB")
    assert key["kid"] == tessera.PublicKey.from_jwk(json.dumps(key)).thumbprint


async def test_etag_and_last_modified_change_with_the_set_and_only_then(world: World) -> None:
    first = world.engine.keys.jwks_now()
    assert first.etag.startswith('"')
    assert first.etag.endswith('"')
    assert first.last_modified == world.clock.now()
    world.clock.advance(100)
    await world.engine.keys.reload()
    assert world.engine.keys.jwks_now() == first
    await world.engine.keys.rotate()
    second = world.engine.keys.jwks_now()
    assert second.etag != first.etag
    assert second.last_modified == world.clock.now()


async def test_processes_serve_the_same_jwks_with_the_same_validators(world: World) -> None:
    world.clock.advance(10)
    await world.engine.keys.rotate()
    world.clock.advance(10)
    other = await world.start()
    assert other.keys.jwks_now() == world.engine.keys.jwks_now()


async def test_last_modified_never_goes_back(world: World) -> None:
    announced = await world.engine.keys.rotate()
    before = world.engine.keys.jwks_now()
    world.clock.advance(10)
    await world.engine.keys.revoke(announced)
    assert world.engine.keys.jwks_now().last_modified > before.last_modified


async def test_a_key_of_another_master_key_verifies_but_cannot_sign(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = KeyVault(MasterKeys(current=bytes(32))).make(
        created_at=world.clock.now(), activates_at=world.clock.now() + 1
    )
    monkeypatch.undo()
    world.directory.store.keys[foreign.kid] = foreign
    await world.engine.keys.reload()
    world.clock.advance(1)
    assert foreign.kid in kids(world.engine.keys)
    with pytest.raises(StoreUnavailable):
        await world.engine.keys.signing()


async def test_short_lived_installations_rotate_often_and_keep_few_keys(make_world: MakeWorld) -> None:
    world = await make_world(key_rotation_interval=90_000, refresh_token_ttl=90_000, session_max_lifetime=90_000)
    for _ in range(8):
        world.clock.advance(45_000)
        await world.engine.keys.maintain()
    assert 2 <= len(world.directory.store.keys) <= 4
    assert await world.engine.keys.signing()
