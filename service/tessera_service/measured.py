# SPDX-License-Identifier: Apache-2.0
"""The engine, watched: what it does is counted, and every revocation is logged."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, aclosing, contextmanager
from functools import partial
from typing import TypeVar

from tessera_service.engine import (
    AuthSessions,
    Authz,
    AuthzAnswer,
    Engine,
    GatewayClient,
    GatewayRequest,
    GatewaySessions,
    LegacySession,
    LegacySessions,
    Login,
    PasswordLogin,
    Relay,
    SessionList,
    Validation,
)
from tessera_service.engine.clients import Clients
from tessera_service.engine.codes import CodeLogin, Codes
from tessera_service.engine.introspect import INACTIVE
from tessera_service.engine.log_tail import Position
from tessera_service.engine.revocation_feed import Batch, Check, RevocationFeed
from tessera_service.engine.session_tokens import SessionToken, SessionTokens, Validity
from tessera_service.engine.tokens import TokenEngine
from tessera_service.errors import Overloaded, ServiceError, SessionEnded, StoreUnavailable
from tessera_service.logs import get_logger
from tessera_service.metrics import Metrics, Together
from tessera_service.models import AccessKeyRecord, Caller, IssuedTokens, IssueRequest, Session, SessionStatus

T = TypeVar("T")


def measure(engine: Engine, metrics: Metrics) -> None:
    """From now on what surfaces ask of `engine.tokens`, `clients`, `session_tokens`, `authz`, `legacy`,
    `auth_sessions`, `gateway`, `login`, `codes` and `feed` is counted, and the state of the engine is read with the
    metrics."""
    engine.tokens = MeasuredTokens(engine.tokens, metrics)
    engine.clients = MeasuredClients(engine.clients, metrics)
    engine.session_tokens = MeasuredSessionTokens(engine.session_tokens, metrics)
    engine.authz = MeasuredAuthz(engine.authz, metrics)
    engine.legacy = MeasuredLegacySessions(engine.legacy, metrics)
    engine.auth_sessions = MeasuredAuthSessions(engine.auth_sessions, metrics)
    engine.gateway = MeasuredGatewaySessions(engine.gateway, metrics)
    engine.login = MeasuredLogin(engine.login, metrics)
    engine.codes = MeasuredCodes(engine.codes, metrics)
    engine.feed = MeasuredFeed(engine.feed, metrics)
    mirror = engine.mirror
    fresh, age = "1 while revocations are followed in time", "Time since the logs were last read"
    metrics.watch("tessera_mirror_fresh", fresh, lambda: float(mirror.is_fresh), together="livemin")
    metrics.watch("tessera_mirror_age_seconds", age, lambda: mirror.age_seconds, together="livemax")
    held, kept = "Revocations in memory", "Session snapshots in memory"
    metrics.watch("tessera_revocations_held", held, lambda: float(len(mirror.revocations)))
    metrics.watch("tessera_session_snapshots", kept, lambda: float(len(mirror.table)))
    jobs = "Signing jobs that wait or run"
    metrics.watch("tessera_signing_jobs", jobs, lambda: float(engine.signing_jobs))
    _watch_relay(engine.relay, metrics)


def _watch_relay(relay: Relay, metrics: Metrics) -> None:
    """Every worker reads the same backlog; what was delivered, each counts for itself."""
    rows = "Events that are kept, delivered or not"
    metrics.watch("tessera_outbox_rows", rows, lambda: float(relay.rows), together="livemax")
    series: Mapping[str, tuple[str, Together, Callable[[str], float]]] = {
        "tessera_event_lag_rows": ("Events that a sink does not have yet", "livemax", relay.lag_rows),
        "tessera_event_lag_seconds": ("Age of the oldest of them", "livemax", relay.lag_seconds),
        "tessera_events_delivered": (
            "Events that a sink confirmed",
            "sum",
            lambda sink: relay.counts(sink)["delivered"],
        ),
        "tessera_event_failures": ("Deliveries that failed", "sum", lambda sink: relay.counts(sink)["failures"]),
    }
    for name, (text, together, read) in series.items():
        reads = {sink: partial(read, sink) for sink in relay.sinks}
        metrics.watch_each(name, text, "sink", reads, together=together)


class MeasuredTokens(TokenEngine):
    """The same token engine with counters around its calls."""

    def __init__(self, tokens: TokenEngine, metrics: Metrics) -> None:
        vars(self).update(vars(tokens))  # its parts, not copies: this is that engine
        self._metrics = metrics
        self._log = get_logger()
        self._active = metrics.introspections.labels("active")
        self._inactive = metrics.introspections.labels("inactive")

    async def authenticate(self, token: str | None, *, tenant_id: str | None) -> Caller:
        return await self._watch("authenticate", super().authenticate(token, tenant_id=tenant_id))

    async def issue(self, caller: Caller, request: IssueRequest) -> IssuedTokens:
        issued = await self._watch("issue", super().issue(caller, request))
        self._count_pair()
        return issued

    async def refresh(self, token: str, *, tenant_id: str | None, session_id: str | None = None) -> IssuedTokens:
        refreshes = self._metrics.refreshes
        try:
            work = super().refresh(token, tenant_id=tenant_id, session_id=session_id)
            issued = await self._watch("refresh", work)
        except ServiceError as error:
            reused = isinstance(error, SessionEnded) and error.reused
            refreshes.labels("refresh_reused" if reused else error.code).inc()
            raise
        refreshes.labels("ok").inc()
        self._count_pair()
        return issued

    async def revoke_current(self, caller: Caller) -> None:
        await self._revoke("session", caller, super().revoke_current(caller), session_id=caller.session_id)

    async def revoke_session(self, caller: Caller, session_id: str) -> None:
        await self._revoke("session", caller, super().revoke_session(caller, session_id), session_id=session_id)

    async def revoke_subject(self, caller: Caller, subject: str | None) -> None:
        work = super().revoke_subject(caller, subject)
        await self._revoke("subject", caller, work, subject=subject or caller.subject)

    async def revoke_token(self, caller: Caller, token: str) -> None:
        await self._revoke("token", caller, super().revoke_token(caller, token))

    async def revoke_jti(self, caller: Caller, jti: str) -> None:
        await self._revoke("jti", caller, super().revoke_jti(caller, jti), jti=jti)

    def introspect_now(self, token: bytes, *, tenant_id: str) -> bytes | None:
        answer = super().introspect_now(token, tenant_id=tenant_id)
        if answer is not None:
            (self._inactive if answer == INACTIVE else self._active).inc()
        return answer

    async def introspect(self, token: bytes, *, tenant_id: str) -> bytes:
        answer = await self._watch("introspect", super().introspect(token, tenant_id=tenant_id))
        (self._inactive if answer == INACTIVE else self._active).inc()
        return answer

    def _count_pair(self) -> None:
        self._metrics.tokens_issued.labels("access").inc()
        self._metrics.tokens_issued.labels("refresh").inc()

    async def _revoke(self, what: str, caller: Caller, work: Awaitable[None], **values: str | None) -> None:
        try:
            await self._watch("revoke", work)
        except ServiceError as error:
            self._metrics.revocations.labels(what, error.code).inc()
            raise
        self._metrics.revocations.labels(what, "ok").inc()
        self._log.info("revoked", what=what, tenant=caller.tenant_id, revoked_by=caller.subject, **values)

    async def _watch(self, call: str, work: Awaitable[T]) -> T:
        return await _watch(self._metrics, call, work)


class MeasuredClients(Clients):
    """The same clients; what could not be told of one is counted."""

    def __init__(self, clients: Clients, metrics: Metrics) -> None:
        vars(self).update(vars(clients))  # its parts, not copies
        self._metrics = metrics

    async def authenticate(self, access_key_id: str, secret: str, *, tenant_id: str | None) -> Caller:
        work = super().authenticate(access_key_id, secret, tenant_id=tenant_id)
        return await _watch(self._metrics, "client", work)


class MeasuredFeed(RevocationFeed):
    """The same feed; whom it had to send away is counted."""

    def __init__(self, feed: RevocationFeed, metrics: Metrics) -> None:
        vars(self).update(vars(feed))  # its parts, not copies
        self._metrics = metrics

    def follower_seat(self, tenant_id: str | None) -> AbstractContextManager[None]:
        with self._counting():
            return super().follower_seat(tenant_id)

    def snapshot_seat(self, tenant_id: str | None) -> AbstractContextManager[None]:
        with self._counting():
            return super().snapshot_seat(tenant_id)

    async def news(
        self, positions: Sequence[Position], *, tenant_id: str | None, seconds: float, check: Check
    ) -> Batch | None:
        with self._counting():
            return await super().news(positions, tenant_id=tenant_id, seconds=seconds, check=check)

    async def snapshot(
        self, log_ids: Sequence[str], *, tenant_id: str | None, check: Check
    ) -> AsyncGenerator[Batch, None]:
        with self._counting():
            async with aclosing(super().snapshot(log_ids, tenant_id=tenant_id, check=check)) as batches:
                async for batch in batches:
                    yield batch

    def _counting(self) -> AbstractContextManager[None]:
        return _counting(self._metrics, "revocations")


class MeasuredSessionTokens(SessionTokens):
    """The same session tokens with counters around what is done with them."""

    def __init__(self, tokens: SessionTokens, metrics: Metrics) -> None:
        vars(self).update(vars(tokens))  # its parts, not copies
        self._metrics = metrics
        self._log = get_logger()

    async def create(self, key: AccessKeyRecord, *, duration_seconds: int) -> SessionToken:
        made = await _watch(self._metrics, "session_create", super().create(key, duration_seconds=duration_seconds))
        self._metrics.tokens_issued.labels("session").inc()
        return made

    async def validate(self, token: str, *, resource: str, permission: str, tenant_id: str | None) -> Validity:
        work = super().validate(token, resource=resource, permission=permission, tenant_id=tenant_id)
        return await _watch(self._metrics, "session_validate", work)

    async def revoke(self, token: str, *, tenant_id: str | None) -> Session | None:
        try:
            session = await _watch(self._metrics, "session_revoke", super().revoke(token, tenant_id=tenant_id))
        except ServiceError as error:
            self._metrics.revocations.labels("session_token", error.code).inc()
            raise
        self._metrics.revocations.labels("session_token", "ok").inc()
        if session is not None:
            told = {"tenant": session.tenant_id, "revoked_by": session.subject, "session_id": session.session_id}
            self._log.info("revoked", what="session_token", **told)
        return session


class MeasuredLogin(Login):
    """The same sign-in with counters around it. Who tried is not told: what stands for a name may be a password."""

    def __init__(self, login: Login, metrics: Metrics) -> None:
        vars(self).update(vars(login))  # its parts, not copies
        self._metrics = metrics

    async def with_password(self, login: PasswordLogin) -> IssuedTokens:
        work = _watch(self._metrics, "login", super().with_password(login))
        return await _count_sign_in(self._metrics, "password", work)


class MeasuredCodes(Codes):
    """The same sign-in by one-time codes with counters around it."""

    def __init__(self, codes: Codes, metrics: Metrics) -> None:
        vars(self).update(vars(codes))  # its parts, not copies
        self._metrics = metrics

    async def request(self, tenant_id: str, phone_number: str, address: str) -> None:
        await _watch(self._metrics, "code_request", super().request(tenant_id, phone_number, address))

    async def sign_in(self, login: CodeLogin) -> IssuedTokens:
        work = _watch(self._metrics, "code_login", super().sign_in(login))
        return await _count_sign_in(self._metrics, "otp", work)


class MeasuredAuthz(Authz):
    """The same judge; what it could not tell is counted. What it told is, with the requests."""

    def __init__(self, authz: Authz, metrics: Metrics) -> None:
        vars(self).update(vars(authz))  # its parts, not copies
        self._metrics = metrics

    async def check(self, token: str | None, *, policy: str | None, tenant_id: str | None) -> AuthzAnswer:
        return await _watch(self._metrics, "authz", super().check(token, policy=policy, tenant_id=tenant_id))


class MeasuredLegacySessions(LegacySessions):
    """The same legacy sessions with counters around what is done with them."""

    def __init__(self, legacy: LegacySessions, metrics: Metrics) -> None:
        vars(self).update(vars(legacy))  # its parts, not copies
        self._metrics = metrics
        self._log = get_logger()

    async def session(self, token: str | None, *, tenant_id: str | None) -> LegacySession:
        return await _watch(self._metrics, "legacy_session", super().session(token, tenant_id=tenant_id))

    async def logout(self, caller: Caller, session_id: str) -> None:
        try:
            await _watch(self._metrics, "legacy_logout", super().logout(caller, session_id))
        except ServiceError as error:
            self._metrics.revocations.labels("session", error.code).inc()
            raise
        self._metrics.revocations.labels("session", "ok").inc()
        told = {"tenant": caller.tenant_id, "revoked_by": caller.subject, "session_id": session_id}
        self._log.info("revoked", what="session", **told)


class MeasuredAuthSessions(AuthSessions):
    """The same sessions with counters around what is done with them."""

    def __init__(self, sessions: AuthSessions, metrics: Metrics) -> None:
        vars(self).update(vars(sessions))  # its parts, not copies
        self._metrics = metrics
        self._log = get_logger()

    async def who_logs_out(self, bearer: str | None, *, tenant_id: str) -> Caller:
        return await _watch(self._metrics, "auth_logout", super().who_logs_out(bearer, tenant_id=tenant_id))

    async def logout(self, caller: Caller, *, reason: str) -> None:
        await self._revoke(caller, caller.session_id, super().logout(caller, reason=reason))

    async def list(
        self, caller: Caller, *, subject: str | None, status: SessionStatus | None, limit: int, offset: int
    ) -> SessionList:
        work = super().list(caller, subject=subject, status=status, limit=limit, offset=offset)
        return await _watch(self._metrics, "auth_sessions", work)

    async def revoke(self, caller: Caller, session_id: str, *, reason: str) -> None:
        await self._revoke(caller, session_id, super().revoke(caller, session_id, reason=reason))

    async def _revoke(self, caller: Caller, session_id: str | None, work: Awaitable[None]) -> None:
        try:
            await _watch(self._metrics, "auth_revoke", work)
        except ServiceError as error:
            self._metrics.revocations.labels("session", error.code).inc()
            raise
        self._metrics.revocations.labels("session", "ok").inc()
        told = {"tenant": caller.tenant_id, "revoked_by": caller.subject, "session_id": session_id}
        self._log.info("revoked", what="session", **told)


class MeasuredGatewaySessions(GatewaySessions):
    """The same gateway sessions with counters around what is done with them. Validations are counted with requests."""

    def __init__(self, gateway: GatewaySessions, metrics: Metrics) -> None:
        vars(self).update(vars(gateway))  # its parts, not copies
        self._metrics = metrics
        self._log = get_logger()

    async def create(self, client: GatewayClient, request: GatewayRequest) -> tuple[Session, str]:
        made = await _watch(self._metrics, "gateway_create", super().create(client, request))
        self._metrics.tokens_issued.labels("access").inc()
        return made

    async def validate(self, token: str | bytes, *, tenant_id: str | None) -> Validation:
        return await _watch(self._metrics, "gateway_validate", super().validate(token, tenant_id=tenant_id))

    async def refresh(self, token: str, *, tenant_id: str | None) -> tuple[str, bool]:
        return await _watch(self._metrics, "gateway_refresh", super().refresh(token, tenant_id=tenant_id))

    async def logout(self, token: str, *, tenant_id: str | None) -> None:
        await self._count("session", super().logout(token, tenant_id=tenant_id))

    async def revoke(self, caller: Caller, session_id: str) -> None:
        await self._count("session", super().revoke(caller, session_id))
        told = {"tenant": caller.tenant_id, "revoked_by": caller.subject, "session_id": session_id}
        self._log.info("revoked", what="session", **told)

    async def revoke_user(self, caller: Caller, user_id: str, *, exclude_current: bool) -> tuple[int, int]:
        work = super().revoke_user(caller, user_id, exclude_current=exclude_current)
        counts = await self._count("subject", work)
        told = {"tenant": caller.tenant_id, "revoked_by": caller.subject, "subject": user_id}
        self._log.info("revoked", what="subject", **told)
        return counts

    async def _count(self, what: str, work: Awaitable[T]) -> T:
        try:
            done = await _watch(self._metrics, "gateway_revoke", work)
        except ServiceError as error:
            self._metrics.revocations.labels(what, error.code).inc()
            raise
        self._metrics.revocations.labels(what, "ok").inc()
        return done


async def _count_sign_in(metrics: Metrics, method: str, work: Awaitable[IssuedTokens]) -> IssuedTokens:
    try:
        issued = await work
    except ServiceError as error:
        metrics.sign_ins.labels(method, error.code).inc()
        raise
    metrics.sign_ins.labels(method, "ok").inc()
    for kind in ("access", "refresh"):
        metrics.tokens_issued.labels(kind).inc()
    return issued


async def _watch(metrics: Metrics, call: str, work: Awaitable[T]) -> T:
    with _counting(metrics, call):
        return await work


@contextmanager
def _counting(metrics: Metrics, call: str) -> Iterator[None]:
    try:
        yield
    except StoreUnavailable:
        metrics.store_errors.labels(call).inc()
        raise
    except Overloaded:
        metrics.overloads.labels(call).inc()
        raise
