# SPDX-License-Identifier: Apache-2.0
"""One-time codes: each function is one step over a connection that is inside a transaction."""

import hmac
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import Connection, Row, case, delete, select

from tessera_service.models import CodeGuess, CodeOutcome, CodeRecord, SpentCode
from tessera_service.storage.base import CODE_REMEMBERED_SECONDS
from tessera_service.storage.sql.engine import insert_or_update
from tessera_service.storage.sql.schema_users import codes

_NONE: Final = -CODE_REMEMBERED_SECONDS  # when what stands for no code was over


def put(connection: Connection, code: CodeRecord) -> None:
    def replaced(new: Any) -> dict[str, Any]:
        return {"code_hash": new.code_hash, "expires_at": new.expires_at, "guesses": 0}

    connection.execute(insert_or_update(connection, codes, replaced), asdict(code) | {"guesses": 0})


def guess(connection: Connection, key: bytes, code_hash: bytes, now: int, max_guesses: int) -> CodeGuess:
    code = _counted(connection, key)
    if now >= code.expires_at + CODE_REMEMBERED_SECONDS:
        return CodeGuess(CodeOutcome.ABSENT, 0)
    if code.guesses > max_guesses:
        return CodeGuess(CodeOutcome.EXHAUSTED, 0)
    remaining = max_guesses - code.guesses
    if not hmac.compare_digest(code.code_hash, code_hash):
        return CodeGuess(CodeOutcome.WRONG, remaining)
    if now >= code.expires_at:
        return CodeGuess(CodeOutcome.EXPIRED, remaining)
    connection.execute(delete(codes).where(codes.c.key == key))
    return CodeGuess(
        CodeOutcome.RIGHT, 0, SpentCode(CodeRecord(key, code.code_hash, code.expires_at), code.guesses - 1)
    )


def restore(connection: Connection, spent: SpentCode) -> None:
    row = asdict(spent.code) | {"guesses": spent.guesses}

    def unless_there_is_one(new: Any) -> dict[str, Any]:
        is_none = codes.c.expires_at == _NONE
        return {name: case((is_none, new[name]), else_=codes.c[name]) for name in row if name != "key"}

    connection.execute(insert_or_update(connection, codes, unless_there_is_one), row)


def purge(connection: Connection, now: int, limit: int) -> int:
    """Removes codes that are ABSENT already, and the rows of guesses for which there was none."""
    dead = select(codes.c.key).where(codes.c.expires_at <= now - CODE_REMEMBERED_SECONDS)
    chosen = dead.order_by(codes.c.expires_at).limit(limit).with_for_update(skip_locked=True)
    return connection.execute(delete(codes).where(codes.c.key.in_(chosen))).rowcount


def _counted(connection: Connection, key: bytes) -> Row[Any]:
    """The code with this guess counted, locked. Where there is none, one that was over long ago takes its place: a
    guess costs the same durable write then, so that time does not tell who asked for a code."""
    none = {"key": key, "code_hash": b"", "expires_at": _NONE, "guesses": 1}
    counting = insert_or_update(connection, codes, lambda _: {"guesses": codes.c.guesses + 1})
    return connection.execute(counting.returning(codes.c.code_hash, codes.c.expires_at, codes.c.guesses), none).one()
