# SPDX-License-Identifier: Apache-2.0
"""What the record of a user makes of the sessions of that subject. A subject without a record is whoever the caller of
the service says; only sessions that a user signed in to need one."""

from collections.abc import Container
from dataclasses import replace
from typing import Final

from tessera_service.models import Session, User, UserStatus

LOCAL: Final = "local"
OTP: Final = "otp"
PASSWORD: Final = "password"  # noqa: S105 (the name of a method)
SIGNED_IN: Final = frozenset({LOCAL, OTP, PASSWORD})  # methods by which users sign in themselves


def under(session: Session, user: User | None) -> Session | None:
    """The session as its user's record lets it be seen; None if it may not be. A session that its user signed in to has
    the permissions and roles that the user has now; those that others made keep what they were given."""
    if session.auth_method not in SIGNED_IN:
        return session if may_have_sessions(user) else None
    if user is None or user.status is not UserStatus.ACTIVE:
        return None
    return replace(
        session,
        permissions=user.permissions,
        roles=user.roles,
        scope=cut_scope(session.scope, user.permissions),
    )


def may_have_sessions(user: User | None) -> bool:
    """Whether a subject with that record, or with none, may have sessions at all."""
    return user is None or user.status is UserStatus.ACTIVE


def cut_scope(scope: str, permissions: Container[str]) -> str:
    """What of a scope is covered by permissions, in its order."""
    return " ".join(name for name in scope.split(" ") if name in permissions)
