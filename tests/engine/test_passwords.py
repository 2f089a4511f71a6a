# SPDX-License-Identifier: Apache-2.0
import asyncio
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from argon2 import PasswordHasher, extract_parameters

from engine.doubles import as_any
from tessera_service.engine.passwords import MAX_BYTES, Passwords, read_new_password, read_password
from tessera_service.errors import InvalidInput, Overloaded, StoreUnavailable

CHEAP = {"memory_kib": 64, "passes": 1}
RIGHT = b"correct horse"


@pytest.fixture
def make() -> Iterator[Callable[..., Passwords]]:
    made: list[Passwords] = []

    def one(*, workers: int = 2, queue: int = 256, **costs: int) -> Passwords:
        made.append(Passwords(workers=workers, queue=queue, **(costs or CHEAP)))
        return made[-1]

    yield one
    for passwords in made:
        passwords.close()


async def test_a_password_matches_its_own_hash_and_no_other(make: Callable[..., Passwords]) -> None:
    passwords = make()
    expected = await passwords.hash(RIGHT)
    assert await passwords.match(RIGHT, expected) is True
    for wrong in (b"correct horsf", b"Correct horse", b"correct horse\0", b"x", RIGHT * 70):
        assert await passwords.match(wrong, expected) is False


async def test_a_hash_is_argon2id_with_19_mib_two_passes_one_lane_and_a_salt_of_its_own() -> None:
    passwords = Passwords(workers=1, queue=2)
    try:
        one, other = await passwords.hash(RIGHT), await passwords.hash(RIGHT)
    finally:
        passwords.close()
    assert one.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert one != other


async def test_without_a_hash_nothing_matches_after_the_same_work(
    make: Callable[..., Passwords], monkeypatch: pytest.MonkeyPatch
) -> None:
    passwords = make()
    real = await passwords.hash(RIGHT)
    compared: list[str] = []
    verify = PasswordHasher.verify

    def watch(self: PasswordHasher, expected: str, password: bytes) -> bool:
        compared.append(expected)
        return verify(self, expected, password)

    monkeypatch.setattr(PasswordHasher, "verify", watch)
    assert await passwords.match(RIGHT, None) is False
    assert await passwords.match(b"", None) is False
    assert await passwords.match(RIGHT, real) is True
    assert {str(extract_parameters(one)) for one in compared} == {str(extract_parameters(real))}
    assert len(compared) == 3


async def test_the_decoy_is_another_for_each_process(make: Callable[..., Passwords]) -> None:
    assert as_any(make())._decoy != as_any(make())._decoy


async def test_a_hash_of_other_parameters_still_matches_and_is_outdated(make: Callable[..., Passwords]) -> None:
    old, new = make(), make(memory_kib=128, passes=1)
    expected = await old.hash(RIGHT)
    assert await new.match(RIGHT, expected) is True
    assert (new.is_outdated(expected), old.is_outdated(expected)) == (True, False)
    assert new.is_outdated(await new.hash(RIGHT)) is False


@pytest.mark.parametrize("broken", ["", "x", "$argon2id$", "$argon2id$v=19$m=64,t=1,p=1$AAAA$", "$2b$12$abc"])
async def test_a_hash_that_is_none_is_neither_right_nor_wrong(make: Callable[..., Passwords], broken: str) -> None:
    with pytest.raises(StoreUnavailable):
        await make().match(RIGHT, broken)


async def test_hashing_never_happens_on_the_event_loop(
    make: Callable[..., Passwords], monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []
    for name in ("hash", "verify"):
        real = getattr(PasswordHasher, name)

        def watch(*arguments: object, real: Callable[..., object] = real, **named: object) -> object:
            threads.append(threading.current_thread().name)
            return real(*arguments, **named)

        monkeypatch.setattr(PasswordHasher, name, watch)
    passwords = make()
    expected = await passwords.hash(RIGHT)
    await passwords.match(RIGHT, expected)
    await passwords.match(RIGHT, None)
    assert len(threads) == 3
    assert all(name.startswith("tessera-password") for name in threads)


async def test_the_queue_is_bounded_and_has_room_again_afterwards(
    make: Callable[..., Passwords], monkeypatch: pytest.MonkeyPatch
) -> None:
    passwords = make(workers=1, queue=2)
    go_on = threading.Event()
    monkeypatch.setattr(PasswordHasher, "verify", lambda *_: go_on.wait(30))
    waiting = [asyncio.create_task(passwords.match(RIGHT, None)) for _ in range(2)]
    await asyncio.sleep(0)
    assert passwords.jobs == 2
    with pytest.raises(Overloaded):
        await passwords.match(RIGHT, None)
    go_on.set()
    assert await asyncio.gather(*waiting) == [True, True]
    assert passwords.jobs == 0


async def test_no_more_threads_hash_than_workers(
    make: Callable[..., Passwords], monkeypatch: pytest.MonkeyPatch
) -> None:
    passwords = make(workers=2)
    running, most, lock = 0, 0, threading.Lock()

    def slow(*_: object) -> bool:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1
        return False

    monkeypatch.setattr(PasswordHasher, "verify", slow)
    await asyncio.gather(*(passwords.match(RIGHT, None) for _ in range(12)))
    assert most == 2


@pytest.mark.parametrize(("password", "length"), [("x", 1), ("x" * MAX_BYTES, MAX_BYTES), ("é" * 512, MAX_BYTES)])
def test_a_password_has_1_to_1024_bytes(password: str, length: int) -> None:
    assert len(read_password(password)) == length


@pytest.mark.parametrize("password", ["", "x" * (MAX_BYTES + 1), "é" * 513, "\ud800"])
def test_any_other_is_none_and_is_not_repeated(password: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_password(password)
    assert (caught.value.field, str(caught.value)) == ("password", "password")


def test_a_password_that_is_set_has_at_least_8_characters() -> None:
    assert read_new_password("x" * 8) == b"x" * 8
    for password in ("x" * 7, "", "x" * (MAX_BYTES + 1)):
        with pytest.raises(InvalidInput):
            read_new_password(password)
