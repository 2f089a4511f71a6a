# SPDX-License-Identifier: Apache-2.0
"""A token that was found alive, with all that follows from it, derived once for each token and state of its record."""

from functools import lru_cache
from typing import NamedTuple

from tessera_service.engine.claims import Claims, read_claims
from tessera_service.engine.snapshots import Snapshot, read_snapshot
from tessera_service.models import Caller


class SessionView(NamedTuple):
    """The session of a live access token, as its surfaces show it. Times as in `models.Session`."""

    session_id: str
    tenant_id: str
    subject: str
    username: str | None
    roles: tuple[str, ...]
    permissions: tuple[str, ...]
    created_ms: int
    expires_at: int
    ends_at: int
    span_seconds: int


class Alive(NamedTuple):
    """A live token: the caller that it makes, the whole JSON answer of introspection, its session if it has one."""

    caller: Caller
    introspection: bytes
    session: SessionView | None
    scope: str
    permissions: tuple[str, ...]  # the caller's, in the record's order


def alive(claims: Claims, record: Snapshot) -> Alive:
    """The permissions are the record's, not the claims', so that a change reaches live sessions."""
    caller = Caller(
        tenant_id=claims.tenant_id,
        subject=claims.subject,
        client_id=record.client_id,
        kind=claims.kind,
        jti=claims.jti,
        session_id=claims.session_id or None,
        permissions=frozenset(record.permissions),
        expires_at=claims.expires_at,
        all_tenants=record.all_tenants,
    )
    answer = record.introspection(claims)
    return Alive(caller, answer, _view(claims, record), record.scope, record.permissions)


def _view(claims: Claims, record: Snapshot) -> SessionView | None:
    state = record.session
    if state is None:
        return None
    return SessionView(
        session_id=claims.session_id,
        tenant_id=claims.tenant_id,
        subject=claims.subject,
        username=state.username,
        roles=state.roles,
        permissions=record.permissions,
        created_ms=state.created_ms,
        expires_at=max(state.expires_at, claims.expires_at),  # another process may have extended it since
        ends_at=state.ends_at,
        span_seconds=state.span_seconds,
    )


@lru_cache(maxsize=8192)
def read_alive(payload: bytes, token_type: str, snapshot: bytes) -> Alive | None:
    """As `alive`, of a *verified* payload and the snapshot of its record; None if the token's kind does not agree."""
    claims = read_claims(payload, token_type)
    return None if claims is None else alive(claims, read_snapshot(snapshot))
