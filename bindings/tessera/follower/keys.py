# SPDX-License-Identifier: Apache-2.0
"""The public keys of a service (JWKS), followed: the last known good ones count until there are better ones."""

import json
import logging
import math
import re
import ssl
import threading
from collections.abc import Iterable, Mapping
from typing import Final

from tessera import _core
from tessera.follower.connection import Connection, FollowError, read_url
from tessera.follower.forks import forget_in_children

PATH: Final = "/.well-known/jwks.json"

_MAX_BYTES: Final = 262_144
_ANSWER_SECONDS: Final = 5.0
_REFRESH_SECONDS: Final = (30.0, 3600.0)  # what Cache-Control says, within these
_MAX_AGE: Final = re.compile(r"(?:^|[,\s])max-age=([0-9]{1,9})(?:$|[,\s])", re.ASCII)

_log = logging.getLogger("tessera.follower")


class RemoteKeySet:
    """`key_set` is one object whose keys are replaced. They are fetched when they are first needed, when the answer
    grows old and when `refresh` asks for it: once for however many ask, at most once in `cooldown_seconds`.

    `url`: of the service, or of the document. `max_staleness_seconds`: how long the last known good keys count when
    no fetch succeeds: a key that is withdrawn meanwhile counts until then, unless a RevocationFollower tells of it.
    """

    def __init__(
        self,
        url: str,
        *,
        max_staleness_seconds: float = 86_400.0,
        cooldown_seconds: float = 10.0,
        ssl_context: ssl.SSLContext | None = None,
        allow_plaintext: bool = False,
    ) -> None:
        if not max_staleness_seconds > 0 or not cooldown_seconds >= 0:
            raise ValueError("max_staleness_seconds, cooldown_seconds: positive")
        self.key_set = _core.KeySet()
        self.max_staleness_seconds = max_staleness_seconds
        self.last_error: str | None = None  # the code of why the last fetch failed; None if it did not
        self.fetches = 0  # that were tried
        address = read_url(url, default_path=PATH, allow_plaintext=allow_plaintext)
        self._path = address.path
        self._connection = Connection(address, ssl_context=ssl_context)
        self._cooldown = cooldown_seconds
        self._lock = threading.Lock()  # guards what follows
        self._fetch: threading.Event | None = None  # set when the fetch that runs is over
        self._tried = -math.inf
        self._due = -math.inf
        self._etag: str | None = None
        self._good_ns: int | None = None  # CLOCK_BOOTTIME of when the last good answer was asked for
        self._keys: dict[str, _core.PublicKey] = {}
        self._withdrawn: set[str] = set()
        self._counting: dict[str, _core.PublicKey] = {}  # of `_keys`, but the withdrawn
        forget_in_children(self)

    def forget_threads(self) -> None:
        """In a child of a fork: no fetch runs here, and nobody holds the lock."""
        self._lock, self._fetch, self._tried = threading.Lock(), None, -math.inf
        self._connection.forget()

    @property
    def staleness_seconds(self) -> float:
        """How long ago the last good answer was asked for; infinite before the first."""
        good_ns = self._good_ns
        return math.inf if good_ns is None else max(0.0, (_core.boottime_ns() - good_ns) / 1e9)

    @property
    def is_fresh(self) -> bool:
        """Whether the keys count."""
        return self.staleness_seconds <= self.max_staleness_seconds

    def follow(self, *, wait: bool = True) -> None:
        """Sees to it that the keys are fetched when it is time. Waits only for the first ones, if `wait`."""
        if _up_seconds() >= self._due:
            fetch = self._start_fetch()
            if wait and self._good_ns is None and fetch is not None:
                fetch.wait(2 * _ANSWER_SECONDS)

    def refresh(self, *, wait: bool = True) -> None:
        """Fetches now, unless that was tried just before; who asks while a fetch runs waits for that one."""
        fetch = self._start_fetch()
        if wait and fetch is not None:
            fetch.wait(2 * _ANSWER_SECONDS)

    def withdraw(self, kid: str) -> None:
        """That key does not count any more, whatever answers say."""
        with self._lock:
            self._withdrawn.add(kid)
            self._replace()

    def _start_fetch(self) -> threading.Event | None:
        """The fetch that runs; None if there is none and it is too early for one."""
        with self._lock:
            if self._fetch is None and _up_seconds() - self._tried >= self._cooldown:
                self._tried, fetch = _up_seconds(), threading.Event()
                threading.Thread(target=self._run, args=(fetch,), name="tessera-jwks", daemon=True).start()
                self._fetch = fetch
            return self._fetch

    def _run(self, over: threading.Event) -> None:
        try:
            self._take(self._etag)
            self.last_error = None
        except Exception as error:  # whatever it is: the last known good keys stay
            code = error.code if isinstance(error, FollowError) else "failed"
            if code != self.last_error:
                unforeseen = None if isinstance(error, FollowError) else error
                _log.warning("the keys are not followed: %s", code, exc_info=unforeseen)
            self.last_error = code
        finally:
            self._connection.close()
            with self._lock:
                self._fetch = None
            over.set()

    def _take(self, etag: str | None) -> None:
        asked_ns, self.fetches = _core.boottime_ns(), self.fetches + 1
        headers = {"Accept": "application/json"} | ({} if etag is None else {"If-None-Match": etag})
        answer = self._connection.get(
            self._path, headers, silence_seconds=_ANSWER_SECONDS, total_seconds=_ANSWER_SECONDS
        )
        if answer.status not in (200, 304) or (answer.status == 304 and etag is None):
            raise FollowError(f"status_{answer.status}")
        keys = None
        if answer.status == 200:
            keys = _read_keys(_read_body(answer.chunks))
        with self._lock:
            if keys is not None:
                self._keys, self._etag = keys, answer.headers.get("etag")
                self._replace()
            self._good_ns = asked_ns
            self._due = _up_seconds() + _refresh_after(answer.headers.get("cache-control", ""))

    def _replace(self) -> None:
        counting = {kid: key for kid, key in self._keys.items() if kid not in self._withdrawn}
        if _prints(counting) != _prints(self._counting):  # else tokens that were verified would be so once more
            self.key_set.replace(counting.values())
            self._counting = counting


def _up_seconds() -> float:
    """By a clock that runs on while the machine sleeps: what is due then is fetched when it wakes."""
    return _core.boottime_ns() / 1e9


def _prints(keys: Mapping[str, _core.PublicKey]) -> Mapping[str, str]:
    return {kid: key.thumbprint for kid, key in keys.items()}


def _read_body(chunks: Iterable[bytes]) -> bytes:
    body = b""
    for chunk in chunks:
        body += chunk
        if len(body) > _MAX_BYTES:
            raise FollowError("answer_malformed")
    return body


def _read_keys(body: bytes) -> dict[str, _core.PublicKey]:
    """Those that verify RS256, as the core reads them; at least one."""
    try:
        kids = set(_core.KeySet.from_jwks(body).kids)
        members = [member for member in json.loads(body)["keys"] if member.get("kid") in kids]
        keys = {member["kid"]: _core.PublicKey.from_jwk(json.dumps(member)) for member in members}
    except (_core.Error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FollowError("answer_malformed") from error
    if not keys:
        raise FollowError("answer_malformed")
    return keys


def _refresh_after(cache_control: str) -> float:
    found = _MAX_AGE.search(cache_control)
    shortest, longest = _REFRESH_SECONDS
    return longest if found is None else min(max(float(found[1]), shortest), longest)
