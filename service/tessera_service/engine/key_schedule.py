# SPDX-License-Identifier: Apache-2.0
"""When a signing key is announced, signs, is retired and goes: all of it follows from the rows' times. Seconds.

A key is published when it is made, signs from its activates_at until its successor's, and stays published until the
last token that it can have signed is dead plus the JWKS max-age. A revoked key counts for nothing, at once.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

from tessera_service.engine.config import CONFIRM_LIMIT, EngineConfig
from tessera_service.models import SigningKey

_MIN_MAX_AGE = 30  # while a planned change is overdue


class KeyState(StrEnum):
    """What a key is for at some time."""

    ANNOUNCED = "announced"
    ACTIVE = "active"
    RETIRED = "retired"
    REVOKED = "revoked"


class KeyInfo(NamedTuple):
    """A key as `keys list` shows it; `retires_at` is when its successor begins to sign (None: none is known)."""

    kid: str
    state: KeyState
    created_at: int
    activates_at: int
    retires_at: int | None


class KeySchedule:
    """The rows of one reading of the directory, and what follows from them at a time `now`."""

    def __init__(self, rows: Iterable[SigningKey], config: EngineConfig) -> None:
        self.rows = sorted(rows, key=lambda row: (row.activates_at, row.kid))
        self.valid = [row for row in self.rows if row.revoked_at is None]
        self._config = config
        successors = [*self.valid[1:], None][: len(self.valid)]
        self._retires_at = {
            row.kid: None if successor is None else successor.activates_at
            for row, successor in zip(self.valid, successors, strict=True)
        }

    def without(self, kid: str) -> "KeySchedule":
        """The schedule that is left when that key is gone."""
        return KeySchedule((row for row in self.rows if row.kid != kid), self._config)

    def immediately(self, now: int) -> int:
        """The activates_at of a key that is to sign at once: after that of the active key, if it is of this second."""
        active = self.active(now)
        return now if active is None else max(now, active.activates_at + 1)

    @property
    def newest(self) -> str | None:
        """The kid that a new key has to come after."""
        return self.valid[-1].kid if self.valid else None

    def active(self, now: int) -> SigningKey | None:
        """The key that signs. The very first one counts a skew earlier: another process may have the faster clock."""
        started = [row for row in self.valid if row.activates_at <= now]
        if started:
            return started[-1]
        first = self.valid[0] if self.valid else None
        return first if first is not None and first.activates_at <= now + self._config.clock_skew else None

    def published(self, now: int) -> Sequence[SigningKey]:
        """The rows whose public half verifies and stands in the JWKS."""
        return [row for row in self.valid if not self.is_over(row, now)]

    def is_over(self, row: SigningKey, now: int) -> bool:
        """Whether the last token of the key is dead and no cached JWKS needs it: its row can go."""
        removed_at = self._removed_at(row)
        return removed_at is not None and now >= removed_at

    def is_spent(self, row: SigningKey, now: int) -> bool:
        """Whether no successor can need the private half: retired for longer than a process may sign with old news and
        a spent refresh token has grace."""
        retires_at = self._retires_at.get(row.kid)
        again = self._config.signs_again_seconds
        return retires_at is not None and now >= retires_at + CONFIRM_LIMIT + self._config.clock_skew + again

    def announcement_due(self, now: int) -> int | None:
        """The activates_at of the successor that should be announced now; None while it is too early or one is."""
        active = self.active(now)
        if active is None or self._retires_at[active.kid] is not None:
            return None
        if now < self._announces_at(active):
            return None
        return max(active.activates_at + self._config.key_rotation_interval, now + self._config.key_lead)

    def max_age(self, now: int) -> int:
        """How long the JWKS may be cached: until the next planned change, at most jwks_max_age."""
        changes = [at for row in self.valid if (at := self._removed_at(row)) is not None and at > now]
        active = self.active(now)
        if active is not None and self._retires_at[active.kid] is None:
            changes.append(self._announces_at(active))
        nearest = min(changes, default=now + self._config.jwks_max_age) - now
        return min(self._config.jwks_max_age, max(nearest, _MIN_MAX_AGE))

    def changed_at(self, now: int) -> int:
        """When the published set changed last, as far as the rows tell."""
        times = [row.created_at for row in self.rows] + [row.revoked_at or 0 for row in self.rows]
        times += [at for row in self.valid if (at := self._removed_at(row)) is not None and at <= now]
        return max(times, default=now)

    def infos(self, now: int) -> list[KeyInfo]:
        """Every key with its state."""
        active = self.active(now)
        return [
            KeyInfo(row.kid, _state(row, active), row.created_at, row.activates_at, self._retires_at.get(row.kid))
            for row in self.rows
        ]

    def _announces_at(self, active: SigningKey) -> int:
        return active.activates_at + self._config.key_rotation_interval - self._config.key_lead

    def _removed_at(self, row: SigningKey) -> int | None:
        ended_at = row.revoked_at if row.revoked_at is not None else self._retires_at[row.kid]
        return None if ended_at is None else ended_at + self._config.published_seconds


def _state(row: SigningKey, active: SigningKey | None) -> KeyState:
    if row.revoked_at is not None:
        return KeyState.REVOKED
    if active is not None and row.kid == active.kid:
        return KeyState.ACTIVE
    if active is None or (row.activates_at, row.kid) > (active.activates_at, active.kid):
        return KeyState.ANNOUNCED
    return KeyState.RETIRED
