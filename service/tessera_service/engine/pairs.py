# SPDX-License-Identifier: Apache-2.0
"""The two tokens of a session: their payloads, and signing them."""

import json
from typing import NamedTuple

from tessera_service.engine.claims import Draft, check_size, payload_of
from tessera_service.engine.config import EngineConfig
from tessera_service.engine.ids import uuid7
from tessera_service.engine.key_follower import SigningPair
from tessera_service.engine.signing import SigningPool, Unsigned
from tessera_service.models import IssuedTokens, Session, Successor, TokenKind, TokenRecord


class DraftedToken(NamedTuple):
    """One token before it is signed, and its record."""

    payload: bytes
    record: TokenRecord


class DraftedPair(NamedTuple):
    """An access and a refresh token before they are signed, and their records."""

    access_payload: bytes
    refresh_payload: bytes
    access: TokenRecord
    refresh: TokenRecord

    @property
    def expires_at(self) -> int:
        """When the session ends unless it is used again."""
        return max(self.access.expires_at, self.refresh.expires_at)


def draft_token(session: Session, kind: TokenKind, *, expires_at: int, now: int, config: EngineConfig) -> DraftedToken:
    """A new token for the session as its record stands; it does not outlive the session."""
    record = TokenRecord(
        jti=uuid7(),
        session_id=session.session_id,
        tenant_id=session.tenant_id,
        subject=session.subject,
        kind=kind,
        expires_at=min(expires_at, session.ends_at),
    )
    return DraftedToken(_payload(session, record, now=now, config=config), record)


def draft_pair(session: Session, *, now: int, config: EngineConfig) -> DraftedPair:
    """A new pair for the session as its record stands; neither token outlives the session."""
    access, refresh = (
        draft_token(session, kind, expires_at=now + ttl, now=now, config=config)
        for kind, ttl in ((TokenKind.ACCESS, config.access_token_ttl), (TokenKind.REFRESH, config.refresh_token_ttl))
    )
    return DraftedPair(
        access_payload=access.payload,
        refresh_payload=refresh.payload,
        access=access.record,
        refresh=refresh.record,
    )


def check_pair_size(pair: DraftedPair, key: SigningPair) -> None:
    """Raises TokenTooLarge if one of the two would exceed 4 KiB."""
    for payload, kind in ((pair.access_payload, TokenKind.ACCESS), (pair.refresh_payload, TokenKind.REFRESH)):
        check_size(payload, kind=kind, kid=key.kid, key_bits=key.bits)


async def sign_pair(
    pool: SigningPool, key: SigningPair, successor: Successor, *, session_id: str, now: int
) -> IssuedTokens:
    """Signs the payloads of a pair; the same bytes under the same key give the same tokens. Overloaded."""
    access, refresh = await pool.sign(
        key.signer,
        [Unsigned(successor.access_payload, TokenKind.ACCESS), Unsigned(successor.refresh_payload, TokenKind.REFRESH)],
    )
    expires_at: int = json.loads(successor.access_payload)["exp"]
    return IssuedTokens(
        access_token=access, refresh_token=refresh, expires_in=max(0, expires_at - now), session_id=session_id
    )


def _payload(session: Session, token: TokenRecord, *, now: int, config: EngineConfig) -> bytes:
    draft = Draft(
        kind=token.kind,
        issuer=config.issuer,
        audience=config.audience,
        subject=session.subject,
        tenant_id=session.tenant_id,
        jti=token.jti,
        issued_at=now,
        expires_at=token.expires_at,
        session_id=session.session_id,
        client_id=session.client_id,
        scope=session.scope,
        permissions=session.permissions,
        roles=session.roles,
        username=session.username,
    )
    return payload_of(draft)
