# SPDX-License-Identifier: Apache-2.0
"""Clients of Redis: of one server, of one behind Sentinel, of a cluster. None of them ever repeats a command: one whose
answer was lost may have been run."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from redis.asyncio import ConnectionPool, Redis, Sentinel
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from tessera_service.storage.redis.cluster import Cluster

Client = Redis | Cluster
SLOTS: Final = 32  # commands under way at once, of one process at one server
_SPARE: Final = 3  # connections beyond that: one that waits for entries; of commands given up and not closed yet
_CLUSTER, _SENTINEL = "+cluster", "+sentinel"


def make_client(url: str, *, timeout_seconds: float) -> Client:
    """The client of a URL; nothing is opened yet. ValueError if it is none: `redis://HOST:PORT/DB` (`rediss://` with
    TLS, `unix://PATH`), `redis+cluster://HOST:PORT,HOST:PORT`, `redis+sentinel://HOST:PORT,HOST:PORT/MASTER/DB`."""
    options: dict[str, Any] = {
        "socket_timeout": timeout_seconds,
        "socket_connect_timeout": timeout_seconds,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
        "max_connections": SLOTS + _SPARE,
    }
    scheme = url.partition("://")[0]
    if scheme.endswith(_CLUSTER):
        return _make_cluster(url, options)
    if scheme.endswith(_SENTINEL):
        return _make_sentinel(url, options)
    return Redis(connection_pool=ConnectionPool.from_url(url, **options))


def _make_cluster(url: str, options: Mapping[str, Any]) -> Cluster:
    known = {**options, **_credentials(url)}

    def connect(host: str, port: int) -> Redis:
        return Redis(host=host, port=port, **known)

    addresses = _hosts(url, port=6379)
    return Cluster(addresses, connect=connect, room=SLOTS, timeout_seconds=options["socket_timeout"])


def _make_sentinel(url: str, options: Mapping[str, Any]) -> Redis:
    _, master, *db = urlsplit(url).path.split("/")
    if not master:
        raise ValueError("the name of the master is missing")
    quick = {name: options[name] for name in ("socket_timeout", "socket_connect_timeout", "retry", "protocol")}
    sentinel: Any = Sentinel(_hosts(url, port=26379), sentinel_kwargs=quick)  # type: ignore[no-untyped-call]
    client: Redis = sentinel.master_for(master, db=int(db[0]) if db else 0, **options, **_credentials(url))
    return client


def _hosts(url: str, *, port: int) -> list[tuple[str, int]]:
    """The addresses in front of the path, without the credentials."""
    found = [urlsplit(f"//{one}") for one in urlsplit(url).netloc.rpartition("@")[2].split(",")]
    if not all(one.hostname for one in found):
        raise ValueError("an address is missing")
    return [(one.hostname or "", one.port or port) for one in found]


def _credentials(url: str) -> dict[str, Any]:
    user, _, password = urlsplit(url).netloc.rpartition("@")[0].partition(":")
    known = {"username": unquote(user) or None, "password": unquote(password) or None}
    return known | {"ssl": url.startswith("rediss")} if url.startswith("rediss") else known


def public_name(url: str) -> str:
    """The URL without its credentials."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('?')[0].rpartition('@')[2]}"
