# SPDX-License-Identifier: Apache-2.0
"""The permissions that the service itself asks for, and who may hand them on."""

from collections.abc import Container, Iterable

from tessera_service.errors import Forbidden, SessionForbidden
from tessera_service.models import Caller

GENERATE = "token.generate"
INTROSPECT = "token.introspect"
REVOKE = "token.revoke"
READ_SESSIONS = "session.read:any"
REVOKE_SESSIONS = "session.revoke:any"

GUARDED = ("token.", "session.", "auth.")  # names that only a holder hands on


def demand(caller: Caller, permission: str) -> None:
    """Raises Forbidden unless the caller's record holds `permission`."""
    if not caller.may(permission):
        raise Forbidden


def check_handing_on(held: Container[str], permissions: Iterable[str]) -> None:
    """Raises Forbidden if one of `permissions` is the service's own and not one of those that the caller holds."""
    for name in permissions:
        if name.startswith(GUARDED) and name not in held:
            raise Forbidden


def check_acting_on(caller: Caller, subject: str, permission: str) -> None:
    """One's own sessions need no permission; others' need that one, else SessionForbidden."""
    if subject != caller.subject and not caller.may(permission):
        raise SessionForbidden
