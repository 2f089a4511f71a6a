# SPDX-License-Identifier: Apache-2.0
"""What a store promises, and which of its steps are atomic.

Every method raises `errors.StoreUnavailable` when the store fails, is not open or does not answer in time, and then
may have done the whole step or nothing of it, never half, but where very many sessions end at once. A step that
returned is durable as far as the store goes (see the table of promises). A caller that is cancelled learns no more
than that.

Locks are taken in one order everywhere: subject (its cut-off and live sessions), sessions, head
of the outbox, head of the log. Whatever
makes, moves or ends a session locks its subject first, so that nothing is born during a revocation and no limit leaks.

Whatever revokes appends to the revocation log in the same atomic step, as its last statement: sequences are gapless
and in commit order. Whatever makes a session, or ends one or a token before its time, also writes the event of that to
the outbox, in the same step and before the log: ISSUED for each session, REVOKED for each session and each token alone.

Time comes in with the call: "now" of a revocation is `at_ms`, of a rotation `now_ms`, in whole seconds rounded down
where it is compared with an `expires_at`. A cut-off of 0 is none; a session is cut off if `created_ms <= cut-off`.
A session that is cut off without being marked is shown by every method as revoked at the cut-off, with the reason
`CUT_OFF` and no `revoked_by`.

Whatever ends many sessions at once leaves those alone whose time was over a day ago (`ANY_CLOCK_MS`): they are over by
any clock. One that was over a moment ago may be alive by the clock of another process, and is ended.
"""

from typing import Final

from tessera_service.errors import StoreUnavailable
from tessera_service.storage.base.codes import CODE_REMEMBERED_SECONDS
from tessera_service.storage.base.directory import Directory
from tessera_service.storage.base.log import HintsAtEntries, RevocationLog
from tessera_service.storage.base.outbox import Outbox
from tessera_service.storage.base.parts import Part, parts_of
from tessera_service.storage.base.sessions import SessionStore

__all__ = [
    "ANY_CLOCK_MS",
    "CODE_REMEMBERED_SECONDS",
    "CUT_OFF",
    "TOUCHED_AT_ONCE",
    "Directory",
    "HintsAtEntries",
    "Outbox",
    "Part",
    "RevocationLog",
    "SessionStore",
    "StoreRefused",
    "parts_of",
]

ANY_CLOCK_MS: Final = 86_400_000  # by how much the clocks of two processes may differ
CUT_OFF: Final = "subject_cut_off"
TOUCHED_AT_ONCE: Final = 500  # how many sessions one `touch` may name


class StoreRefused(StoreUnavailable):
    """`open` found a store that it may not use, such as one with a newer schema. The text says what is wrong."""
