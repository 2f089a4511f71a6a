# SPDX-License-Identifier: Apache-2.0
"""What the SessionTable holds of a record: all that authenticate and introspect need, as bytes.

Three lines of compact JSON, which has no line feed of its own: [client_id, permissions], then the two pieces of the
introspection answer that stand before and after the members of the token itself.
"""

import json
from functools import lru_cache
from typing import NamedTuple

from tessera_service.engine.config import EngineConfig
from tessera_service.models import ServiceToken, Session

# Service tokens have no session, so no cut-off reaches them: they end with their own record.
NEVER_CUT_OFF_MS = 2**62


class Snapshot(NamedTuple):
    """A record as of when it was read."""

    client_id: str
    permissions: frozenset[str]
    before: bytes
    after: bytes

    def introspection(self, *, expires_at: int, issued_at: int, jti: str) -> bytes:
        """The whole JSON answer for one live token of this record."""
        return b'%b"exp":%d,"iat":%d,"jti":"%b",%b' % (self.before, expires_at, issued_at, jti.encode(), self.after)


@lru_cache(maxsize=8192)
def read_snapshot(data: bytes) -> Snapshot:
    """The snapshot that one of the functions below wrote."""
    record, before, after = data.split(b"\n")
    client_id, permissions = json.loads(record)
    return Snapshot(client_id, frozenset(permissions), before, after)


def session_snapshot(session: Session, config: EngineConfig, *, token_type: str = "access") -> bytes:  # noqa: S107
    """Of a session's record; `token_type` is what introspection calls the token ("access" or "refresh")."""
    metadata = session.metadata
    return _join(
        [session.client_id, list(session.permissions)],
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
    )


def service_snapshot(token: ServiceToken, config: EngineConfig) -> bytes:
    """Of a service token's record in the directory: reported as an access token, without session and meta."""
    return _join(
        [token.client_id, list(token.permissions)],
        {"active": True, "sub": token.subject, "aud": config.audience, "iss": config.issuer},
        {
            "scope": "",
            "token_type": "access",
            "client_id": token.client_id,
            "tenant_id": token.tenant_id,
            "permissions": token.permissions,
        },
    )


def _join(record: list[object], before: dict[str, object], after: dict[str, object]) -> bytes:
    return b"\n".join((_compact(record), _compact(before)[:-1] + b",", _compact(after)[1:]))


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
