# SPDX-License-Identifier: Apache-2.0
"""Access keys: long-lived credentials of programs, which open session tokens for one subject."""

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

import tessera
from tessera_service.clock import Clock
from tessera_service.engine.config import EngineConfig
from tessera_service.engine.deadlines import answered_within
from tessera_service.engine.ends import Ends
from tessera_service.engine.grants import KeySnapshot, check_grants, key_snapshot, read_key_snapshot
from tessera_service.engine.key_secrets import KeySecrets, askable_id
from tessera_service.engine.master_keys import MasterKeys
from tessera_service.engine.names import is_subject
from tessera_service.engine.revocation import Mirror
from tessera_service.engine.snapshots import NEVER_CUT_OFF_MS
from tessera_service.engine.tenants import Tenants
from tessera_service.errors import InvalidInput, UnknownTenant
from tessera_service.models import AccessKeyRecord, Grant, LogEntry, Revocation
from tessera_service.storage.base import Directory, SessionStore

DISABLED: Final = "access_key_disabled"
OPERATOR: Final = "operator"
_PURPOSE: Final = "access-key"
_NEVER: Final = 2**62  # a record in the table has no end of its own: the log drops it

_log = structlog.get_logger(__name__)


class AccessKeys:
    """`read_now` gives what a key grants from memory, while the mirror may answer; everything else asks the directory
    and raises StoreUnavailable."""

    def __init__(
        self,
        *,
        directory: Directory,
        sessions: SessionStore,
        tenants: Tenants,
        mirror: Mirror,
        ends: Ends,
        master_keys: MasterKeys,
        clock: Clock,
        config: EngineConfig,
    ) -> None:
        self.changed = asyncio.Event()  # set when the log told of a key: `end_disabled` has work
        self._directory = directory
        self._sessions = sessions
        self._tenants = tenants
        self._mirror = mirror
        self._ends = ends
        self._secrets = KeySecrets(master_keys, purpose=_PURPOSE)
        self._clock = clock
        self._config = config
        self._to_look_at: set[str] = set()
        mirror.on_change(self._notice)

    # For operators

    async def create(self, *, tenant_id: str, subject: str, grants: Sequence[Grant] = ()) -> tuple[str, str]:
        """Its id and its secret, which nobody can tell again. UnknownTenant, InvalidInput ("user", "grant")."""
        if not is_subject(subject):
            raise InvalidInput("user", out_of_range=True)
        grants = check_grants(grants)
        if not await self._tenants.exists(tenant_id):
            raise UnknownTenant
        key = tessera.AccessKey.generate()
        record = AccessKeyRecord(
            access_key_id=key.id,
            tenant_id=tenant_id,
            subject=subject,
            secret_hash=self._secrets.hash(key.id, key.secret),
            master_key_id=self._secrets.master_key_id,
            grants=tuple(grants),
            created_at=self._clock.now(),
        )
        async with answered_within(self._config.store_timeout):
            await self._directory.add_access_key(record)
        return key.id, key.secret

    async def list(
        self, tenant_id: str | None = None, *, after: AccessKeyRecord | None = None
    ) -> Sequence[AccessKeyRecord]:
        """A page of the records, newest first: LISTED, fewer at the end. `after`: the last one of the page before."""
        async with answered_within(self._config.store_timeout):
            return await self._directory.list_access_keys(tenant_id=tenant_id, after=after)

    async def rotate(self, access_key_id: str) -> str | None:
        """A new secret; the old one is dead, live session tokens go on. None if the key is unknown or disabled."""
        secret = tessera.AccessKey.generate().secret
        async with answered_within(self._config.store_timeout):
            rotated = await self._directory.rotate_access_key(
                access_key_id,
                secret_hash=self._secrets.hash(access_key_id, secret),
                master_key_id=self._secrets.master_key_id,
                revocation=self._ends.of_subject(reason="access_key_rotated", revoked_by=OPERATOR),
            )
        return secret if rotated else None

    async def disable(self, access_key_id: str) -> bool:
        """Ends a key with every session that it opened; False if unknown. Again is a success. The directory's step
        comes first: it alone makes the session tokens dead."""
        revocation = self._revocation()
        async with answered_within(self._config.store_timeout):
            key = await self._directory.disable_access_key(access_key_id, revocation=revocation)
        if key is None:
            return False
        self._mirror.changed(key.tenant_id, access_key_id)
        await self._end_sessions(access_key_id)
        return True

    async def disable_all(self, tenant_id: str, subject: str) -> None:
        """As `disable`, every key of a subject."""
        while True:
            async with answered_within(self._config.store_timeout):
                keys = await self._directory.list_access_keys(tenant_id=tenant_id, enabled_of=subject)
            if not keys:
                return
            for key in keys:
                await self.disable(key.access_key_id)

    # For those who hold one

    async def check(self, access_key_id: str, secret: str, *, tenant_id: str | None = None) -> AccessKeyRecord | None:
        """The record of a key that counts; None for an unknown one, a wrong secret, a disabled key and one of another
        tenant than `tenant_id`, after the same work."""
        key = await self._get(askable_id(access_key_id))
        if key is not None and key.disabled_at is not None:  # which holds, whatever becomes of its master key
            key = None
        expected = None if key is None else key.secret_hash
        master_key_id = None if key is None else key.master_key_id
        matches = self._secrets.match(access_key_id, secret, expected=expected, master_key_id=master_key_id)
        if key is None or not matches or tenant_id not in (None, key.tenant_id):
            return None
        return key

    def read_now(self, access_key_id: str) -> KeySnapshot | None:
        """The record from memory; None when only `read` can tell. It counts while the mirror is fresh."""
        data = self._mirror.table.find(access_key_id, now=self._clock.now())
        return None if data is None else read_key_snapshot(data)

    async def read(self, access_key_id: str) -> KeySnapshot | None:
        """The record as the directory has it now; None if the key is unknown or disabled."""
        ticket = self._mirror.table.ticket()
        key = await self._get(access_key_id)
        if key is None or key.disabled_at is not None:
            return None
        data = key_snapshot(key)
        self._mirror.table.put(
            ticket,
            id=access_key_id,
            tenant_id=key.tenant_id,
            subject=key.subject,
            created_ms=NEVER_CUT_OFF_MS,
            expires_at=_NEVER,
            data=data,
        )
        return read_key_snapshot(data)

    # What a disabled key leaves behind

    async def end_disabled(self) -> None:
        """Ends what sessions are left of keys that the log told of, if they are disabled: whoever disabled one may not
        have reached these sessions, or not have come to the end. Done again it changes nothing."""
        for access_key_id in tuple(self._to_look_at):
            self._to_look_at.discard(access_key_id)  # what the log tells from now on is looked at again
            try:
                key = await self._get(access_key_id)
                if key is not None and key.disabled_at is not None:
                    await self._end_sessions(access_key_id)
            except BaseException:
                self._to_look_at.add(access_key_id)
                raise

    def _notice(self, entry: LogEntry) -> None:
        if tessera.AccessKey.is_well_formed_id(entry.key):
            self._to_look_at.add(entry.key)
            self.changed.set()

    async def _end_sessions(self, access_key_id: str) -> None:
        revocation = self._revocation()
        total = 0
        while True:
            async with answered_within(self._config.store_timeout):
                ended = await self._sessions.revoke_access_key_sessions(access_key_id, revocation=revocation)
            for session in ended:
                self._ends.apply_session(session)
            total += len(ended)
            if not ended:
                break
        if total:
            _log.info("sessions_of_access_key_ended", access_key=access_key_id, sessions=total)

    async def _get(self, access_key_id: str) -> AccessKeyRecord | None:
        async with answered_within(self._config.store_timeout):
            return await self._directory.get_access_key(access_key_id)

    def _revocation(self) -> Revocation:
        return self._ends.of_subject(reason=DISABLED, revoked_by=OPERATOR)
