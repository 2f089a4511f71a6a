# SPDX-License-Identifier: Apache-2.0
"""The revocations of a service, followed by a thread."""

import logging
import math
import random
import re
import ssl
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, NamedTuple
from urllib.parse import quote

from tessera import _core
from tessera.follower.answers import AnswerReader, Applied
from tessera.follower.connection import Connection, FollowError, read_url
from tessera.follower.forks import forget_in_children
from tessera.follower.keys import RemoteKeySet
from tessera.follower.lines import CONTENT_TYPE, read_lines

PATH: Final = "/v1/revocations"
MIN_STALENESS_SECONDS: Final = 3.0

_MAX_WAIT: Final = 20  # seconds of a long poll
_PATIENCE_SECONDS: Final = 10.0  # with silence, beyond the wait
_ANSWER_SECONDS: Final = 300.0
_PACE_SECONDS: Final = 0.2  # between two questions
_BACKOFF_SECONDS: Final = (0.2, 5.0)  # first and longest pause after a failure
_MAX_RETRY_AFTER: Final = 30
_PURGE_SECONDS: Final = 60.0
_ASTRAY_MS: Final = 60_000  # how far the clock may stray meanwhile from the time that passed
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,8192}")

_log = logging.getLogger("tessera.follower")


class _Held(NamedTuple):
    """What is known of, replaced as a whole: readers in other threads see one state. `as_of_ns`: CLOCK_BOOTTIME."""

    tenant_id: str | None
    as_of_ns: int


class _Clocks(NamedTuple):
    """The clock and the time since boot at one moment, in milliseconds."""

    clock: int
    up: int


class RevocationFollower:
    """Fills `revocations` from `GET /v1/revocations` while it runs: `start` and `close`, or as a context manager.

    `url`: of the service, or of the endpoint. `token`: a bearer that holds `token.introspect`, or a function that gives
    one at every question. `keys`: where the ids of withdrawn signing keys go. `max_staleness_seconds`: how old what is
    known may be; a third of it is waited for each answer at most. http to another machine needs `allow_plaintext`.

    The thread does not survive a fork: start it in the process that verifies; in a child nothing is fresh.
    """

    def __init__(
        self,
        url: str,
        token: str | Callable[[], str],
        *,
        keys: RemoteKeySet | None = None,
        max_staleness_seconds: float = 15.0,
        max_entries: int = 10_000_000,
        ssl_context: ssl.SSLContext | None = None,
        allow_plaintext: bool = False,
    ) -> None:
        if not max_staleness_seconds >= MIN_STALENESS_SECONDS:
            raise ValueError(f"max_staleness_seconds: at least {MIN_STALENESS_SECONDS:g}")
        self.revocations = _core.RevocationSet()
        self.max_staleness_seconds = max_staleness_seconds
        self.last_error: str | None = None  # the code of why the last question failed; None if it was answered
        self.snapshots = 0  # that were read whole
        address = read_url(url, default_path=PATH, allow_plaintext=allow_plaintext)
        self._path = address.path
        self._connection = Connection(address, ssl_context=ssl_context)
        self._token = token
        self._reader = AnswerReader(
            self.revocations, withdraw=keys.withdraw if keys is not None else _forget, max_entries=max_entries
        )
        self._wait = max(1, int(min(_MAX_WAIT, max_staleness_seconds / 3)))
        self._cursor: str | None = None
        self._held: _Held | None = None
        self._closing = threading.Event()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._purged = _clocks_ms()
        forget_in_children(self)

    def forget_threads(self) -> None:
        """In a child of a fork: nobody follows here, so nothing is fresh until `start`."""
        self._thread = self._held = self._cursor = None
        self._closing, self._changed = threading.Event(), threading.Condition()
        self._connection.forget()

    @property
    def tenant_id(self) -> str | None:
        """Whose revocations are known: None for every tenant's. FollowError before there are any."""
        if self._held is None:
            raise FollowError("not_followed_yet")
        return self._held.tenant_id

    @property
    def is_followed(self) -> bool:
        """Whether a snapshot was read whole, however long ago."""
        return self._held is not None

    @property
    def staleness_seconds(self) -> float:
        """Everything that was acknowledged longer ago is known; infinite before the first snapshot."""
        held = self._held
        return math.inf if held is None else max(0.0, (_core.boottime_ns() - held.as_of_ns) / 1e9)

    @property
    def is_fresh(self) -> bool:
        """Whether what is known is not older than `max_staleness_seconds`."""
        return self.staleness_seconds <= self.max_staleness_seconds

    def wait_until_fresh(self, timeout_seconds: float) -> bool:
        """Waits for it, for the first snapshot as a rule; whether it is."""
        with self._changed:
            self._changed.wait_for(lambda: self.is_fresh or self._closing.is_set(), timeout_seconds)
        return self.is_fresh

    def start(self) -> "RevocationFollower":
        """Begins to follow; once."""
        if self._thread is not None:
            raise RuntimeError("started already")
        self._thread = threading.Thread(target=self._run, name="tessera-follower", daemon=True)
        self._thread.start()
        return self

    def close(self) -> None:
        """Ends following; what is known grows stale. Idempotent."""
        self._closing.set()
        with self._changed:
            self._changed.notify_all()
        self._connection.abort()
        if self._thread is not None and self._thread.is_alive():
            self._thread.join(_PATIENCE_SECONDS)

    def __enter__(self) -> "RevocationFollower":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # The thread

    def _run(self) -> None:
        pause = _BACKOFF_SECONDS[0]
        while not self._closing.is_set():
            began = time.monotonic()
            try:
                self._poll()
                pause, self.last_error = _BACKOFF_SECONDS[0], None
                delay = began + _PACE_SECONDS - time.monotonic()
            except Exception as error:  # whatever it is: the thread goes on, and what is known grows stale meanwhile
                delay = self._note(error, pause)
                pause = min(2 * pause, _BACKOFF_SECONDS[1])
            self._closing.wait(max(0.0, delay))
        self._connection.close()

    def _note(self, error: Exception, pause: float) -> float:
        """Says why; how long to wait."""
        if self._closing.is_set():
            return 0.0
        code = error.code if isinstance(error, FollowError) else "failed"
        if code != self.last_error:
            unforeseen = None if isinstance(error, FollowError) else error
            _log.warning("revocations are not followed: %s", code, exc_info=unforeseen)
        self.last_error = code
        asked = error.retry_after if isinstance(error, FollowError) else None
        spread = random.uniform(pause / 2, pause)  # noqa: S311 (so that many do not come back at once: no secret)
        return max(spread, min(asked or 0, _MAX_RETRY_AFTER))

    def _poll(self) -> None:
        sent_ns, query = _core.boottime_ns(), f"?wait={self._wait}"
        if self._cursor is not None:
            query += f"&cursor={quote(self._cursor, safe='')}"
        answer = self._connection.get(
            self._path + query,
            self._headers(),
            silence_seconds=self._wait + _PATIENCE_SECONDS,
            total_seconds=_ANSWER_SECONDS,
        )
        if answer.status != 200:
            self._connection.close()
            if answer.status == 400:
                self._cursor = None  # another installation, another key, another tenant: from the beginning
            raise FollowError(f"status_{answer.status}", retry_after=_seconds(answer.headers.get("retry-after")))
        try:
            applied = self._reader.read(read_lines(answer))
        except BaseException:
            self._connection.close()
            raise
        self._accept(applied, sent_ns)

    def _headers(self) -> dict[str, str]:
        token = self._token if isinstance(self._token, str) else self._token()
        if _TOKEN.fullmatch(token) is None:
            raise FollowError("token_malformed")
        return {"Authorization": f"Bearer {token}", "Accept": CONTENT_TYPE, "Accept-Encoding": "gzip"}

    def _accept(self, applied: Applied, sent_ns: int) -> None:
        held = self._held
        goes_on = held is not None and self._cursor is not None and held.tenant_id == applied.tenant_id
        if not goes_on and (not applied.is_snapshot or applied.as_of_ms is None):
            self._cursor = None
            raise FollowError("answer_malformed")  # news of something else than what is held
        self._cursor = applied.cursor
        self.snapshots += applied.is_snapshot
        if applied.as_of_ms is not None:
            as_of_ns = min(sent_ns + applied.as_of_ms * 1_000_000, _core.boottime_ns())
            known_ns = held.as_of_ns if held is not None and held.tenant_id == applied.tenant_id else as_of_ns
            self._held = _Held(applied.tenant_id, max(as_of_ns, known_ns))
            with self._changed:
                self._changed.notify_all()
        self._purge()

    def _purge(self) -> None:
        """Not when the clock went another way than the time: what goes too early lives again when it is set back."""
        last, now = self._purged, _clocks_ms()
        if now.up - last.up < _PURGE_SECONDS * 1000:
            return
        self._purged = now
        if abs((now.clock - last.clock) - (now.up - last.up)) <= _ASTRAY_MS:
            self.revocations.purge(now=now.clock // 1000)


def _clocks_ms() -> _Clocks:
    return _Clocks(time.time_ns() // 1_000_000, _core.boottime_ns() // 1_000_000)


def _forget(_: str) -> None:
    """Without a key set that is followed, withdrawn keys are the caller's business."""


def _seconds(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"[0-9]{1,4}", text, re.ASCII) else None
