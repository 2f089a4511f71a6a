# SPDX-License-Identifier: Apache-2.0
import hmac

import pytest

import tessera
from engine.doubles import as_any
from engine.world import MASTER_KEY, OTHER_TENANT, TENANT, World
from tessera_service.engine.grants import MAX_RESOURCE, is_match
from tessera_service.engine.key_secrets import KeySecrets
from tessera_service.engine.master_keys import MasterKeys, hkdf_sha256
from tessera_service.errors import InvalidInput, StoreUnavailable, UnknownTenant
from tessera_service.models import AccessKeyRecord, Grant, LogKind

READ_ALL = (Grant("doc*", "view"),)


async def make(world: World, *grants: Grant, subject: str = "alice", tenant_id: str = TENANT) -> tuple[str, str]:
    return await world.engine.access_keys.create(tenant_id=tenant_id, subject=subject, grants=grants)


def record(world: World, access_key_id: str) -> AccessKeyRecord:
    found: AccessKeyRecord = world.directory.store.access_keys[access_key_id]
    return found


async def test_a_key_has_an_id_of_20_and_a_secret_of_40_characters_and_is_found_by_both(world: World) -> None:
    key_id, secret = await make(world, *READ_ALL)
    assert (len(key_id), len(secret)) == (20, 40)
    found = await world.engine.access_keys.check(key_id, secret)
    assert found == record(world, key_id)
    assert (found.tenant_id, found.subject, found.grants) == (TENANT, "alice", READ_ALL)


async def test_only_a_hash_under_a_key_of_the_master_key_is_stored(world: World) -> None:
    key_id, secret = await make(world)
    stored = record(world, key_id)
    pepper = hkdf_sha256(MASTER_KEY, info=b"tessera access-key")
    assert stored.secret_hash == hmac.digest(pepper, f"{key_id}\0{secret}".encode(), "sha256")
    assert stored.master_key_id == MasterKeys(current=MASTER_KEY).current_id
    assert secret not in repr(stored)


@pytest.mark.parametrize("wrong", ["", "x", "first character", "last character", "another key's", "one more"])
async def test_a_wrong_secret_finds_nothing(world: World, wrong: str) -> None:
    key_id, secret = await make(world)
    _, others = await make(world)
    other_letter = "A" if secret[0] != "A" else "B"
    secrets = {
        "first character": other_letter + secret[1:],
        "last character": secret[:-1] + ("A" if secret[-1] != "A" else "B"),
        "another key's": others,
        "one more": secret + "A",
    }
    assert await world.engine.access_keys.check(key_id, secrets.get(wrong, wrong)) is None


@pytest.mark.parametrize("key_id", ["", "x", "TSRA" + "A" * 16, "A" * 20, "a\0b", "ключ", "x" * 60_000])
async def test_an_unknown_id_finds_nothing_whatever_it_looks_like(world: World, key_id: str) -> None:
    _, secret = await make(world)
    assert await world.engine.access_keys.check(key_id, secret) is None


async def test_an_unknown_id_and_a_wrong_secret_are_the_same_work(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_id, secret = await make(world)
    matched: list[bool] = []
    match = KeySecrets.match

    def watch(self: KeySecrets, *arguments: str, **named: bytes) -> bool:
        matched.append(match(self, *arguments, **as_any(named)))
        return matched[-1]

    monkeypatch.setattr(KeySecrets, "match", watch)
    world.directory.calls.clear()
    for tried_id, tried in ((key_id, "x" * 40), ("TSRA" + "A" * 16, secret), (key_id, secret)):
        await world.engine.access_keys.check(tried_id, tried)
    assert world.directory.calls == ["get_access_key"] * 3
    assert matched == [False, False, True]


async def test_a_key_counts_in_its_own_tenant_only(world: World) -> None:
    key_id, secret = await make(world)
    assert await world.engine.access_keys.check(key_id, secret, tenant_id=TENANT) is not None
    assert await world.engine.access_keys.check(key_id, secret, tenant_id=OTHER_TENANT) is None


async def test_a_rotated_key_knows_its_new_secret_only(world: World) -> None:
    key_id, old = await make(world, *READ_ALL)
    new = await world.engine.access_keys.rotate(key_id)
    assert new is not None
    assert (len(new), new == old) == (40, False)
    assert await world.engine.access_keys.check(key_id, old) is None
    found = await world.engine.access_keys.check(key_id, new)
    assert found is not None
    assert found.grants == READ_ALL


async def test_a_disabled_key_is_no_key_and_cannot_be_rotated(world: World) -> None:
    key_id, secret = await make(world)
    for _ in range(2):
        assert await world.engine.access_keys.disable(key_id) is True
        assert await world.engine.access_keys.check(key_id, secret) is None
        assert await world.engine.access_keys.rotate(key_id) is None
    (listed,) = await world.engine.access_keys.list(TENANT)
    assert listed.disabled_at == world.clock.now()


async def test_an_unknown_key_can_be_neither_disabled_nor_rotated(world: World) -> None:
    assert await world.engine.access_keys.disable("TSRA" + "A" * 16) is False
    assert await world.engine.access_keys.rotate("TSRA" + "A" * 16) is None


async def test_disabling_tells_every_process_and_is_remembered_as_long_as_a_session_may_live(world: World) -> None:
    key_id, _ = await make(world)
    await world.engine.access_keys.disable(key_id)
    entry = world.directory.store.log.snapshot()[-1]
    assert (entry.kind, entry.tenant_id, entry.key) == (LogKind.CHANGED, TENANT, key_id)
    assert entry.expires_at > world.clock.now() + world.config.session_max_lifetime


async def test_keys_are_listed_by_tenant(world: World) -> None:
    await world.engine.tenants.add(OTHER_TENANT)
    mine, _ = await make(world)
    others, _ = await make(world, tenant_id=OTHER_TENANT)
    assert [key.access_key_id for key in await world.engine.access_keys.list(TENANT)] == [mine]
    assert {key.access_key_id for key in await world.engine.access_keys.list()} == {mine, others}


async def test_a_key_of_an_unknown_tenant_is_not_made(world: World) -> None:
    with pytest.raises(UnknownTenant):
        await make(world, tenant_id="tenant-x")


@pytest.mark.parametrize("subject", ["", "a b", "x" * 129, "ä"])
async def test_a_bad_user_is_named(world: World, subject: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await make(world, subject=subject)
    assert caught.value.field == "user"


@pytest.mark.parametrize(
    "grants",
    [
        [Grant("", "view")],
        [Grant("doc", "")],
        [Grant("doc", "a b")],
        [Grant("doc\n", "view")],
        [Grant("x" * (MAX_RESOURCE + 1), "view")],
        [Grant("doc", "x" * 65)],
        [Grant(f"doc{number}", "view") for number in range(65)],
    ],
)
async def test_bad_grants_are_named_and_nothing_is_made(world: World, grants: list[Grant]) -> None:
    with pytest.raises(InvalidInput) as caught:
        await make(world, *grants)
    assert caught.value.field == "grant"
    assert world.directory.store.access_keys == {}


async def test_64_grants_of_the_longest_names_are_taken_and_the_same_one_counts_once(world: World) -> None:
    grants = [Grant(f"{number:02}" + "x" * (MAX_RESOURCE - 2), "p" * 64) for number in range(64)]
    key_id, _ = await make(world, *grants, *grants)
    assert record(world, key_id).grants == tuple(grants)


async def test_a_key_that_is_not_stored_is_not_handed_out(world: World) -> None:
    world.directory.fails = {"add_access_key"}
    with pytest.raises(StoreUnavailable):
        await make(world)


async def test_a_key_under_a_master_key_that_is_not_loaded_is_unknown_to_be_right_or_wrong(world: World) -> None:
    key_id, secret = await make(world)
    as_any(world.engine.access_keys)._secrets = KeySecrets(MasterKeys(current=bytes(32)), purpose="access-key")
    with pytest.raises(StoreUnavailable):
        await world.engine.access_keys.check(key_id, secret)


async def test_a_disabled_key_is_refused_whatever_became_of_its_master_key(world: World) -> None:
    key_id, secret = await make(world)
    await world.engine.access_keys.disable(key_id)
    as_any(world.engine.access_keys)._secrets = KeySecrets(MasterKeys(current=bytes(32)), purpose="access-key")
    assert await world.engine.access_keys.check(key_id, secret) is None


async def test_a_key_under_an_older_master_key_that_is_loaded_goes_on(world: World) -> None:
    key_id, secret = await make(world)
    both = MasterKeys(current=bytes(32), older=[MASTER_KEY])
    as_any(world.engine.access_keys)._secrets = KeySecrets(both, purpose="access-key")
    assert await world.engine.access_keys.check(key_id, secret) is not None


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("doc456", "doc456", True),
        ("doc456", "doc4567", False),
        ("doc456", "xdoc456", False),
        ("doc456", "Doc456", False),
        ("*", "", True),
        ("*", "anything/at/all", True),
        ("**", "x", True),
        ("doc*", "doc", True),
        ("doc*", "doc/a/b", True),
        ("doc*", "do", False),
        ("*doc", "my/doc", True),
        ("*doc", "my/docs", False),
        ("a*b", "ab", True),
        ("a*b", "a/x/b", True),
        ("a*b", "a", False),
        ("a*a", "a", False),  # the two ends may not be the same letter
        ("a*a", "aa", True),
        ("ab*ba", "aba", False),
        ("a*b*c", "abc", True),
        ("a*b*c", "a-b-b-c", True),
        ("a*b*c", "acb", False),
        ("a*bb*b", "abb", False),
        ("a*bb*b", "abbb", True),
        ("*ab*ab*", "abab", True),
        ("*ab*ab*", "ab", False),
        ("doc.", "docx", False),
        ("doc.*", "doc.x", True),
        ("doc?", "docx", False),
        ("[a-z]", "b", False),
        ("a|b", "a", False),
        ("", "", True),
        ("", "x", False),
    ],
)
def test_a_star_stands_for_any_run_and_nothing_else_is_special(pattern: str, text: str, matches: bool) -> None:
    assert is_match(pattern, text) is matches


def test_no_pattern_makes_the_matcher_go_through_a_text_again_and_again() -> None:
    pattern = "*a" * 128
    assert is_match(pattern, "a" * 60_000)
    assert not is_match(pattern + "b", "a" * 60_000)
    assert not is_match("*" + "a" * 100 + "b*" * 2, "a" * 60_000)


def test_secrets_and_hashes_are_what_the_core_makes() -> None:
    secrets = KeySecrets(MasterKeys(current=MASTER_KEY), purpose="access-key")
    key = tessera.AccessKey.generate()
    expected = secrets.hash(key.id, key.secret)
    assert secrets.match(key.id, key.secret, expected=expected, master_key_id=secrets.master_key_id)
    other = KeySecrets(MasterKeys(current=MASTER_KEY), purpose="gateway-key")
    assert not other.match(key.id, key.secret, expected=expected, master_key_id=None)
