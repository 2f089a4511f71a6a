# SPDX-License-Identifier: Apache-2.0
"""What the directory promises about users.

A tenant's users are reached through its id alone: no method shows, counts or refuses anything because of another
tenant's. Whatever changes a user as others see it appends CHANGED (tenant_id, key = user_id) to the revocation log and
the event to the outbox in the same atomic step; what changes nothing appends nothing. Where sessions that
were made until then have to end (`ends_sessions`, and whenever a user is gone), the entry has the time of the change as
its `cutoff_ms`, for whoever follows the log.

The service tokens of a subject that is a user end with the user: whatever finds or makes a user inactive, or removes
it, revokes those that the subject has, as `revoke_service_token` does, in the same step.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from tessera_service.models import Event, Revocation, User

LISTED: Final = 1000  # in one read of any list of the directory


class UserDirectory(Protocol):
    """Users by id, and by each of their names: normalised by the caller, compared as they stand."""

    async def add_user(self, user: User, *, event: Event) -> str | None:
        """Atomic. None if it was added; else nothing changed and the answer is the name of the first field (of
        username, email, phone) that another user of the tenant has. `user_id` has to be new (ValueError). No CHANGED:
        nobody can have seen the user before."""
        ...

    async def get_user(self, tenant_id: str, user_id: str) -> User | None: ...

    async def find_user(
        self, tenant_id: str, *, username: str | None = None, email: str | None = None, phone: str | None = None
    ) -> User | None:
        """The user with that name. ValueError unless exactly one is given."""
        ...

    async def list_users(self, tenant_id: str, *, after: User | None = None) -> Sequence[User]:
        """By created_at, then user_id, newest first, at most LISTED; `after`: those that follow that one."""
        ...

    async def update_user(self, user: User, *, ends_sessions: bool, revocation: Revocation, event: Event) -> bool:
        """Atomic: stores all of the user but `created_at`, if `user.version - 1` is stored; False if it is not, or the
        user is gone. A name that another user of the tenant has is ValueError with the field's name as its text, and
        changes nothing."""
        ...

    async def set_password_hash(self, tenant_id: str, user_id: str, *, old: str, new: str) -> bool:
        """Atomic: replaces the hash if it is `old`, and nothing else: the password is the same, so there is no entry,
        no event and no new version. False if it is not `old`."""
        ...

    async def delete_user(
        self, tenant_id: str, user_id: str, *, version: int, revocation: Revocation, event: Event
    ) -> bool:
        """Atomic: removes the user, if that version is stored; its names are free. False if it is not, or the user is
        gone."""
        ...
