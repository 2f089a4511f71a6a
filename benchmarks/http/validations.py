# SPDX-License-Identifier: Apache-2.0
"""validations.py [SESSIONS]: what live sessions cost a service that holds very many: time and memory."""

import asyncio
import gc
import json
import os
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from million import fill, make

import tessera
from tessera_service.app import create_app
from tessera_service.engine import Engine, EngineConfig, GatewayClient, GatewayRequest, MasterKeys
from tessera_service.engine.snapshots import session_snapshot
from tessera_service.logs import configure_logs
from tessera_service.models import SessionMetadata
from tessera_service.settings import Settings
from tessera_service.storage.sql import SqlDirectory, SqlSessionStore, sqlite_url
from tessera_service.web import Service

EMPTY: Final = 1_000
TOKENS: Final = 1_000
ROUNDS: Final = 9
TENANT: Final = "default"
ISSUER: Final = "https://issuer.example"
AGENT: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36"
)


async def main(number: int) -> None:
    configure_logs("warning")
    report_memory(number)
    with tempfile.TemporaryDirectory(prefix="tessera-benchmark-") as folder:
        paths = [make_database(Path(folder, str(sessions)), sessions) for sessions in (EMPTY, number)]
        async with open_service(paths[0]) as empty, open_service(paths[1]) as full:
            for service, sessions in ((empty, EMPTY), (full, number)):
                cache(service.state.engine.mirror.table, sessions)
            callers = [await Caller.of(service) for service in (empty, full)]
            for name in ("validate", "introspect", "authz"):
                await compare(name, callers, number)


def make_database(folder: Path, number: int) -> Path:
    folder.mkdir()
    fill(folder / "tessera.db", number)
    return folder


@asynccontextmanager
async def open_service(folder: Path) -> AsyncIterator[Service]:
    directory = SqlDirectory(sqlite_url(folder / "tessera.db"))
    engine = Engine(
        config=EngineConfig(issuer=ISSUER, session_table_entries=4_000_000),
        directory=directory,
        sessions=SqlSessionStore(directory),
        master_keys=MasterKeys(current=bytes(32)),
    )
    await engine.start()
    try:
        yield create_app(Settings(data_dir=folder, issuer=ISSUER, rate_limit="100000000/1m"), engine=engine)
    finally:
        await engine.stop()


def cache(table: tessera.SessionTable, number: int) -> None:
    """Puts `number` sessions into the table, as a service does that was asked about each."""
    ticket, expires_at = table.ticket(), int(time.time()) + 3600
    for one in range(number):
        address = f"203.0.{one >> 8 & 255}.{one & 255}"
        session = replace(make(one), metadata=SessionMetadata(address, AGENT, "web"))
        table.put(
            ticket,
            id=session.session_id,
            tenant_id=session.tenant_id,
            subject=str(uuid.UUID(int=one)),
            created_ms=session.created_ms,
            expires_at=expires_at,
            data=session_snapshot(session),
        )


def report_memory(number: int) -> None:
    """Before anything else, so that no freed memory of others is used again."""
    table = tessera.SessionTable(max_entries=4_000_000)
    before = resident()
    cache(table, number)
    held = (resident() - before) / number
    content = len(session_snapshot(replace(make(1), metadata=SessionMetadata("203.0.113.9", AGENT, "web"))))
    print(f"{len(table):,} cached sessions: {held:.0f} B each, of which the snapshot itself is {content}")
    print(f"    goal 400 B: {'met' if held <= 400 else 'MISSED'}\n")


def resident() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Caller:
    """A thousand real tokens of one service, and requests about them that go past the network."""

    def __init__(self, app: Service, tokens: list[str], bearer: str) -> None:
        self.app = app
        self.calls: dict[str, list[tuple[dict[str, Any], bytes]]] = {
            "validate": [request("/api/v1/sessions/validate", {"token": token}) for token in tokens],
            "introspect": [request("/v1/token/introspect", {"token": token}, bearer=bearer) for token in tokens],
            "authz": [request("/v1/authz", {}, bearer=token) for token in tokens],
        }

    @classmethod
    async def of(cls, app: Service) -> "Caller":
        engine: Engine = app.state.engine
        client = GatewayClient(TENANT, "gateway")
        made = [
            await engine.gateway.create(client, GatewayRequest(f"user-{n}", f"user-{n}", "teacher", ("doc.read",)))
            for n in range(TOKENS)
        ]
        bearer = await engine.service_tokens.mint(
            tenant_id=TENANT, subject="gateway", permissions=("token.introspect",), ttl_seconds=3600
        )
        return cls(app, [token for _, token in made], bearer)

    async def run(self, name: str) -> float:
        """Asks once about each token; answers a second of processor time, for others use this machine too."""
        start = time.process_time()
        for scope, body in self.calls[name]:
            await ask(self.app, scope, body)
        return TOKENS / (time.process_time() - start)


def request(path: str, body: dict[str, str], *, bearer: str | None = None) -> tuple[dict[str, Any], bytes]:
    content = json.dumps(body).encode()
    headers = [(b"host", b"127.0.0.1"), (b"content-type", b"application/json"), (b"x-request-id", b"benchmark")]
    headers += [(b"x-tenant-id", TENANT.encode()), (b"content-length", b"%d" % len(content))]
    headers += [(b"authorization", f"Bearer {bearer}".encode())] if bearer else []
    scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b""}
    scope |= {"headers": headers, "client": ("127.0.0.1", 50_000), "http_version": "1.1", "scheme": "http"}
    return scope, content


async def ask(app: Service, scope: dict[str, Any], body: bytes) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    answered: list[bytes] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            assert message["status"] == 200, message
        else:
            answered.append(message.get("body", b""))

    await app(dict(scope), receive, send)
    assert b'"is_valid":false' not in answered[0], answered
    assert b'"active":false' not in answered[0], answered


async def compare(name: str, callers: list[Caller], number: int) -> None:
    empty, full = callers
    rates: list[tuple[float, float]] = []
    for caller in callers:
        await caller.run(name)  # fills the caches
    for turn in range(ROUNDS):
        order: list[Callable[[str], Awaitable[float]]] = [empty.run, full.run]
        if turn % 2:
            right = await order[1](name)
            rates.append((await order[0](name), right))
        else:
            left = await order[0](name)
            rates.append((left, await order[1](name)))
    ratio = statistics.median(right / left for left, right in rates)
    left, right = (statistics.median(one) for one in zip(*rates, strict=True))
    print(f"{name}: {left:,.0f}/s among {EMPTY:,}, {right:,.0f}/s among {number:,} live sessions: {ratio:.2f}x")
    print(f"    goal 0.9x: {'met' if ratio >= 0.9 else 'MISSED'}")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
