# SPDX-License-Identifier: Apache-2.0
"""What the SessionTable holds of a record: all that authenticate and introspect need, as bytes.

Four lines of compact JSON, which has no line feed of its own: [client_id, permissions, scope], then the two pieces of
the introspection answer that stand before and after the members of the token itself, then what else a session is, in
the order of `SessionState` (of a service token: null).
"""

import json
from functools import lru_cache
from typing import NamedTuple

from tessera_service.engine.config import EngineConfig
from tessera_service.models import ServiceToken, Session

# Service tokens have no session, so no cut-off reaches them: they end with their own record.
NEVER_CUT_OFF_MS = 2**62


class SessionState(NamedTuple):
    """A session as of when it was read: what its token and its permissions do not say."""

    username: str | None
    roles: tuple[str, ...]
    created_ms: int
    expires_at: int
    ends_at: int
    span_seconds: int  # > 0 only where it slides


class Snapshot(NamedTuple):
    """A record as of when it was read. `names`: its permissions in their order."""

    client_id: str
    permissions: frozenset[str]
    before: bytes
    after: bytes
    names: tuple[str, ...]
    scope: str
    session: SessionState | None

    def introspection(self, *, expires_at: int, issued_at: int, jti: str) -> bytes:
        """The whole JSON answer for one live token of this record."""
        return b'%b"exp":%d,"iat":%d,"jti":"%b",%b' % (self.before, expires_at, issued_at, jti.encode(), self.after)


@lru_cache(maxsize=8192)
def read_snapshot(data: bytes) -> Snapshot:
    """The snapshot that one of the functions below wrote."""
    record, before, after, state = data.split(b"\n")
    client_id, permissions, scope = json.loads(record)
    return Snapshot(client_id, frozenset(permissions), before, after, tuple(permissions), scope, _read_state(state))


def _read_state(data: bytes) -> SessionState | None:
    members = json.loads(data)
    if members is None:
        return None
    username, roles, *times = members
    return SessionState(username, tuple(roles), *times)


def session_snapshot(session: Session, config: EngineConfig, *, token_type: str = "access") -> bytes:  # noqa: S107
    """Of a session's record; `token_type` is what introspection calls the token ("access" or "refresh")."""
    metadata = session.metadata
    return _join(
        [session.client_id, session.permissions, session.scope],
        {"active": True, "sub": session.subject, "aud": config.audience, "iss": config.issuer},
        {
            "scope": session.scope,
            "token_type": token_type,
            "session_id": session.session_id,
            "client_id": session.client_id,
            "tenant_id": session.tenant_id,
            "permissions": session.permissions,
            "meta": {
                "device_type": metadata.device_type,
                "ip_address": metadata.ip_address,
                "user_agent": metadata.user_agent,
            },
        },
        SessionState(
            username=session.username,
            roles=session.roles,
            created_ms=session.created_ms,
            expires_at=min(session.expires_at, session.ends_at),
            ends_at=session.ends_at,
            span_seconds=session.span_seconds,
        ),
    )


def service_snapshot(token: ServiceToken, config: EngineConfig) -> bytes:
    """Of a service token's record in the directory: reported as an access token, without session and meta."""
    return _join(
        [token.client_id, token.permissions, ""],
        {"active": True, "sub": token.subject, "aud": config.audience, "iss": config.issuer},
        {
            "scope": "",
            "token_type": "access",
            "client_id": token.client_id,
            "tenant_id": token.tenant_id,
            "permissions": token.permissions,
        },
        None,
    )


def _join(
    record: list[object], before: dict[str, object], after: dict[str, object], state: SessionState | None
) -> bytes:
    return b"\n".join((_compact(record), _compact(before)[:-1] + b",", _compact(after)[1:], _compact(state)))


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
