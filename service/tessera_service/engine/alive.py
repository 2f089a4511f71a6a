# SPDX-License-Identifier: Apache-2.0
"""A token that was found alive, with all that follows from it, derived once for each token and state of its record."""

from functools import lru_cache
from typing import NamedTuple

from tessera_service.engine.claims import Claims, read_claims
from tessera_service.engine.snapshots import Snapshot, read_snapshot
from tessera_service.models import Caller


class Alive(NamedTuple):
    """A live token: the caller that it makes, and the whole JSON answer of introspection."""

    caller: Caller
    introspection: bytes


def alive(claims: Claims, record: Snapshot) -> Alive:
    """The permissions are the record's, not the claims', so that a change reaches live sessions (rule 2.12)."""
    caller = Caller(
        tenant_id=claims.tenant_id,
        subject=claims.subject,
        client_id=record.client_id,
        kind=claims.kind,
        jti=claims.jti,
        session_id=claims.session_id or None,
        permissions=record.permissions,
        expires_at=claims.expires_at,
    )
    answer = record.introspection(expires_at=claims.expires_at, issued_at=claims.issued_at, jti=claims.jti)
    return Alive(caller, answer)


@lru_cache(maxsize=8192)
def read_alive(payload: bytes, token_type: str, snapshot: bytes) -> Alive | None:
    """As `alive`, of a *verified* payload and the snapshot of its record; None if the token's kind does not agree."""
    claims = read_claims(payload, token_type)
    return None if claims is None else alive(claims, read_snapshot(snapshot))
