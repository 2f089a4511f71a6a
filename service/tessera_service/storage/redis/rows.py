# SPDX-License-Identifier: Apache-2.0
"""What stands in Redis and values: the one place where a field becomes an attribute. What cannot be read is
StoreUnavailable."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from tessera_service.errors import StoreUnavailable
from tessera_service.models import (
    Event,
    EventType,
    LogEntry,
    LogKind,
    Newest,
    OutboxRow,
    Revocation,
    Session,
    SessionMetadata,
    SpentToken,
    Successor,
    TokenKind,
    TokenRecord,
)
from tessera_service.storage import rules
from tessera_service.storage.rules import events

Fields = Mapping[bytes, bytes]

# Fields of a session; what is None has none. Scripts read the first line, and write the last three.
#   t tenant, u subject, v surface, k access key, c created_ms, x expires_at, e ends_at, a last_activity_ms
#   f what never changes, as JSON; n username, m metadata as JSON, d device type, w what an event of its end has of it
#   r refresh_jti, s spent tokens as JSON (jti, ms, jti, ms ...)
#   sa, sr, sk, su: successor, until when; nj, nx, np, nk: newest
#   o revoked_ms, y reason, b by whom, l locked


def session_fields(session: Session) -> list[bytes]:
    """The fields of a new session, one after the other. Its tokens have keys of their own."""
    unchanging = [
        session.auth_method,
        session.client_id,
        session.scope,
        session.permissions,
        session.roles,
        session.span_seconds,
    ]
    fields: dict[str, Any] = {
        "t": session.tenant_id,
        "u": session.subject,
        "v": session.surface,
        "k": session.access_key_id,
        "f": _json(unchanging),
        "n": session.username,
        "m": _json(_known(session.metadata)) if _known(session.metadata) else None,
        "d": session.metadata.device_type,
        "w": _json({"ip_address": session.metadata.ip_address}) if session.metadata.ip_address is not None else None,
        "r": session.refresh_jti,
        "l": "1" if session.locked else None,
        "c": session.created_ms,
        "x": session.expires_at,
        "e": session.ends_at,
        "a": session.last_activity_ms,
    }
    if session.newest is not None:
        newest = session.newest
        fields |= {"nj": newest.jti, "nx": newest.expires_at, "np": newest.payload, "nk": newest.kid}
    return [_bytes(part) for pair in fields.items() if pair[1] is not None for part in pair]


def session_of(found: Sequence[Any]) -> Session:
    """The session of `{id, fields and values, cut-off}`, as that cut-off lets it be seen."""
    try:
        session_id, flat, cutoff_ms = found
        fields = dict(zip(flat[::2], flat[1::2], strict=True))
        return rules.seen_under(_session_of(session_id.decode(), fields), int(cutoff_ms))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise StoreUnavailable("a stored session cannot be read") from error


def _session_of(session_id: str, fields: Fields) -> Session:
    auth_method, client_id, scope, permissions, roles, span = json.loads(fields[b"f"])
    return Session(
        session_id=session_id,
        tenant_id=fields[b"t"].decode(),
        subject=fields[b"u"].decode(),
        surface=fields[b"v"].decode(),
        auth_method=auth_method,
        client_id=client_id,
        scope=scope,
        permissions=tuple(permissions),
        roles=tuple(roles),
        username=_text(fields.get(b"n")),
        metadata=SessionMetadata(**json.loads(fields.get(b"m", b"{}"))),
        created_ms=int(fields[b"c"]),
        expires_at=int(fields[b"x"]),
        ends_at=int(fields[b"e"]),
        refresh_jti=_text(fields.get(b"r")),
        spent=tuple(_spent(json.loads(fields.get(b"s", b"[]")))),
        successor=_successor_of(fields),
        successor_until_ms=_number(fields.get(b"su")),
        revoked_ms=_number(fields.get(b"o")),
        revoked_reason=_text(fields.get(b"y")),
        revoked_by=_text(fields.get(b"b")),
        locked=b"l" in fields,
        last_activity_ms=int(fields[b"a"]),
        span_seconds=span,
        newest=_newest_of(fields),
        access_key_id=_text(fields.get(b"k")),
    )


def creation_given(session: Session) -> dict[str, Any]:
    """A new session as a script takes it, apart from its fields."""
    told = {
        "id": session.session_id,
        "tenant": session.tenant_id,
        "subject": session.subject,
        "surface": session.surface,
        "created": session.created_ms,
        "active": session.last_activity_ms,
        "expires": session.expires_at,
        "ends": session.ends_at,
        "locked": session.locked,
        "erasable": rules.erased(session) != session,
    }
    if session.access_key_id is not None:
        told["key"] = session.access_key_id
    return {"session": told, "tokens": tokens_given(session.tokens), "event": event_given(events.issued(session))}


def tokens_given(tokens: Sequence[TokenRecord]) -> list[list[Any]]:
    """Tokens as a script takes them."""
    return [[token.jti, token.expires_at, _json(_record(token))] for token in tokens]


def token_of(jti: str, stored: bytes) -> TokenRecord:
    """The record of a token."""
    try:
        session_id, tenant_id, subject, kind, expires_at = json.loads(stored)
        return TokenRecord(jti, session_id, tenant_id, subject, TokenKind(kind), expires_at)
    except (TypeError, ValueError) as error:
        raise StoreUnavailable("a stored token cannot be read") from error


def why_given(revocation: Revocation) -> dict[str, Any]:
    """A revocation as a script takes it, with what the events of the sessions that it ends have alike."""
    return {
        "at": revocation.at_ms,
        "reason": revocation.reason,
        "by": revocation.revoked_by,
        "until": revocation.log_expires_at,
        "locked": revocation.locked,
        "type": EventType.REVOKED.value,
        "data": _json(dict(events.revoked_alike(revocation))),
    }


def event_given(event: Event) -> dict[str, Any]:
    """An event as a script takes it; the rest of it is in the session or token that it tells of."""
    personal = {name: event.data[name] for name in events.PERSONAL if event.data.get(name) is not None}
    given = {"id": event.event_id, "type": event.type.value, "data": _json(dict(events.erased(event).data))}
    return given | ({"personal": _json(personal)} if personal else {})


def outbox_row_of(found: Sequence[Any]) -> OutboxRow:
    """A row of `{id, fields and values, personal data}`. What is null in an event's data comes from beside it: ids, the
    device, and where its session came from."""
    try:
        name, flat, personal = found
        fields = {key.decode(): value.decode() for key, value in zip(flat[::2], flat[1::2], strict=True)}
        known: dict[str, str | None] = {
            "session_id": fields.get("s"),
            "user_id": fields["u"],
            "tenant_id": fields["t"],
            "device_type": fields.get("v"),
        }
        known |= json.loads(personal or b"{}")
        event = Event(
            event_id=fields["i"],
            type=EventType(fields["y"]),
            tenant_id=fields["t"],
            session_id=fields.get("s"),
            user_id=fields["u"],
            at_ms=int(fields["a"]),
            data={key: known.get(key) if value is None else value for key, value in json.loads(fields["d"]).items()},
        )
        return OutboxRow(_sequence(name), event)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise StoreUnavailable("a stored event cannot be read") from error


def entry_of(found: Sequence[Any]) -> LogEntry:
    """An entry of the log."""
    try:
        name, (_, kind, _, tenant_id, _, key, _, cutoff_ms, _, expires_at) = found
        return LogEntry(
            _sequence(name), LogKind(kind.decode()), tenant_id.decode(), key.decode(), int(cutoff_ms), int(expires_at)
        )
    except (AttributeError, TypeError, ValueError) as error:
        raise StoreUnavailable("a stored entry cannot be read") from error


def _record(token: TokenRecord) -> list[Any]:
    return [token.session_id, token.tenant_id, token.subject, token.kind.value, token.expires_at]


def _sequence(name: bytes) -> int:
    return int(name.partition(b"-")[0])


def _spent(flat: Sequence[Any]) -> Iterator[SpentToken]:
    return (SpentToken(jti, int(spent_ms)) for jti, spent_ms in zip(flat[::2], flat[1::2], strict=True))


def _successor_of(fields: Fields) -> Successor | None:
    if b"sk" not in fields:
        return None
    return Successor(fields[b"sa"], fields[b"sr"], fields[b"sk"].decode())


def _newest_of(fields: Fields) -> Newest | None:
    if b"nj" not in fields:
        return None
    return Newest(fields[b"nj"].decode(), int(fields[b"nx"]), fields[b"np"], fields[b"nk"].decode())


def _known(metadata: SessionMetadata) -> dict[str, str]:
    return {name: value for name, value in asdict(metadata).items() if value is not None}


def _text(stored: bytes | None) -> str | None:
    return None if stored is None else stored.decode()


def _number(stored: bytes | None) -> int | None:
    return None if stored is None else int(stored)


def _bytes(value: str | int | bytes) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
