# SPDX-License-Identifier: Apache-2.0
"""What the directory promises about one-time codes."""

from typing import Final, Protocol

from tessera_service.models import CodeGuess, CodeRecord, SpentCode

CODE_REMEMBERED_SECONDS: Final = 600  # how long after its end a code is still known, to say that it expired


class OneTimeCodes(Protocol):
    """At most one code for each key."""

    async def put_code(self, code: CodeRecord) -> None:
        """Atomic: replaces the key's code; no guess of the new one was made."""
        ...

    async def guess_code(self, key: bytes, *, code_hash: bytes, now: int, max_guesses: int) -> CodeGuess:
        """Atomic: counts the guess, then compares the hashes in constant time. The right one consumes the code. After
        `max_guesses` of a code nothing is compared any more, however many come at once. A code whose time is over
        (`expires_at` is exclusive) answers EXPIRED to the right guess and WRONG to others, until
        CODE_REMEMBERED_SECONDS later: then it is ABSENT. Every outcome costs the same durable write."""
        ...

    async def restore_code(self, spent: SpentCode) -> None:
        """Atomic: the code that a right guess consumed is there again, as if that guess had not been made. Does nothing
        where the key has a code, which is a newer one."""
        ...
