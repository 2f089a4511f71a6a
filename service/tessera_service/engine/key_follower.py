# SPDX-License-Identifier: Apache-2.0
"""Follows the signing keys of the directory: which verify, which signs, what the JWKS says."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import structlog

import tessera
from tessera_service.clock import Clock
from tessera_service.engine.config import CONFIRM_LIMIT, EngineConfig
from tessera_service.engine.deadlines import answered_within
from tessera_service.engine.jwks import Jwks, make_jwks
from tessera_service.engine.key_schedule import KeyInfo, KeySchedule
from tessera_service.engine.key_vault import KeyVault
from tessera_service.engine.master_keys import MasterKeys
from tessera_service.errors import StartupError, StoreUnavailable
from tessera_service.models import SigningKey
from tessera_service.storage.base import Directory

MAX_KEYS = 64  # what a key set holds
UNKNOWN_KID_INTERVAL_MS = 5000  # between two reloads that unknown kids ask for

_log = structlog.get_logger(__name__)


class SigningPair(NamedTuple):
    """A key that may sign."""

    kid: str
    signer: tessera.Signer
    bits: int


class KeyFollower:
    """Keeps `keyset` as the directory says. Reads are from memory; everything that awaits asks the directory."""

    def __init__(self, *, directory: Directory, master_keys: MasterKeys, clock: Clock, config: EngineConfig) -> None:
        self.keyset = tessera.KeySet()
        self.stale = asyncio.Event()  # set when the log told of a change: reload soon
        self._directory = directory
        self._vault = KeyVault(master_keys)
        self._clock = clock
        self._config = config
        self._schedule = KeySchedule((), config)
        self._public: dict[str, tessera.PublicKey] = {}  # kept, so that cached tokens survive the change of other keys
        self._private: dict[str, tessera.PrivateKey] = {}
        self._signers: dict[str, SigningPair] = {}
        self._unusable: set[tuple[str, str]] = set()  # a kid and the master key that it could not be opened with
        self._left_out: list[str] = []  # published by the directory, but more than a key set holds
        self._withdrawn: set[str] = set()  # by the log: a reading that is older than the log may not bring them back
        self._jwks: Jwks | None = None
        self._confirmed_ms: int | None = None  # when the directory was asked that last answered
        self._reloading: asyncio.Task[None] | None = None
        self._failing = False
        self._asked_ms: int | None = None  # when an unknown kid last asked for a reload

    async def signing(self) -> SigningPair:
        """The key that signs now. Asks the directory only if that was not confirmed for 20 minutes (a machine that
        slept, a directory that was away); StoreUnavailable if it is silent or there is no such key."""
        pair = self._signing_now()
        if pair is None:
            await self.reload()
            pair = self._signing_now()
        if pair is None:
            raise StoreUnavailable
        return pair

    def signing_with(self, kid: str) -> SigningPair | None:
        """That key, active or retired, while its private half is there: for signing the same bytes again."""
        return self._signers.get(kid)

    async def signing_again(self, kid: str) -> SigningPair | None:
        """As `signing_with`, also of a key that another process may have made a moment ago; None once it was revoked or
        is gone: what it signed is dead. StoreUnavailable if it counts but this process cannot open its private half."""
        key = self.signing_with(kid)
        if key is None:
            await self.reload()
            key = self.signing_with(kid)
        if key is None and kid in self.keyset:
            raise StoreUnavailable
        return key

    def jwks_now(self) -> Jwks:
        """The JWKS from memory, whatever the directory does."""
        assert self._jwks is not None, "a key exists before the port opens"
        return self._jwks._replace(max_age=self._schedule.max_age(self._clock.now()))

    def infos(self) -> Sequence[KeyInfo]:
        """Every key with its state, from memory."""
        return self._schedule.infos(self._clock.now())

    async def reload(self) -> None:
        """Reads the rows again; callers at the same time share one reading. StoreUnavailable."""
        if self._reloading is None:
            self.stale.clear()
            self._reloading = asyncio.create_task(self._reload(), name="tessera-keys-reload")
            self._reloading.add_done_callback(self._reloaded)
        await asyncio.shield(self._reloading)

    async def confirm(self) -> None:
        """Returns if the directory told of its keys within the freshness bound, else asks it. StoreUnavailable."""
        if not self._is_confirmed(self._config.max_freshness_ms):
            await self.reload()

    def may_ask(self) -> bool:
        """Whether an unknown kid is worth `reload_for_unknown`: none asked just now, or the answer is still open."""
        if self._failing or self._reloading is not None or self._asked_ms is None:
            return True
        return abs(self._clock.now_ms() - self._asked_ms) >= UNKNOWN_KID_INTERVAL_MS

    async def reload_for_unknown(self) -> None:
        """The reload that an unknown kid asks for, at most every 5 s. StoreUnavailable: nobody can tell yet."""
        if self.may_ask():
            self._asked_ms = self._clock.now_ms()
            await self.reload()

    def withdraw(self, kid: str) -> None:
        """Drops a revoked key at once, as the log says, and asks for a reload."""
        if kid not in self._withdrawn:
            _log.info("signing_key_withdrawn", kid=kid)
        self._withdrawn.add(kid)
        self._install(self._schedule.rows)
        self.stale.set()

    async def close(self) -> None:
        """Ends a reading that is under way."""
        if self._reloading is not None:
            self._reloading.cancel()
            await asyncio.gather(self._reloading, return_exceptions=True)

    async def _reload(self) -> None:
        asked_ms = self._clock.now_ms()
        async with answered_within(self._config.store_timeout):
            rows = await self._directory.list_signing_keys()
        await self._open_private(rows)
        self._install(rows)
        self._confirmed_ms = asked_ms

    def _reloaded(self, task: asyncio.Task[None]) -> None:
        self._reloading = None
        self._failing = task.cancelled() or task.exception() is not None

    async def _open_private(self, rows: Sequence[SigningKey]) -> None:
        for row in rows:
            sealed = (row.kid, row.master_key_id)
            if row.private_pem is None or row.kid in self._private or sealed in self._unusable:
                continue
            try:
                self._private[row.kid] = await asyncio.to_thread(self._vault.open, row)
            except StartupError as error:  # its public half still verifies; it cannot sign here
                self._unusable.add(sealed)
                _log.error("signing_key_unusable", kid=row.kid, error=str(error))

    def _install(self, rows: Sequence[SigningKey]) -> None:
        now = self._clock.now()
        schedule = KeySchedule((row for row in rows if row.kid not in self._withdrawn or row.revoked_at), self._config)
        with_private = {row.kid for row in schedule.valid if row.private_pem is not None}
        self._private = {kid: key for kid, key in self._private.items() if kid in with_private}
        self._signers = {
            kid: self._signers.get(kid) or SigningPair(kid, tessera.Signer(key), key.bits)
            for kid, key in self._private.items()
        }
        active = schedule.active(now)
        published = self._fitting(schedule.published(now), active)
        self._public = {row.kid: self._public.get(row.kid) or _public_key(row) for row in published}
        self._replace(None if active is None else self._private.get(active.kid))
        self._schedule = schedule
        body = self.keyset.jwks().encode()
        self._jwks = make_jwks(body, changed_at=schedule.changed_at(now), previous=self._jwks, now=now)

    def _fitting(self, published: Sequence[SigningKey], active: SigningKey | None) -> Sequence[SigningKey]:
        """The newest, as many as a key set holds, the active one among them: with too many keys in the directory the
        service starts all the same, so that some can be revoked."""
        kept = published[-MAX_KEYS:]
        if active is not None and active in published and active not in kept:
            kept = [active, *kept[1:]]
        kids = {row.kid for row in kept}
        left_out = [row.kid for row in published if row.kid not in kids]
        if left_out and left_out != self._left_out:
            _log.error("too_many_signing_keys", left_out=left_out, limit=MAX_KEYS)
        self._left_out = left_out
        return kept

    def _replace(self, signing_key: tessera.PrivateKey | None) -> None:
        signing_kid = None if signing_key is None else signing_key.kid
        if list(self.keyset.kids) != list(self._public) or self.keyset.signing_kid != signing_kid:
            self.keyset.replace(self._public.values(), signing_key=signing_key)

    def _signing_now(self) -> SigningPair | None:
        active = self._schedule.active(self._clock.now())
        if active is None or not self._is_confirmed(CONFIRM_LIMIT * 1000):
            return None
        return self._signers.get(active.kid)

    def _is_confirmed(self, limit_ms: int) -> bool:
        return self._confirmed_ms is not None and abs(self._clock.now_ms() - self._confirmed_ms) < limit_ms


def _public_key(row: SigningKey) -> tessera.PublicKey:
    return tessera.PublicKey.from_jwk(row.public_jwk, kid=row.kid)
