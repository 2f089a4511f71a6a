# SPDX-License-Identifier: Apache-2.0
import asyncio
import fcntl
import json
import os
import signal
import stat
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from redis_server import RedisServer, redis_server
from service.receiver import Answer, Received, Receiver, drip, hang, hang_up, pour, status
from tessera_service.engine import CloudEvent, SinkFailed
from tessera_service.engine.events import cloud_event
from tessera_service.models import Event, EventType
from tessera_service.sinks import redis_stream
from tessera_service.sinks.audit import AuditLog
from tessera_service.sinks.redis_stream import RedisStream
from tessera_service.sinks.webhook import WebhookSink
from tessera_service.webhook import SIGNATURE_HEADER, Webhook, sign

SECRET = b"0123456789abcdef"


def example(number: int = 0, *, session: str = "s-1") -> CloudEvent:
    event = Event(f"{session}.{number}", EventType.ISSUED, "tenant-a", session, "alice", 1_800_000_000_000, {"a": "b"})
    return cloud_event(event, source="https://tokens.example")


def examples(count: int) -> list[CloudEvent]:
    return [example(number, session=f"s-{number}") for number in range(count)]


# The audit log


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


@pytest.fixture
async def log(path: Path) -> AsyncIterator[AuditLog]:
    sink = AuditLog(path)
    yield sink
    await sink.close()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def rotate(path: Path) -> Path:
    return path.rename(path.with_suffix(".1"))


def lines(path: Path) -> list[bytes]:
    text = path.read_bytes()
    assert text.endswith(b"\n")
    return text.splitlines()


async def test_a_line_is_an_event_and_only_the_owner_reads_it(path: Path, log: AuditLog) -> None:
    events = examples(3)
    assert await log.deliver(events[:2]) == 2
    assert await log.deliver(events[2:]) == 1
    assert lines(path) == [event.body for event in events]
    assert json.loads(lines(path)[0])["id"] == "s-0.0"
    assert mode(path) == 0o600


async def test_after_a_rename_the_next_lines_go_to_a_new_file(path: Path, log: AuditLog) -> None:
    first, second = examples(2)
    await log.deliver([first])
    rotated = rotate(path)
    await log.deliver([second])
    assert lines(rotated) == [first.body]
    assert lines(path) == [second.body]
    assert mode(path) == 0o600


@pytest.mark.parametrize("torn", [1, 40, "all but the end", "longer than a chunk"])
@pytest.mark.parametrize("before", [0, 2])
async def test_a_torn_last_line_is_cut_off(path: Path, log: AuditLog, torn: int | str, before: int) -> None:
    whole, new = examples(before), example(9)
    if before:
        await log.deliver(whole)
    half = {"all but the end": new.body, "longer than a chunk": b"x" * 200_000}
    with path.open("ab") as file:
        file.write(new.body[:torn] if isinstance(torn, int) else half[torn])
    await log.deliver([new])
    assert lines(path) == [*(event.body for event in whole), new.body]


async def test_a_folder_that_cannot_be_written_is_a_failure_until_it_can(tmp_path: Path) -> None:
    sink = AuditLog(tmp_path / "gone" / "audit.jsonl")
    with pytest.raises(SinkFailed, match=r"^No such file or directory$"):
        await sink.deliver(examples(1))
    (tmp_path / "gone").mkdir()
    assert await sink.deliver(examples(1)) == 1
    await sink.close()


async def test_a_full_disk_leaves_no_half_line_and_no_line_twice(
    path: Path, log: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, *rest = examples(3)
    await log.deliver([before])
    write = os.write
    room = len(rest[0].body) + 10  # a line and a bit

    def write_until_full(descriptor: int, data: bytes) -> int:
        nonlocal room
        if room == 0:
            raise OSError(28, "No space left on device")
        done = write(descriptor, data[:room])
        room -= done
        return done

    monkeypatch.setattr(os, "write", write_until_full)
    with pytest.raises(SinkFailed, match=r"^No space left on device$"):
        await log.deliver(rest)
    assert lines(path) == [before.body]
    monkeypatch.undo()
    await log.deliver(rest)
    assert lines(path) == [event.body for event in (before, *rest)]


async def test_what_is_no_file_is_a_failure(path: Path, log: AuditLog) -> None:
    os.mkfifo(path)
    async with asyncio.timeout(10):
        with pytest.raises(SinkFailed):
            await log.deliver(examples(1))


async def test_nobody_writes_between_the_lines_of_another(path: Path, log: AuditLog) -> None:
    with path.open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(SinkFailed, match=r"^another process writes$"):
            await log.deliver(examples(1))
    assert await log.deliver(examples(1)) == 1


async def test_what_two_outboxes_have_for_it_at_once_is_written_one_after_the_other(path: Path, log: AuditLog) -> None:
    of_two = [[example(number, session=name) for number in range(20)] for name in ("a", "b")]
    assert await asyncio.gather(*(log.deliver(events) for events in of_two)) == [20, 20]
    assert lines(path) == [event.body for events in of_two for event in events]


async def test_a_disk_that_hangs_costs_one_thread(path: Path, log: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    monkeypatch.setattr(os, "fsync", lambda descriptor: os.read(reading, 1))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await log.deliver(examples(1))
    for _ in range(3):
        with pytest.raises(SinkFailed, match="has not ended"):
            await log.deliver(examples(1))
    os.write(writing, b"12")
    monkeypatch.undo()
    async with asyncio.timeout(10):
        while True:
            try:
                await log.deliver([example(7)])
                break
            except SinkFailed:
                await asyncio.sleep(0.01)
    assert lines(path)[-1] == example(7).body
    os.close(reading)
    os.close(writing)


# A stream of a real Redis


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path / "redis") as running:
        yield running


@pytest.fixture
async def stream(server: RedisServer) -> AsyncIterator[RedisStream]:
    sink = RedisStream(server.url, "events")
    yield sink
    await sink.close()


async def entries(server: RedisServer) -> list[dict[Any, Any]]:
    async with Redis.from_url(server.url) as client:
        return [fields or {} for _, fields in await client.xrange("events") or ()]


async def test_an_entry_is_an_event_with_its_id_and_type(server: RedisServer, stream: RedisStream) -> None:
    events = examples(3)
    assert await stream.deliver(events[:2]) == 2
    assert await stream.deliver(events[2:]) == 1
    assert await entries(server) == [
        {b"id": event.event_id.encode(), b"type": b"auth.token.issued.v1", b"event": event.body} for event in events
    ]


async def test_a_stream_does_not_grow_for_ever(
    server: RedisServer, stream: RedisStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_stream, "MAX_LENGTH", 200)
    for _ in range(10):
        await stream.deliver(examples(100))
    kept = await entries(server)
    assert 200 <= len(kept) <= 400  # whole nodes of a hundred go
    assert kept[-1][b"id"] == b"s-99.99"


async def test_a_redis_that_is_gone_is_a_failure_until_it_is_back(server: RedisServer, stream: RedisStream) -> None:
    await stream.deliver(examples(1))
    server.stop()
    for _ in range(2):
        with pytest.raises(SinkFailed):
            await stream.deliver(examples(1))
    server.start()
    assert await stream.deliver(examples(2)) == 2
    assert len(await entries(server)) == 2


async def test_a_redis_that_hangs_is_given_up(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_stream, "TIMEOUT_SECONDS", 0.4)
    stream = RedisStream(server.url, "events")
    await stream.deliver(examples(1))
    os.kill(server.pid, signal.SIGSTOP)
    try:
        async with asyncio.timeout(10):
            with pytest.raises(SinkFailed):
                await stream.deliver(examples(1))
    finally:
        os.kill(server.pid, signal.SIGCONT)
    await stream.deliver([example(5)])
    assert (await entries(server))[-1][b"id"] == b"s-1.5"
    await stream.close()


async def test_a_redis_without_memory_takes_all_of_a_batch_or_nothing(server: RedisServer, stream: RedisStream) -> None:
    assert server.command("CONFIG", "SET", "maxmemory", "1") == "+OK\r\n"
    with pytest.raises(SinkFailed):
        await stream.deliver(examples(5))
    assert server.command("CONFIG", "SET", "maxmemory", "0") == "+OK\r\n"
    assert await stream.deliver(examples(5)) == 5
    assert len(await entries(server)) == 5


async def test_a_key_of_another_kind_is_a_failure(server: RedisServer, stream: RedisStream) -> None:
    server.command("SET", "events", "text")
    with pytest.raises(SinkFailed) as failed:
        await stream.deliver(examples(1))
    assert "s-0" not in str(failed.value)


# A webhook


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as running:
        yield running


def hook_to(receiver: Receiver, *, seconds: float = 20) -> WebhookSink:
    return WebhookSink(Webhook(receiver.url, secret=SECRET, timeout_seconds=seconds), timeout_seconds=seconds)


@pytest.fixture
async def hook(receiver: Receiver) -> AsyncIterator[WebhookSink]:
    sink = hook_to(receiver)
    yield sink
    await sink.close()


def bodies(received: Sequence[Received]) -> list[bytes]:
    return [each.body for each in received]


async def test_every_event_is_a_signed_post(receiver: Receiver, hook: WebhookSink) -> None:
    events = examples(20)
    assert await hook.deliver(events) == 20
    assert sorted(bodies(receiver.received)) == sorted(event.body for event in events)
    for received in receiver.received:
        assert received.header("content-type") == "application/cloudevents+json"
        signature = received.header(SIGNATURE_HEADER) or ""
        at = int(signature.split(",")[0].removeprefix("t="))
        assert signature == sign(received.body, secret=SECRET, at=at)


async def test_events_of_one_session_are_sent_one_after_another(receiver: Receiver) -> None:
    hook = hook_to(receiver)
    under_way: set[str] = set()
    most = 0

    async def watch(received: Received, writer: asyncio.StreamWriter) -> None:
        nonlocal most
        session = json.loads(received.body)["subject"]
        assert session not in under_way
        under_way.add(session)
        most = max(most, len(under_way))
        await asyncio.sleep(0.005)
        under_way.remove(session)
        await status(204)(received, writer)

    receiver.answer = watch
    events = [example(number, session=f"s-{number % 3}") for number in range(30)]
    assert await hook.deliver(events) == 30
    await hook.close()
    assert most > 1  # different ones at the same time
    told = [json.loads(body) for body in bodies(receiver.received)]
    for session in ("s-0", "s-1", "s-2"):
        numbers = [int(event["id"].split(".")[1]) for event in told if event["subject"] == session]
        assert numbers == sorted(numbers)
        assert len(numbers) == 10


@pytest.mark.parametrize("answer", [status(500), status(302, "Location: /"), hang, hang_up])
async def test_a_receiver_that_does_not_confirm_gets_nothing_more_and_fails(receiver: Receiver, answer: Answer) -> None:
    receiver.answer = answer
    hook = hook_to(receiver, seconds=2)
    async with asyncio.timeout(hook.timeout_seconds):
        with pytest.raises(SinkFailed) as failed:
            await hook.deliver([example(number) for number in range(5)])
    await hook.close()
    assert failed.value.delivered == 0
    assert bodies(receiver.received) == [example(0).body]


async def test_what_arrived_before_a_failure_is_told(receiver: Receiver, hook: WebhookSink) -> None:
    async def refuse_the_third(received: Received, writer: asyncio.StreamWriter) -> None:
        await status(503 if received.body == example(2).body else 204)(received, writer)

    receiver.answer = refuse_the_third
    with pytest.raises(SinkFailed) as failed:
        await hook.deliver([example(number) for number in range(5)])
    assert failed.value.delivered == 2
    assert len(receiver.received) == 3


@pytest.mark.parametrize("answer", [pour, drip])
async def test_an_answer_without_end_holds_nothing_up(receiver: Receiver, answer: Answer) -> None:
    receiver.answer = answer
    hook = hook_to(receiver, seconds=3)
    async with asyncio.timeout(hook.timeout_seconds):
        assert await hook.deliver(examples(3)) == 3
    await hook.close()


async def test_a_slow_receiver_is_given_what_fits_in_the_time(receiver: Receiver) -> None:
    hook = hook_to(receiver, seconds=4)

    async def slow(received: Received, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.2)
        await status(204)(received, writer)

    receiver.answer = slow
    events = [example(number) for number in range(50)]
    async with asyncio.timeout(hook.timeout_seconds):
        done = await hook.deliver(events)
    await hook.close()
    assert 0 < done < 50
    assert bodies(receiver.received) == [event.body for event in events[:done]]  # what was begun was waited for
