# SPDX-License-Identifier: Apache-2.0
"""The mirror: every revocation log, followed into the core's sets."""

import asyncio
import math
from collections.abc import Callable, Iterable, Sequence

import structlog

import tessera
from tessera_service.engine.config import EngineConfig
from tessera_service.engine.log_follower import LogFollower
from tessera_service.engine.log_tail import LogTail
from tessera_service.errors import StoreUnavailable
from tessera_service.models import LogEntry, LogKind
from tessera_service.storage.base import RevocationLog

_log = structlog.get_logger(__name__)


class Mirror:
    """Applies the logs to `revocations` and `table`, and says for how long they may answer.

    What this process revokes is applied by `ended`, `cut_off` and `killed` before it is acknowledged, so that the same
    process refuses at once; the log repeats it to every process.
    """

    def __init__(
        self, *, logs: Iterable[RevocationLog], config: EngineConfig, withdraw_key: Callable[[str], None]
    ) -> None:
        self.revocations = tessera.RevocationSet()
        self.table = tessera.SessionTable(max_entries=config.session_table_entries)
        self._checkers: list[tessera.Checker] = []
        self._config = config
        self._withdraw_key = withdraw_key
        self._notices: list[Callable[[LogEntry], None]] = []
        self.logs: Sequence[RevocationLog] = tuple({log.log_key: log for log in logs}.values())  # each of them once
        self._followers = [
            LogFollower(log, apply=self._apply, lost=self._lost, page_seconds=lambda: config.store_timeout)
            for log in self.logs
        ]
        self._heard = asyncio.Event()  # a poll applied entries since
        self._applied = 0
        self._one_at_a_time = asyncio.Lock()
        self._asked_ns: int | None = None

    def checker(self, verifier: tessera.Verifier) -> tessera.Checker:
        """A checker over this mirror, kept fresh by it. Closed until the first poll."""
        checker = tessera.Checker(verifier, revocations=self.revocations, sessions=self.table)
        self._checkers.append(checker)
        return checker

    def on_change(self, notice: Callable[[LogEntry], None]) -> None:
        """From now on `notice` is given every CHANGED entry; it may not fail."""
        self._notices.append(notice)

    @property
    def is_fresh(self) -> bool:
        """Whether the mirror may answer now."""
        return all(checker.is_fresh for checker in self._checkers)

    @property
    def asked_ns(self) -> int | None:
        """When the last successful poll was sent (CLOCK_BOOTTIME): the tails hold everything from before."""
        return self._asked_ns

    @property
    def tails(self) -> Sequence[LogTail]:
        """The newest entries of each of `logs`; StoreUnavailable before the first poll."""
        tails = [follower.tail for follower in self._followers]
        if any(tail is None for tail in tails):
            raise StoreUnavailable
        return [tail for tail in tails if tail is not None]

    @property
    def news(self) -> asyncio.Event:
        """Is set once, when a poll has applied entries that were not there when it was asked for."""
        return self._heard

    def wake(self) -> None:
        """Whoever waits for news looks again."""
        heard, self._heard = self._heard, asyncio.Event()
        heard.set()

    @property
    def age_seconds(self) -> float:
        """How long ago the last successful poll was sent; infinite before the first."""
        return math.inf if self._asked_ns is None else (tessera.boottime_ns() - self._asked_ns) / 1e9

    async def poll(self) -> None:
        """Reads what every log has new, and only if all answered is fresh again, as of when they were asked.
        StoreUnavailable otherwise; what the others said is applied all the same."""
        async with self._one_at_a_time:
            asked_ns, applied = tessera.boottime_ns(), self._applied
            outcomes = await asyncio.gather(*(follower.poll() for follower in self._followers), return_exceptions=True)
            try:
                self._settle(outcomes, asked_ns)
            finally:
                if self._applied != applied:
                    self.wake()

    def _settle(self, outcomes: Sequence[BaseException | None], asked_ns: int) -> None:
        for outcome in outcomes:
            if outcome is not None:
                raise outcome
        self._asked_ns = asked_ns
        for checker in self._checkers:
            checker.keep_fresh_for(self._config.max_freshness_ms, since_boottime_ns=asked_ns)

    def close(self) -> None:
        """From now on only the stores can tell."""
        for checker in self._checkers:
            checker.close()

    # Revocations of this process

    def ended(self, session_id: str, *, expires_at: int) -> None:
        """A session is over."""
        self.revocations.revoke_session(session_id, expires_at=expires_at)
        self.table.drop(session_id)

    def killed(self, jti: str, *, expires_at: int) -> None:
        """One token is revoked."""
        self.revocations.revoke_jti(jti, expires_at=expires_at)
        self.table.drop(jti)  # a service token's record stands there under its jti

    def cut_off(self, tenant_id: str, subject: str, *, cutoff_ms: int, expires_at: int) -> None:
        """Every session of the subject that was created at or before `cutoff_ms` is over."""
        self.revocations.cut_off(tenant_id, subject, cutoff_ms=cutoff_ms, expires_at=expires_at)
        self.table.drop_subject(tenant_id, subject)

    def changed(self, tenant_id: str, key: str) -> None:
        """A session, a subject, a service token or an access key is not what it was: read it again."""
        self.table.drop(key)
        self.table.drop_subject(tenant_id, key)

    # Revocations of all processes

    def _apply(self, entry: LogEntry) -> None:
        self._applied += 1
        match entry.kind:
            case LogKind.JTI:
                self.killed(entry.key, expires_at=entry.expires_at)
            case LogKind.SESSION:
                self.ended(entry.key, expires_at=entry.expires_at)
            case LogKind.SUBJECT:
                self.cut_off(entry.tenant_id, entry.key, cutoff_ms=entry.cutoff_ms, expires_at=entry.expires_at)
            case LogKind.KEY:
                self._withdraw_key(entry.key)
            case LogKind.CHANGED:
                self.changed(entry.tenant_id, entry.key)
                for notice in self._notices:
                    notice(entry)

    def _lost(self) -> None:
        """A log is not the one that was followed: what it killed stays dead, what it kept alive is not known."""
        self.table.clear()
        _log.warning("revocation_log_read_again")
