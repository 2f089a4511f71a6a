# SPDX-License-Identifier: Apache-2.0
"""One answer of `/v1/revocations`, line by line: what it revokes is applied at once, where to go on is told last."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple, TypeVar

from tessera import _core
from tessera.follower.connection import FollowError

_MAX_TEXT: Final = 1024
_MAX_CURSOR: Final = 16_000
_MAX_LOGS: Final = 1024

T = TypeVar("T")


class Applied(NamedTuple):
    """A whole answer. `tenant_id` None: of every tenant. `as_of_ms`: after the question was sent, everything that was
    acknowledged until then is known; None if there is more."""

    logs: tuple[str, ...]
    tenant_id: str | None
    is_snapshot: bool
    entries: int
    cursor: str
    as_of_ms: int | None


class AnswerReader:
    """Applies to `revocations`; `withdraw` is given the ids of withdrawn signing keys."""

    def __init__(self, revocations: _core.RevocationSet, *, withdraw: Callable[[str], None], max_entries: int) -> None:
        self._revocations = revocations
        self._withdraw = withdraw
        self._max_entries = max_entries

    def read(self, lines: Iterable[Mapping[str, Any]]) -> Applied:
        """FollowError unless the answer is whole; what it revoked by then stays revoked: nothing revives."""
        numbered = iter(lines)
        first = next(numbered, None)
        if first is None:
            raise FollowError("answer_cut")
        logs, tenant_id, is_snapshot = _read_first(first)
        for entries, line in enumerate(numbered):
            if "cursor" in line:
                if next(numbered, None) is not None:
                    raise FollowError("answer_malformed")
                return Applied(
                    logs, tenant_id, is_snapshot, entries, _text(line, "cursor", longest=_MAX_CURSOR), _read_as_of(line)
                )
            if entries >= self._max_entries:
                raise FollowError("too_many_entries")
            self._apply(line)
        raise FollowError("answer_cut")

    def _apply(self, line: Mapping[str, Any]) -> None:
        kind = _text(line, "kind")
        if kind not in ("jti", "session", "subject", "key"):
            return  # of a later service
        key, expires_at = _text(line, "id"), _whole(line, "expires_at")
        try:
            match kind:
                case "jti":
                    self._revocations.revoke_jti(key, expires_at=expires_at)
                case "session":
                    self._revocations.revoke_session(key, expires_at=expires_at)
                case "subject":
                    tenant_id, cutoff_ms = _text(line, "tenant_id"), _whole(line, "cutoff_ms")
                    self._revocations.cut_off(tenant_id, key, cutoff_ms=cutoff_ms, expires_at=expires_at)
                case _:
                    self._withdraw(key)
        except OverflowError as error:
            raise FollowError("answer_malformed") from error


def _read_first(line: Mapping[str, Any]) -> tuple[tuple[str, ...], str | None, bool]:
    logs, is_snapshot = line.get("logs"), line.get("snapshot")
    if not isinstance(logs, list) or not 0 < len(logs) <= _MAX_LOGS or not isinstance(is_snapshot, bool):
        raise FollowError("answer_malformed")
    if not all(isinstance(log_id, str) for log_id in logs) or "tenant_id" not in line:
        raise FollowError("answer_malformed")
    tenant_id = None if line["tenant_id"] is None else _text(line, "tenant_id")
    return tuple(logs), tenant_id, is_snapshot


def _read_as_of(line: Mapping[str, Any]) -> int | None:
    if "as_of_ms" not in line:
        raise FollowError("answer_malformed")
    return None if line["as_of_ms"] is None else _whole(line, "as_of_ms")


def _text(line: Mapping[str, Any], name: str, *, longest: int = _MAX_TEXT) -> str:
    value = _member(line, name, str)
    if not 0 < len(value) <= longest:
        raise FollowError("answer_malformed")
    return value


def _whole(line: Mapping[str, Any], name: str) -> int:
    value = _member(line, name, int)
    if isinstance(value, bool):
        raise FollowError("answer_malformed")
    return value


def _member(line: Mapping[str, Any], name: str, kind: type[T]) -> T:
    value = line.get(name)
    if not isinstance(value, kind):
        raise FollowError("answer_malformed")
    return value
