# SPDX-License-Identifier: Apache-2.0
"""Who signs in by name or by number, and what is counted while somebody tries."""

from dataclasses import dataclass, field
from enum import StrEnum


class UserStatus(StrEnum):
    """Whether a user may sign in; a session of a user that is not ACTIVE is dead."""

    ACTIVE = "active"
    LOCKED = "locked"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class User:
    """A user of one tenant. `user_id` is a UUIDv7 and never used again; each name is unique in the tenant."""

    tenant_id: str
    user_id: str
    username: str | None  # NFKC, case folded, stripped
    email: str | None  # lower case
    phone: str | None  # E.164
    password_hash: str | None = field(repr=False)
    roles: tuple[str, ...]
    permissions: tuple[str, ...]
    status: UserStatus
    version: int  # 1, and one more with each change
    created_at: int


@dataclass(frozen=True, slots=True)
class HitLimit:
    """How many hits a key may have in any window; with `hold_seconds`, how long a key that is full stays full.
    ValueError for a limit, a window or a hold below 1."""

    key: bytes
    max_hits: int
    window_seconds: int
    hold_seconds: int | None = None

    def __post_init__(self) -> None:
        if self.max_hits < 1 or self.window_seconds < 1 or (self.hold_seconds is not None and self.hold_seconds < 1):
            raise ValueError("a limit, its window and its hold are at least 1")


@dataclass(frozen=True, slots=True)
class Taken:
    """What `Directory.take` did. Per limit, in order: `remaining` hits, and in how many seconds (rounded up) it has
    room again, 0 where it has room now."""

    hit_id: str | None  # None: refused, nothing was counted
    remaining: tuple[int, ...]
    retry_after: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CodeRecord:
    """A one-time code, as a keyed hash under a keyed hash of whom it is for; exclusive end in seconds."""

    key: bytes
    code_hash: bytes = field(repr=False)
    expires_at: int


class CodeOutcome(StrEnum):
    """The outcome of a guess; RIGHT consumes the code, RIGHT, WRONG and EXPIRED were evaluated."""

    RIGHT = "right"
    WRONG = "wrong"
    EXPIRED = "expired"  # the right guess for a code whose time is over
    EXHAUSTED = "exhausted"  # not evaluated: as many guesses as there may be were made
    ABSENT = "absent"  # there is no code


@dataclass(frozen=True, slots=True)
class SpentCode:
    """A code that the right guess consumed, with how many were made of it before."""

    code: CodeRecord
    guesses: int


@dataclass(frozen=True, slots=True)
class CodeGuess:
    """`remaining`: how many more guesses of this code will be evaluated; `spent`: of RIGHT, and of nothing else."""

    outcome: CodeOutcome
    remaining: int
    spent: SpentCode | None = field(default=None, compare=False)
