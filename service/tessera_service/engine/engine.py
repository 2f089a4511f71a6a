# SPDX-License-Identifier: Apache-2.0
"""The engine as a whole: its parts over two stores, started and stopped together."""

import contextlib
from collections.abc import Sequence

import structlog

from tessera_service.clock import Clock, SystemClock
from tessera_service.engine.access_keys import AccessKeys
from tessera_service.engine.activity import FLUSH_SECONDS, Activity
from tessera_service.engine.auth_sessions import AuthSessions
from tessera_service.engine.authz import Authz
from tessera_service.engine.background import Background
from tessera_service.engine.births import Births
from tessera_service.engine.clients import Clients
from tessera_service.engine.code_delivery import CodeProvider, SendNothing
from tessera_service.engine.codes import Codes
from tessera_service.engine.config import EngineConfig
from tessera_service.engine.deadlines import answered_within
from tessera_service.engine.ends import Ends
from tessera_service.engine.gateway import GatewaySessions
from tessera_service.engine.gateway_keys import GatewayKeys
from tessera_service.engine.issue import Issuer
from tessera_service.engine.keys import KeyRing, MasterKeys
from tessera_service.engine.legacy import LegacySessions
from tessera_service.engine.liveness import Liveness
from tessera_service.engine.log_hints import LogHints
from tessera_service.engine.login import Login
from tessera_service.engine.passwords import Passwords
from tessera_service.engine.purge import Purge
from tessera_service.engine.relay import Relay, Sink
from tessera_service.engine.restoration import Restoration
from tessera_service.engine.revocation import Mirror
from tessera_service.engine.revocation_feed import RevocationFeed
from tessera_service.engine.revoke import Revoker
from tessera_service.engine.rewrapping import Rewrapping
from tessera_service.engine.service_tokens import ServiceTokens
from tessera_service.engine.session_tokens import SessionTokens
from tessera_service.engine.signing import SigningPool
from tessera_service.engine.tenants import Tenants
from tessera_service.engine.tokens import TokenEngine
from tessera_service.engine.user_sessions import UserSessions
from tessera_service.engine.users import Users
from tessera_service.engine.verifiers import SESSION
from tessera_service.errors import StoreUnavailable
from tessera_service.storage.base import Directory, SessionStore, parts_of

KEY_RELOAD_SECONDS = 30
START_SECONDS = 10  # how long a start waits for its turn among others that start
LEFTOVER_SECONDS = 5  # between two attempts to end what disabled access keys and users left; at once when the log tells

_log = structlog.get_logger(__name__)


class Engine:
    """One per process. Without `background` nothing happens by itself: for commands that do one thing and end."""

    def __init__(
        self,
        *,
        config: EngineConfig,
        directory: Directory,
        sessions: SessionStore,
        master_keys: MasterKeys,
        clock: Clock | None = None,
        background: bool = True,
        sinks: Sequence[Sink] = (),
        code_provider: CodeProvider | None = None,
    ) -> None:
        clock = clock or SystemClock()
        self._config = config
        self._directory = directory
        self._sessions = sessions
        self._pool = SigningPool(workers=config.signing_workers, queue=config.signing_queue)
        self._tasks = Background()
        self._with_background = background
        self.keys = KeyRing(directory=directory, master_keys=master_keys, clock=clock, config=config)
        self.mirror = Mirror(logs=(*parts_of(sessions), directory), config=config, withdraw_key=self.keys.withdraw)
        self._hints = LogHints((sessions, directory))
        self.feed = RevocationFeed(mirror=self.mirror, master_keys=master_keys, config=config)
        self.tenants = Tenants(directory=directory, clock=clock, config=config)
        liveness = Liveness(
            sessions=sessions, directory=directory, keys=self.keys, mirror=self.mirror, clock=clock, config=config
        )
        ends = Ends(mirror=self.mirror, clock=clock, config=config)
        revoker = Revoker(
            sessions=sessions, directory=directory, liveness=liveness, ends=ends, clock=clock, config=config
        )
        user_sessions = UserSessions(directory=directory, sessions=sessions, ends=ends, clock=clock, config=config)
        births = Births(
            sessions=sessions,
            directory=directory,
            user_sessions=user_sessions,
            liveness=liveness,
            ends=ends,
            config=config,
        )
        issuer = Issuer(
            sessions=sessions,
            keys=self.keys,
            pool=self._pool,
            births=births,
            liveness=liveness,
            clock=clock,
            config=config,
        )
        self.tokens = TokenEngine(
            sessions=sessions,
            keys=self.keys,
            pool=self._pool,
            liveness=liveness,
            ends=ends,
            issuer=issuer,
            revoker=revoker,
            clock=clock,
            config=config,
        )
        self._passwords = Passwords(
            workers=config.password_workers,
            queue=config.password_queue,
            memory_kib=config.password_memory_kib,
            passes=config.password_passes,
        )
        self.login = Login(
            directory=directory,
            issuer=issuer,
            passwords=self._passwords,
            master_keys=master_keys,
            clock=clock,
            config=config,
        )
        self.codes = Codes(
            directory=directory,
            login=self.login,
            provider=code_provider or SendNothing(),
            master_keys=master_keys,
            clock=clock,
            config=config,
        )
        self.authz = Authz(liveness, config.authz_policies)
        self.legacy = LegacySessions(liveness=liveness, revoker=revoker, clock=clock, config=config)
        self.auth_sessions = AuthSessions(
            sessions=sessions, liveness=liveness, revoker=revoker, clock=clock, config=config
        )
        self._activity = Activity(sessions=sessions, config=config)
        self.gateway = GatewaySessions(
            sessions=sessions,
            keys=self.keys,
            pool=self._pool,
            births=births,
            liveness=liveness,
            ends=ends,
            revoker=revoker,
            activity=self._activity,
            clock=clock,
            config=config,
        )
        self.gateway_keys = GatewayKeys(
            directory=directory, tenants=self.tenants, ends=ends, master_keys=master_keys, clock=clock, config=config
        )
        self.access_keys = AccessKeys(
            directory=directory,
            sessions=sessions,
            tenants=self.tenants,
            mirror=self.mirror,
            ends=ends,
            master_keys=master_keys,
            clock=clock,
            config=config,
        )
        self.clients = Clients(access_keys=self.access_keys, births=births)
        self.users = Users(
            directory=directory,
            sessions=user_sessions,
            tenants=self.tenants,
            access_keys=self.access_keys,
            passwords=self._passwords,
            mirror=self.mirror,
            ends=ends,
            clock=clock,
            config=config,
        )
        self.session_tokens = SessionTokens(
            sessions=sessions,
            access_keys=self.access_keys,
            keys=self.keys,
            pool=self._pool,
            births=births,
            liveness=Liveness(
                sessions=sessions,
                directory=directory,
                keys=self.keys,
                mirror=self.mirror,
                clock=clock,
                config=config,
                token_type=SESSION,
            ),
            ends=ends,
            clock=clock,
            config=config,
        )
        self.service_tokens = ServiceTokens(
            directory=directory,
            tenants=self.tenants,
            tokens=self.tokens,
            keys=self.keys,
            pool=self._pool,
            clock=clock,
            config=config,
        )
        self._purge = Purge(sessions=sessions, directory=directory, mirror=self.mirror, clock=clock, config=config)
        self.restoration = Restoration(sessions=sessions, directory=directory, ends=ends, clock=clock, config=config)
        self.rewrapping = Rewrapping(directory=directory, master_keys=master_keys, config=config)
        self.relay = Relay(outboxes=(*parts_of(sessions), directory), sinks=sinks, clock=clock, config=config)

    async def start(self) -> None:
        """Opens the stores, makes sure of the default tenant and of a key that signs, reads the revocation logs: after
        it the port may open. StartupError, StoreUnavailable; then everything is closed again."""
        try:
            await self._directory.open()
            await self._sessions.open()
            await self._settle()
        except BaseException:
            with contextlib.suppress(StoreUnavailable):  # what stopped the start is what counts
                await self.stop()
            raise
        if self._with_background:
            self._start_tasks()

    async def _settle(self) -> None:
        """At a first start every process writes at once: what one does not get done in the time of a call, it does
        again, for as long as a start may take."""
        for left in reversed(range(max(1, round(START_SECONDS / self._config.store_timeout)))):
            try:
                await self.tenants.start()
                await self.keys.start()
                await self.mirror.poll()
            except StoreUnavailable:
                if left == 0:
                    raise
            else:
                return

    async def stop(self) -> None:
        """Stops the tasks, lets what is under way end, closes the stores. Idempotent."""
        self.feed.close()
        await self.relay.finish()
        await self._tasks.stop()
        await self.relay.close()
        self.mirror.close()
        await self.codes.close()
        await self.login.close()
        await self.tokens.close()
        await self.gateway.close()
        await self.keys.close()
        self._pool.close()
        self._passwords.close()
        async with contextlib.AsyncExitStack() as stores:  # the second is closed whatever becomes of the first
            stores.push_async_callback(self._directory.close)
            stores.push_async_callback(self._sessions.close)

    async def ready(self) -> None:
        """Returns if everything answers: the stores, the keys, the mirror. StoreUnavailable."""
        async with answered_within(self._config.store_timeout):
            await self._sessions.ping()
            await self._directory.ping()
        await self.keys.signing()
        if not self.mirror.is_fresh:
            raise StoreUnavailable

    @property
    def issuer(self) -> str:
        """Who every token says it is from."""
        return self._config.issuer

    @property
    def signing_jobs(self) -> int:
        """Signing jobs that wait or run."""
        return self._pool.jobs

    def _start_tasks(self) -> None:
        self._tasks.every(self._config.poll_interval_ms / 1000, self.mirror.poll, name="mirror", wake=self._hints.heard)
        self._hints.start(self._tasks)
        self._tasks.every(KEY_RELOAD_SECONDS, self.keys.maintain, name="keys", wake=self.keys.stale)
        self._tasks.every(self._config.session_cleanup_interval, self._purge.run, name="purge")
        self._tasks.every(FLUSH_SECONDS, self._activity.flush, name="activity", wake=self._activity.full)
        self._tasks.every(
            LEFTOVER_SECONDS, self.access_keys.end_disabled, name="access_keys", wake=self.access_keys.changed
        )
        self.relay.start(self._tasks)
        self._tasks.every(LEFTOVER_SECONDS, self.users.end_inactive, name="users", wake=self.users.changed)
