# SPDX-License-Identifier: Apache-2.0
"""The events of a session, as plain functions: a store writes them in the step that makes them true."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from tessera_service.models import Event, EventType, Revocation, ServiceToken, Session, SessionMetadata, TokenRecord

PERSONAL: Final = ("ip_address", "user_agent", "location")  # the members that an erasure takes away
_NOWHERE: Final = SessionMetadata()


def issued(session: Session) -> Event:
    """A session was made; as it was stored."""
    origin = session.metadata
    return Event(
        event_id=f"{session.session_id}.issued",
        type=EventType.ISSUED,
        tenant_id=session.tenant_id,
        session_id=session.session_id,
        user_id=session.subject,
        at_ms=session.created_ms,
        data={
            "user_id": session.subject,
            "tenant_id": session.tenant_id,
            "auth_method": session.auth_method,
            "session_id": session.session_id,
            "ip_address": origin.ip_address,
            "user_agent": origin.user_agent,
            "device_type": origin.device_type,
            "location": origin.location,
        },
    )


def revoked(session: Session, revocation: Revocation) -> Event:
    """A session was ended."""
    return Event(
        event_id=f"{session.session_id}.revoked",
        type=EventType.REVOKED,
        tenant_id=session.tenant_id,
        session_id=session.session_id,
        user_id=session.subject,
        at_ms=revocation.at_ms,
        data={
            "session_id": session.session_id,
            "user_id": session.subject,
            "tenant_id": session.tenant_id,
            **_why(revocation),
            **_where(session.metadata),
        },
    )


def revoked_alike(revocation: Revocation) -> Mapping[str, str | None]:
    """The data of `revoked` for any session: null is what the session says."""
    of_session = dict.fromkeys(["session_id", "user_id", "tenant_id"])
    return {**of_session, **_why(revocation), **_where(_NOWHERE)}


def token_revoked(token: TokenRecord, session: Session | None, revocation: Revocation) -> Event:
    """One token of a session was revoked and the session goes on; `session`: None if its record is gone."""
    return _jti_revoked(token, token.session_id, revocation, _NOWHERE if session is None else session.metadata)


def service_token_revoked(token: ServiceToken, revocation: Revocation) -> Event:
    """A token without a session was revoked."""
    return _jti_revoked(token, None, revocation, _NOWHERE)


def _jti_revoked(
    token: TokenRecord | ServiceToken, session_id: str | None, revocation: Revocation, origin: SessionMetadata
) -> Event:
    return Event(
        event_id=f"{token.jti}.revoked",
        type=EventType.REVOKED,
        tenant_id=token.tenant_id,
        session_id=session_id,
        user_id=token.subject,
        at_ms=revocation.at_ms,
        data={
            "session_id": session_id,
            "user_id": token.subject,
            "tenant_id": token.tenant_id,
            "jti": token.jti,
            **_why(revocation),
            **_where(origin),
        },
    )


def is_personal(event: Event) -> bool:
    """Whether an erasure would take anything away."""
    return any(event.data.get(name) is not None for name in PERSONAL)


def erased(event: Event) -> Event:
    """The event without what says where its user was."""
    return replace(event, data={name: None if name in PERSONAL else value for name, value in event.data.items()})


def _why(revocation: Revocation) -> Mapping[str, str | None]:
    at = datetime.fromtimestamp(revocation.at_ms // 1000, UTC)
    return {
        "revoked_reason": revocation.reason,
        "revoked_at": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "revoked_by": revocation.revoked_by,
    }


def _where(origin: SessionMetadata) -> Mapping[str, str | None]:
    return {"ip_address": origin.ip_address, "device_type": origin.device_type}
