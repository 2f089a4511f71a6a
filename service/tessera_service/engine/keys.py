# SPDX-License-Identifier: Apache-2.0
"""The signing keys of the installation, and every change of them."""

import asyncio
from collections.abc import Sequence

import structlog

from tessera_service.engine.deadlines import answered_within
from tessera_service.engine.jwks import Jwks
from tessera_service.engine.key_follower import KeyFollower, SigningPair
from tessera_service.engine.key_schedule import KeyInfo, KeyState
from tessera_service.engine.master_keys import MasterKeys
from tessera_service.errors import KeyLimitReached, StoreUnavailable
from tessera_service.models import Revocation

__all__ = ["Jwks", "KeyInfo", "KeyRing", "KeyState", "MasterKeys", "SigningPair"]

MAX_ROTATED_KEYS = 60  # a key set holds 64; the rest is for keys that take the place of revoked ones

_log = structlog.get_logger(__name__)


class KeyRing(KeyFollower):
    """Makes, announces, revokes and forgets keys. Every step is one atomic step of the directory, so that however many
    processes do the same at once, one of them wins and the others see its key."""

    async def start(self) -> None:
        """Makes sure that there is a key that signs. StartupError if it cannot be decrypted."""
        await self.reload()
        if self._schedule.active(self._clock.now()) is None:
            await self._add(self._schedule.immediately(self._clock.now()))
        active = self._schedule.active(self._clock.now())
        if active is not None and active.private_pem is not None and self.signing_with(active.kid) is None:
            self._vault.open(active)  # says why not

    async def rotate(self, *, immediately: bool = False) -> str:
        """Makes a key and returns its kid. It is announced and signs after the lead; an announced key that waits
        already is the answer as it is. `immediately`: it signs now, and JWKS caches elsewhere may not know it yet.
        KeyLimitReached."""
        await self.reload()
        now = self._clock.now()
        waiting = [info.kid for info in self.infos() if info.state is KeyState.ANNOUNCED]
        if waiting and not immediately:
            return waiting[0]
        if not self._has_room(now):
            raise KeyLimitReached(
                f"{MAX_ROTATED_KEYS} signing keys are published, which is the limit: each goes when its last token is"
                " dead, or at once with: tessera keys revoke KID"
            )
        return await self._add(self._schedule.immediately(now) if immediately else now + self._config.key_lead)

    async def revoke(self, kid: str, *, revoked_by: str = "operator") -> None:
        """Withdraws a key everywhere: its tokens die. If it signs, its successor is there before it goes: whoever hears
        of the revocation reads the keys again, and finds the one that signs from now on. LookupError."""
        await self.reload()
        info = next((info for info in self.infos() if info.kid == kid), None)
        if info is None:
            raise LookupError(kid)
        if info.state is KeyState.ACTIVE:
            await self._add(self._schedule.without(kid).immediately(self._clock.now()))
        async with answered_within(self._config.store_timeout):
            await self._directory.revoke_signing_key(kid, revocation=self._revocation(revoked_by))
        self.withdraw(kid)
        await self.reload()

    async def list(self) -> Sequence[KeyInfo]:
        """Every key of the directory with its state."""
        await self.reload()
        return self.infos()

    def export_jwks(self) -> str:
        """The public keys as a JWKS."""
        return self.jwks_now().body.decode()

    async def maintain(self) -> None:
        """One turn of what happens by itself: reload, announce a successor, forget private halves, delete old rows."""
        await self.reload()
        now = self._clock.now()
        active = self._schedule.active(now)
        if active is None or active.private_pem is None:  # all were revoked, or the rows of a restored backup are old
            await self._add(self._schedule.immediately(now))
        elif (activates_at := self._schedule.announcement_due(now)) is not None:
            await self._announce(activates_at, now)
        await self._tidy(now)

    async def _announce(self, activates_at: int, now: int) -> None:
        if self._has_room(now):
            await self._add(activates_at)
        else:  # the active key goes on signing
            _log.error("signing_key_not_announced", published=len(self._schedule.published(now)))

    def _has_room(self, now: int) -> bool:
        return len(self._schedule.published(now)) < MAX_ROTATED_KEYS

    async def _tidy(self, now: int) -> None:
        schedule = self._schedule
        over = [row for row in schedule.rows if schedule.is_over(row, now)]
        spent = [row for row in schedule.rows if row.private_pem is not None and schedule.is_spent(row, now)]
        async with answered_within(self._config.store_timeout):
            for row in spent:
                await self._directory.forget_private_key(row.kid)
            for row in over:
                await self._directory.delete_signing_key(row.kid)
        if spent or over:
            _log.info("signing_keys_tidied", forgotten=len(spent), deleted=len(over))
            await self.reload()

    async def _add(self, activates_at: int) -> str:
        after = self._schedule.newest
        row = await asyncio.to_thread(self._vault.make, created_at=self._clock.now(), activates_at=activates_at)
        async with answered_within(self._config.store_timeout):
            added = await self._directory.add_signing_key(row, after=after)
        await self.reload()
        if added:
            _log.info("signing_key_added", kid=row.kid, activates_at=activates_at)
            return row.kid
        newest = self._schedule.newest  # another process was faster: its key is as good
        if newest is None:
            raise StoreUnavailable
        return newest

    def _revocation(self, revoked_by: str) -> Revocation:
        now_ms = self._clock.now_ms()
        expires_at = now_ms // 1000 + self._config.published_seconds + self._config.revocation_margin
        return Revocation(at_ms=now_ms, reason="key_revoked", revoked_by=revoked_by, log_expires_at=expires_at)
