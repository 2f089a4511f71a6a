# SPDX-License-Identifier: Apache-2.0
"""What a directory is said to do with hits and codes, as directly as it can be said."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tessera_service.models import CodeGuess, CodeOutcome, CodeRecord, HitLimit, SpentCode
from tessera_service.storage.base import CODE_REMEMBERED_SECONDS


@dataclass
class Hit:
    """One hit on one key: when its own window ends, and the hold that moved that, if one did."""

    name: str
    window_ends_ms: int
    hold: "Hold | None" = None

    @property
    def ends_ms(self) -> int:
        return self.window_ends_ms if self.hold is None else self.hold.ends_ms


@dataclass
class Hold:
    """Until when a key that was full stays full."""

    ends_ms: int


class HitModel:
    """All hits by key; none is ever removed because its time is over."""

    def __init__(self) -> None:
        self.hits: dict[bytes, list[Hit]] = {}

    def live(self, key: bytes, now_ms: int) -> list[Hit]:
        return sorted((hit for hit in self.hits.get(key, []) if hit.ends_ms > now_ms), key=lambda hit: hit.ends_ms)

    def take(self, name: str, limits: Sequence[HitLimit], now_ms: int) -> bool:
        if any(len(self.live(limit.key, now_ms)) >= limit.max_hits for limit in limits):
            return False
        for limit in limits:
            hit = Hit(name, now_ms + limit.window_seconds * 1000)
            self.hits.setdefault(limit.key, []).append(hit)
            counting = self.live(limit.key, now_ms)
            if limit.hold_seconds is not None and len(counting) == limit.max_hits:
                hold = Hold(now_ms + limit.hold_seconds * 1000)
                for held in counting:
                    held.hold = hold
        return True

    def remaining(self, limit: HitLimit, now_ms: int) -> int:
        return max(limit.max_hits - len(self.live(limit.key, now_ms)), 0)

    def retry_after(self, limit: HitLimit, now_ms: int) -> int:
        live = self.live(limit.key, now_ms)
        if len(live) < limit.max_hits:
            return 0
        room_ms = next(
            at for at in sorted(hit.ends_ms for hit in live) if len(self.live(limit.key, at)) < limit.max_hits
        )
        return math.ceil((room_ms - now_ms) / 1000)

    def give_back(self, name: str) -> None:
        for key, hits in self.hits.items():
            for given in [hit for hit in hits if hit.name == name]:
                if given.hold is not None:
                    undone = given.hold
                    for hit in hits:
                        hit.hold = None if hit.hold is undone else hit.hold
                self.hits[key] = [hit for hit in self.hits[key] if hit is not given]

    def forget(self, key: bytes) -> None:
        self.hits.pop(key, None)


class CodeModel:
    """The code of each key and how many guesses of it were evaluated."""

    def __init__(self) -> None:
        self.codes: dict[bytes, tuple[CodeRecord, int]] = {}

    def put(self, code: CodeRecord) -> None:
        self.codes[code.key] = (code, 0)

    def guess(self, key: bytes, code_hash: bytes, now: int, max_guesses: int) -> CodeGuess:
        if key not in self.codes:
            return CodeGuess(CodeOutcome.ABSENT, 0)
        code, evaluated = self.codes[key]
        if now >= code.expires_at + CODE_REMEMBERED_SECONDS:
            return CodeGuess(CodeOutcome.ABSENT, 0)
        if evaluated == max_guesses:
            return CodeGuess(CodeOutcome.EXHAUSTED, 0)
        self.codes[key] = (code, evaluated + 1)
        left = max_guesses - evaluated - 1
        if code.code_hash != code_hash:
            return CodeGuess(CodeOutcome.WRONG, left)
        if now >= code.expires_at:
            return CodeGuess(CodeOutcome.EXPIRED, left)
        del self.codes[key]
        return CodeGuess(CodeOutcome.RIGHT, 0, SpentCode(code, evaluated))

    def restore(self, spent: SpentCode) -> None:
        self.codes.setdefault(spent.code.key, (spent.code, spent.guesses))
