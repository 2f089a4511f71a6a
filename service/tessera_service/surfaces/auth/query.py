# SPDX-License-Identifier: Apache-2.0
"""The query of GET /auth/sessions. Members that are not known are ignored."""

import re
from typing import Final, NamedTuple

from starlette.datastructures import QueryParams

from tessera_service.errors import InvalidInput
from tessera_service.models import SessionStatus

DEFAULT_LIMIT: Final = 20
MAX_LIMIT: Final = 100
MAX_OFFSET: Final = 10_000
ID: Final = r"[\x21-\x7e]{1,128}"

_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,8}")
_ID: Final = re.compile(ID)


class SessionQuery(NamedTuple):
    """Whose sessions (None: the caller's own), which of them, and which part."""

    user_id: str | None
    status: SessionStatus | None
    limit: int
    offset: int


def read_query(params: QueryParams) -> SessionQuery:
    """InvalidInput for a member that is sent twice or out of bounds."""
    return SessionQuery(
        user_id=_read_id(_read(params, "user_id")),
        status=_read_status(_read(params, "status")),
        limit=_read_number(params, "limit", default=DEFAULT_LIMIT, least=1, most=MAX_LIMIT),
        offset=_read_number(params, "offset", default=0, least=0, most=MAX_OFFSET),
    )


def _read(params: QueryParams, name: str) -> str | None:
    values = params.getlist(name)
    if len(values) > 1:
        raise InvalidInput(name)
    return values[0] if values else None


def _read_id(value: str | None) -> str | None:
    if value is not None and not _ID.fullmatch(value):
        raise InvalidInput("user_id")
    return value


def _read_status(value: str | None) -> SessionStatus | None:
    try:
        return None if value is None else SessionStatus(value)
    except ValueError:
        raise InvalidInput("status") from None


def _read_number(params: QueryParams, name: str, *, default: int, least: int, most: int) -> int:
    value = _read(params, name)
    if value is None:
        return default
    if not _NUMBER.fullmatch(value) or not least <= int(value) <= most:
        raise InvalidInput(name)
    return int(value)
