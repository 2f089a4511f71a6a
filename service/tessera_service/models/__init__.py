# SPDX-License-Identifier: Apache-2.0
"""What the engine and the stores pass to each other. Plain values: seconds are `*_at`, milliseconds `*_ms`."""

from tessera_service.models.callers import (
    Caller,
    IssuedTokens,
    IssueRequest,
)
from tessera_service.models.directory import (
    AccessKeyRecord,
    GatewayKey,
    Grant,
    ServiceToken,
    SigningKey,
    Tenant,
)
from tessera_service.models.log import (
    LogEntry,
    LogKind,
    LogPage,
)
from tessera_service.models.sessions import (
    Newest,
    Session,
    SessionMetadata,
    SessionStatus,
    SpentToken,
    Successor,
    TokenKind,
    TokenRecord,
)
from tessera_service.models.steps import (
    LimitedCreation,
    Revocation,
    RevokedOthers,
    Rotation,
    RotationResult,
    RotationStatus,
    SessionCounts,
    SessionLimit,
    Slide,
    SlideResult,
    SlideStatus,
    StoredState,
    SubjectRevocation,
)

__all__ = [
    "AccessKeyRecord",
    "Caller",
    "GatewayKey",
    "Grant",
    "IssueRequest",
    "IssuedTokens",
    "LimitedCreation",
    "LogEntry",
    "LogKind",
    "LogPage",
    "Newest",
    "Revocation",
    "RevokedOthers",
    "Rotation",
    "RotationResult",
    "RotationStatus",
    "ServiceToken",
    "Session",
    "SessionCounts",
    "SessionLimit",
    "SessionMetadata",
    "SessionStatus",
    "SigningKey",
    "Slide",
    "SlideResult",
    "SlideStatus",
    "SpentToken",
    "StoredState",
    "SubjectRevocation",
    "Successor",
    "Tenant",
    "TokenKind",
    "TokenRecord",
]
