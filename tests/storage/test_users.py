# SPDX-License-Identifier: Apache-2.0
"""Users in the directory: names that are unique in a tenant, changes that happen once, and whom they are told."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event as hook

from storage.examples import NOW, NOW_MS, revocation, whole_log
from storage.user_examples import directories, event, events, make_user
from tessera_service.errors import StoreUnavailable
from tessera_service.models import LogEntry, LogKind, ServiceToken, Tenant, User, UserStatus
from tessera_service.storage.sql import SqlDirectory

FIELDS = ["username", "email", "phone"]


async def add(directory: SqlDirectory, user: User) -> None:
    assert await directory.add_user(user, event=event(user)) is None


async def update(directory: SqlDirectory, user: User) -> bool:
    return await directory.update_user(user, ends_sessions=False, revocation=revocation(), event=event(user, "changed"))


async def delete(directory: SqlDirectory, user: User) -> bool:
    told = event(replace(user, version=user.version + 1), "deleted")
    return await directory.delete_user(
        user.tenant_id, user.user_id, version=user.version, revocation=revocation(), event=told
    )


def changed(sequence: int, user_id: str = "u1", tenant_id: str = "tenant-a", *, cutoff_ms: int = 0) -> LogEntry:
    return LogEntry(sequence, LogKind.CHANGED, tenant_id, user_id, cutoff_ms, NOW + 5000)


async def test_a_user_is_read_as_it_was_stored(directory: SqlDirectory) -> None:
    bare = make_user("u2", username="bob", email=None, phone=None, password_hash=None)
    for user in (make_user(), bare):
        await add(directory, user)
        assert await directory.get_user("tenant-a", user.user_id) == user
    assert await directory.get_user("tenant-a", "u3") is None
    assert await events(directory) == [event(make_user()), event(bare)]
    assert await whole_log(directory) == ()  # nobody held anything of a user that was not there


def test_a_user_does_not_show_its_password_hash() -> None:
    assert "argon2id" not in repr(make_user())


async def test_a_user_is_found_by_each_of_its_names(directory: SqlDirectory) -> None:
    await add(directory, make_user())
    await add(directory, make_user("u2", username="bob", email=None, phone=None))
    assert await directory.find_user("tenant-a", username="alice") == make_user()
    assert await directory.find_user("tenant-a", email="alice@example.com") == make_user()
    assert await directory.find_user("tenant-a", phone="+84912345678") == make_user()
    for nobody in ("", "Alice", "alice ", "u1", "alice@example.com", "%", "NULL"):
        assert await directory.find_user("tenant-a", username=nobody) is None


@pytest.mark.parametrize("names", [{}, {"username": "alice", "email": "alice@example.com"}, {"phone": None}])
async def test_a_user_is_found_by_one_name_at_a_time(directory: SqlDirectory, names: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="exactly one name"):
        await directory.find_user("tenant-a", **names)


@pytest.mark.parametrize("field", FIELDS)
async def test_a_name_is_given_once_in_a_tenant(directory: SqlDirectory, field: str) -> None:
    first = make_user()
    await add(directory, first)
    others: Any = dict.fromkeys(FIELDS) | {field: getattr(first, field)}
    second = make_user("u2", **others)
    assert await directory.add_user(second, event=event(second)) == field
    assert await directory.get_user("tenant-a", "u2") is None
    assert await events(directory) == [event(first)]


async def test_of_several_names_that_are_taken_the_first_is_told(directory: SqlDirectory) -> None:
    await add(directory, make_user())
    second = make_user("u2", username="bob")
    assert await directory.add_user(second, event=event(second)) == "email"


async def test_users_without_a_name_do_not_conflict(directory: SqlDirectory) -> None:
    for number in range(3):
        await add(directory, make_user(f"u{number}", username=f"user-{number}", email=None, phone=None))


async def test_a_user_id_is_given_once(directory: SqlDirectory) -> None:
    await add(directory, make_user())
    again = make_user("u1", username="bob", email=None, phone=None)
    with pytest.raises(ValueError, match="new"):
        await directory.add_user(again, event=replace(event(again), event_id="other"))
    assert await directory.list_users("tenant-a") == [make_user()]


async def test_two_tenants_have_the_same_names_and_see_nothing_of_each_other(directory: SqlDirectory) -> None:
    ours, theirs = make_user(), replace(make_user(tenant_id="tenant-b"), password_hash="$argon2id$b")
    await add(directory, ours)
    await add(directory, theirs)  # the same id too: also that tells nobody that it is there
    for tenant_id, user in (("tenant-a", ours), ("tenant-b", theirs)):
        assert await directory.get_user(tenant_id, "u1") == user
        assert await directory.find_user(tenant_id, username="alice") == user
        assert await directory.find_user(tenant_id, email="alice@example.com") == user
        assert await directory.find_user(tenant_id, phone="+84912345678") == user
        assert await directory.list_users(tenant_id) == [user]


async def test_nothing_of_a_tenant_is_reached_from_another(directory: SqlDirectory) -> None:
    await add(directory, make_user())
    foreign = make_user(tenant_id="tenant-b", version=2)
    assert await directory.get_user("tenant-b", "u1") is None
    assert await directory.find_user("tenant-b", username="alice") is None
    assert await directory.list_users("tenant-b") == []
    assert not await update(directory, foreign)
    assert not await delete(directory, foreign)
    assert not await directory.set_password_hash("tenant-b", "u1", old="$argon2id$1", new="$argon2id$2")
    assert await directory.list_users("tenant-a") == [make_user()]
    assert await events(directory) == [event(make_user())]
    assert await whole_log(directory) == ()


async def test_users_are_listed_newest_first(directory: SqlDirectory) -> None:
    made = [("u1", NOW), ("u3", NOW + 1), ("u2", NOW + 1), ("u4", NOW - 1)]
    for user_id, created_at in made:
        await add(directory, make_user(user_id, username=user_id, email=None, phone=None, created_at=created_at))
    assert [user.user_id for user in await directory.list_users("tenant-a")] == ["u3", "u2", "u1", "u4"]


async def test_a_change_stores_everything_but_the_creation_and_is_told(directory: SqlDirectory) -> None:
    await add(directory, make_user())
    after = User(
        tenant_id="tenant-a",
        user_id="u1",
        username=None,
        email="a@example.com",
        phone=None,
        password_hash="$argon2id$2",
        roles=(),
        permissions=("a", "b"),
        status=UserStatus.LOCKED,
        version=2,
        created_at=NOW + 99,
    )
    assert await update(directory, after)
    assert await directory.get_user("tenant-a", "u1") == replace(after, created_at=NOW)
    assert await whole_log(directory) == (changed(1),)
    assert await events(directory) == [event(make_user()), event(after, "changed")]
    assert await directory.find_user("tenant-a", username="alice") is None


@pytest.mark.parametrize("version", [0, 1, 3])
async def test_a_change_of_another_version_changes_nothing(directory: SqlDirectory, version: int) -> None:
    await add(directory, make_user())
    assert not await update(directory, replace(make_user(), status=UserStatus.DISABLED, version=version))
    assert await directory.get_user("tenant-a", "u1") == make_user()
    assert await whole_log(directory) == ()
    assert await events(directory) == [event(make_user())]


@pytest.mark.parametrize("field", FIELDS)
async def test_a_change_to_a_name_that_is_taken_names_the_field_and_changes_nothing(
    directory: SqlDirectory, field: str
) -> None:
    await add(directory, make_user())
    second = make_user("u2", username="bob", email="bob@example.com", phone="+84912345679")
    await add(directory, second)
    taken: Any = {field: getattr(make_user(), field)}
    with pytest.raises(ValueError, match=rf"^{field}$"):
        await update(directory, replace(second, version=2, **taken))
    assert await directory.get_user("tenant-a", "u2") == second
    assert await whole_log(directory) == ()
    assert len(await events(directory)) == 2


async def test_of_many_changes_of_one_version_one_happens(product: str, tmp_path: Path) -> None:
    async with directories(tmp_path, 2, product=product) as both:
        await add(both[0], make_user())
        wanted = [replace(make_user(), roles=(f"role-{number}",), version=2) for number in range(60)]
        results = await asyncio.gather(*(update(both[n % 2], user) for n, user in enumerate(wanted)))
        assert sum(results) == 1
        assert await both[0].get_user("tenant-a", "u1") == wanted[results.index(True)]
        assert await whole_log(both[1]) == (changed(1),)
        assert len(await events(both[1])) == 2


async def test_of_many_who_take_one_name_at_once_one_has_it(product: str, tmp_path: Path) -> None:
    async with directories(tmp_path, 2, product=product) as both:
        await both[0].add_tenant(Tenant("tenant-a", NOW))
        users = [make_user(f"u{number}", email=None, phone=None) for number in range(40)]
        answers = await asyncio.gather(*(both[n % 2].add_user(u, event=event(u)) for n, u in enumerate(users)))
        assert answers.count(None) == 1
        assert answers.count("username") == 39
        assert await both[1].find_user("tenant-a", username="alice") == users[answers.index(None)]


async def test_a_password_is_hashed_again_without_a_trace(directory: SqlDirectory) -> None:
    await add(directory, make_user())
    assert await directory.set_password_hash("tenant-a", "u1", old="$argon2id$1", new="$argon2id$2")
    assert not await directory.set_password_hash("tenant-a", "u1", old="$argon2id$1", new="$argon2id$3")
    assert not await directory.set_password_hash("tenant-a", "u2", old="$argon2id$2", new="$argon2id$3")
    assert await directory.get_user("tenant-a", "u1") == replace(make_user(), password_hash="$argon2id$2")
    assert await whole_log(directory) == ()
    assert await events(directory) == [event(make_user())]


async def test_a_change_that_ends_sessions_says_until_when_they_were_made(directory: SqlDirectory) -> None:
    await add(directory, make_user())
    after = replace(make_user(), password_hash="$argon2id$2", version=2)
    assert await directory.update_user(after, ends_sessions=True, revocation=revocation(), event=event(after))
    assert await whole_log(directory) == (changed(1, cutoff_ms=NOW_MS),)


async def test_a_user_goes_once_and_its_names_are_free(directory: SqlDirectory) -> None:
    await add(directory, make_user())
    assert not await delete(directory, replace(make_user(), version=2))
    assert await delete(directory, make_user())
    assert not await delete(directory, make_user())
    assert await directory.get_user("tenant-a", "u1") is None
    assert await whole_log(directory) == (changed(1, cutoff_ms=NOW_MS),)
    assert len(await events(directory)) == 2
    await add(directory, make_user("u2"))
    assert await directory.find_user("tenant-a", username="alice") == make_user("u2")
    assert await directory.get_user("tenant-a", "u1") is None


@pytest.mark.parametrize("table", ["outbox", "log_head", "revocation_log"])
async def test_a_change_that_cannot_be_told_does_not_happen(directory: SqlDirectory, table: str) -> None:
    await add(directory, make_user())
    before = (await whole_log(directory), await events(directory))
    with failing(directory, table):
        if table == "outbox":
            with pytest.raises(StoreUnavailable):
                await add(directory, make_user("u2", username="bob", email=None, phone=None))
        with pytest.raises(StoreUnavailable):
            await update(directory, replace(make_user(), status=UserStatus.LOCKED, version=2))
        with pytest.raises(StoreUnavailable):
            await delete(directory, make_user())
    assert await directory.list_users("tenant-a") == [make_user()]
    assert (await whole_log(directory), await events(directory)) == before
    assert await update(directory, replace(make_user(), version=2))
    assert (await whole_log(directory))[-1].sequence == 1


@contextmanager
def failing(directory: SqlDirectory, table: str) -> Iterator[None]:
    """Every statement that writes to the table fails, as it does when the disk is full."""

    def fail(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith((f"INSERT INTO {table}", f"UPDATE {table}")):
            raise OSError("database or disk is full")

    writer = directory.database._writer
    assert writer is not None
    hook.listen(writer._engine, "before_cursor_execute", fail)
    yield
    hook.remove(writer._engine, "before_cursor_execute", fail)


async def test_a_user_that_cannot_be_read_is_unavailable(directory: SqlDirectory) -> None:
    await add(directory, make_user())
    for column, value in (("status", "'other'"), ("roles", "'{'")):
        statement = f"UPDATE users SET {column} = {value}"
        await directory.database.write(lambda connection, text=statement: connection.exec_driver_sql(text))  # type: ignore[misc]
        with pytest.raises(StoreUnavailable):
            await directory.get_user("tenant-a", "u1")
        with pytest.raises(StoreUnavailable):
            await directory.find_user("tenant-a", username="alice")


# Service tokens of users


def token_of(user: User, jti: str, **changes: Any) -> ServiceToken:
    token = ServiceToken(jti, user.tenant_id, user.user_id, "edge", (), False, NOW_MS, NOW + 60)
    return replace(token, **changes)


async def test_a_user_that_is_not_active_any_more_has_no_service_token_left(directory: SqlDirectory) -> None:
    user, other = make_user(), make_user("u2", username="bob", email=None, phone=None)
    await add(directory, user)
    await add(directory, other)
    for token in (token_of(user, "j2"), token_of(user, "j1"), token_of(other, "j3"), token_of(user, "j4")):
        assert await directory.add_service_token(token) is True
    await directory.add_service_token(token_of(user, "j5", tenant_id="tenant-b"))
    await directory.revoke_service_token("j4", revocation=revocation(NOW_MS - 5000))
    locked = replace(user, status=UserStatus.LOCKED, version=2)
    assert await update(directory, locked)

    found = {token.jti: token.revoked_at for token in await directory.list_service_tokens()}
    assert found == {"j1": NOW, "j2": NOW, "j3": None, "j4": NOW - 5, "j5": None}
    entries = [(entry.kind, entry.tenant_id, entry.key) for entry in await whole_log(directory)]
    assert entries == [(kind, "tenant-a", key) for kind, key in ENDED]
    told = [one.event_id for one in await events(directory)]
    assert told[2:] == ["j4.revoked", "j1.revoked", "j2.revoked", "tenant-a.u1.2"]


ENDED = [(LogKind.JTI, "j4"), (LogKind.JTI, "j1"), (LogKind.JTI, "j2"), (LogKind.CHANGED, "u1")]


async def test_a_change_of_an_active_user_leaves_its_service_tokens(directory: SqlDirectory) -> None:
    user = make_user()
    await add(directory, user)
    await directory.add_service_token(token_of(user, "j1"))
    assert await update(directory, replace(user, password_hash="$argon2id$2", version=2))
    assert await directory.get_service_token("j1") == token_of(user, "j1")
    assert await whole_log(directory) == (changed(1),)


@pytest.mark.parametrize("becomes", [UserStatus.ACTIVE, None])
async def test_what_a_user_that_was_not_active_had_left_ends_with_its_return_or_its_end(
    directory: SqlDirectory, becomes: UserStatus | None
) -> None:
    user = replace(make_user(), status=UserStatus.LOCKED)
    await directory.add_service_token(token_of(user, "j1"))  # by a release that did not ask for the user
    await add(directory, user)
    if becomes is None:
        assert await delete(directory, user)
    else:
        assert await update(directory, replace(user, status=becomes, version=2))
    token = await directory.get_service_token("j1")
    assert token is not None
    assert token.revoked_at == NOW


async def test_a_change_that_is_refused_ends_no_service_token(directory: SqlDirectory) -> None:
    user = make_user()
    await add(directory, user)
    await directory.add_service_token(token_of(user, "j1"))
    assert not await update(directory, replace(user, status=UserStatus.LOCKED, version=7))
    assert not await delete(directory, replace(user, version=7))
    assert await directory.get_service_token("j1") == token_of(user, "j1")


@pytest.mark.parametrize("status", [UserStatus.LOCKED, UserStatus.DISABLED])
async def test_a_user_that_is_not_active_gets_no_service_token(directory: SqlDirectory, status: UserStatus) -> None:
    user = replace(make_user(), status=status)
    await add(directory, user)
    assert await directory.add_service_token(token_of(user, "j1")) is False
    assert await directory.get_service_token("j1") is None
    assert await directory.add_service_token(token_of(user, "j2", subject="u2")) is True


async def test_of_service_tokens_minted_while_a_user_is_locked_none_lives(product: str, tmp_path: Path) -> None:
    async with directories(tmp_path, 2, product=product) as both:
        user = make_user()
        await add(both[0], user)
        mints = [both[n % 2].add_service_token(token_of(user, f"j{n:02}")) for n in range(40)]
        lock = update(both[1], replace(user, status=UserStatus.LOCKED, version=2))
        made = await asyncio.gather(*mints[:20], lock, *mints[20:])
        assert made[20] is True
        tokens = [await both[0].get_service_token(f"j{n:02}") for n in range(40)]
        assert [token is not None for token in tokens] == [*made[:20], *made[21:]]
        assert [token.revoked_at for token in tokens if token] == [NOW] * sum(made[:20] + made[21:])
