# SPDX-License-Identifier: Apache-2.0
"""What the SessionTable holds of a record: what a token does not say of itself, in as few bytes as it takes, for there
may be a million of them. A compact JSON list: of a session in the order of `SessionState` after the first three."""

import json
from functools import lru_cache
from typing import Any, NamedTuple

from tessera_service.engine.claims import Claims
from tessera_service.models import ServiceToken, Session, TokenKind

# Service tokens have no session, so no cut-off reaches them: they end with their own record.
NEVER_CUT_OFF_MS = 2**62


class SessionState(NamedTuple):
    """A session as of when it was read."""

    username: str | None
    roles: tuple[str, ...]
    device_type: str | None
    ip_address: str | None
    user_agent: str | None
    created_ms: int
    expires_at: int
    ends_at: int
    span_seconds: int  # > 0 only where it slides


class Snapshot(NamedTuple):
    """A record as of when it was read. `permissions` in the record's order; `session`: None of a service token."""

    client_id: str
    permissions: tuple[str, ...]
    scope: str
    session: SessionState | None

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
    client_id, permissions, scope, *state = json.loads(data)
    return Snapshot(client_id, tuple(permissions), scope, _read_state(*state) if state else None)


def _read_state(username: str | None, roles: list[str], *rest: Any) -> SessionState:
    return SessionState(username, tuple(roles), *rest)


def session_snapshot(session: Session) -> bytes:
    """Of a session's record."""
    state = SessionState(
        username=session.username,
        roles=session.roles,
        device_type=session.metadata.device_type,
        ip_address=session.metadata.ip_address,
        user_agent=session.metadata.user_agent,
        created_ms=session.created_ms,
        expires_at=min(session.expires_at, session.ends_at),
        ends_at=session.ends_at,
        span_seconds=session.span_seconds,
    )
    return _compact([session.client_id, session.permissions, session.scope, *state])


def service_snapshot(token: ServiceToken) -> bytes:
    """Of a service token's record in the directory."""
    return _compact([token.client_id, token.permissions, ""])


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
