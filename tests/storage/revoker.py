# SPDX-License-Identifier: Apache-2.0
"""revoker.py URL ROUND: revokes until it is killed, and says each revocation after it was acknowledged."""

import asyncio
import sys

from storage.examples import NOW_MS, make_session, revocation, rotation, tokens
from tessera_service.storage.sql import SqlDirectory, SqlSessionStore


async def main(url: str, turn: str) -> None:
    """Says "jti J", "session S" or "subject S"."""
    store = SqlSessionStore(SqlDirectory(url, timeout_ms=30_000))
    await store.open()
    say("ready", "")

    async def work(worker: int) -> None:
        number = 0
        while True:
            number += 1
            name = f"{turn}-{worker}-{number}"
            await store.create(make_session(name, subject=name))
            token = tokens(name, 0, subject=name)[0]
            await store.revoke_token(token, revocation=revocation())
            say("jti", token.jti)
            await store.rotate(rotation(f"{name}-r0", 1, session_id=name))
            if number % 2:
                await store.revoke_session(name, revocation=revocation())
                say("session", name)
            else:
                await store.revoke_subject("tenant-a", name, revocation=revocation(NOW_MS))
                say("subject", name)

    await asyncio.gather(*(work(worker) for worker in range(3)))


def say(kind: str, key: str) -> None:
    """One line, out of this process at once."""
    sys.stdout.write(f"{kind} {key}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
