# SPDX-License-Identifier: Apache-2.0
"""What the SessionTable holds of a record: what a token does not say of itself, in as few bytes as it takes, for there
may be a million of them: the times in binary (`_TIMES`), then a compact JSON list, of a session in the order of
`SessionState` after the first three, of a service token with `all_tenants` as the fourth."""

import json
import struct
from functools import lru_cache
from typing import Any, NamedTuple

from tessera_service.engine.claims import Claims
from tessera_service.models import ServiceToken, Session, TokenKind

# Service tokens have no session, so no cut-off reaches them: they end with their own record, or their subject's.
NEVER_CUT_OFF_MS = 2**62

_TIMES = struct.Struct("<qiii")  # created_ms; expires_at and ends_at, in seconds after it; span_seconds


class SessionState(NamedTuple):
    """A session as of when it was read."""

    username: str | None
    roles: tuple[str, ...]
    device_type: str | None
    ip_address: str | None
    user_agent: str | None
    created_ms: int  # from here on in `_TIMES`
    expires_at: int
    ends_at: int
    span_seconds: int  # > 0 only where it slides


class Snapshot(NamedTuple):
    """A record as of when it was read. `permissions` in the record's order; `session`: None of a service token."""

    client_id: str
    permissions: tuple[str, ...]
    scope: str
    session: SessionState | None
    all_tenants: bool = False  # of a service token only

    def introspection(self, claims: Claims) -> bytes:
        """The whole JSON answer (RFC 7662 section 2.2) for one live token of this record."""
        members: dict[str, Any] = {
            "active": True,
            "sub": claims.subject,
            "aud": claims.audience,
            "iss": claims.issuer,
            "exp": claims.expires_at,
            "iat": claims.issued_at,
            "jti": claims.jti,
            "scope": self.scope,
            "token_type": "refresh" if claims.kind is TokenKind.REFRESH else "access",
            "session_id": claims.session_id,
            "client_id": self.client_id,
            "tenant_id": claims.tenant_id,
            "permissions": self.permissions,
        }
        if self.session is None:
            del members["session_id"]
        else:
            members["meta"] = {
                "device_type": self.session.device_type,
                "ip_address": self.session.ip_address,
                "user_agent": self.session.user_agent,
            }
        return _compact(members)


@lru_cache(maxsize=8192)
def read_snapshot(data: bytes) -> Snapshot:
    """The snapshot that one of the functions below wrote."""
    client_id, permissions, scope, *state = json.loads(data[_TIMES.size :])
    if len(state) == 1:
        return Snapshot(client_id, tuple(permissions), scope, None, all_tenants=state[0])
    return Snapshot(client_id, tuple(permissions), scope, _read_state(_TIMES.unpack_from(data), *state))


def _read_state(times: tuple[int, ...], username: str | None, roles: list[str], *metadata: str | None) -> SessionState:
    created_ms, expires_after, ends_after, span_seconds = times
    device_type, ip_address, user_agent = metadata
    return SessionState(
        username=username,
        roles=tuple(roles),
        device_type=device_type,
        ip_address=ip_address,
        user_agent=user_agent,
        created_ms=created_ms,
        expires_at=created_ms // 1000 + expires_after,
        ends_at=created_ms // 1000 + ends_after,
        span_seconds=span_seconds,
    )


def session_snapshot(session: Session) -> bytes:
    """Of a session's record."""
    metadata = session.metadata
    created = session.created_ms // 1000
    expires_at = min(session.expires_at, session.ends_at)
    times = _TIMES.pack(session.created_ms, expires_at - created, session.ends_at - created, session.span_seconds)
    state = (session.username, session.roles, metadata.device_type, metadata.ip_address, metadata.user_agent)
    return times + _compact([session.client_id, session.permissions, session.scope, *state])


def service_snapshot(token: ServiceToken) -> bytes:
    """Of a service token's record in the directory."""
    return _TIMES.pack(0, 0, 0, 0) + _compact([token.client_id, token.permissions, "", token.all_tenants])


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
