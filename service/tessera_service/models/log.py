# SPDX-License-Identifier: Apache-2.0
"""Entries of a revocation log."""

from dataclasses import dataclass
from enum import StrEnum


class LogKind(StrEnum):
    """What an entry of the revocation log kills: one token, a session, a subject's sessions until a cut-off, all that a
    signing key signed. CHANGED kills nothing: what is known of its key has to be read again."""

    JTI = "jti"
    SESSION = "session"
    SUBJECT = "subject"
    KEY = "key"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry of a revocation log."""

    sequence: int
    kind: LogKind
    tenant_id: str  # "" for KEY
    key: str  # jti, session id, subject or kid
    cutoff_ms: int  # of SUBJECT, and of CHANGED where sessions made until then have to end; else 0
    expires_at: int  # seconds: until then the entry has to be kept


@dataclass(frozen=True, slots=True)
class LogPage:
    """Entries of one log in order. `head` is the sequence of the newest entry of the log (0: none yet)."""

    log_id: str
    head: int
    entries: tuple[LogEntry, ...] = ()
