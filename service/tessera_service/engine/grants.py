# SPDX-License-Identifier: Apache-2.0
"""What an access key lets its session tokens do: patterns of resources and of permissions. Nothing else is allowed."""

import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from tessera_service.engine.names import MAX_NAMES, is_name
from tessera_service.errors import InvalidInput
from tessera_service.models import AccessKeyRecord, Grant

MAX_RESOURCE: Final = 256


class KeySnapshot(NamedTuple):
    """An access key as of when it was read: whose it is, what it grants."""

    tenant_id: str
    subject: str
    grants: tuple[Grant, ...]

    def permits(self, resource: str, permission: str) -> bool:
        """Whether one of the grants allows that; a nameless resource or permission is never allowed."""
        if not resource or not permission:
            return False
        return any(is_match(one.permission, permission) and is_match(one.resource, resource) for one in self.grants)


def key_snapshot(key: AccessKeyRecord) -> bytes:
    """What the SessionTable holds of an access key."""
    grants = [(grant.resource, grant.permission) for grant in key.grants]
    return json.dumps((key.tenant_id, key.subject, grants), separators=(",", ":")).encode()


@lru_cache(maxsize=8192)
def read_key_snapshot(data: bytes) -> KeySnapshot:
    """The snapshot that `key_snapshot` wrote."""
    tenant_id, subject, grants = json.loads(data)
    return KeySnapshot(tenant_id, subject, tuple(Grant(*grant) for grant in grants))


def check_grants(grants: Iterable[Grant]) -> Sequence[Grant]:
    """Each once, in order. InvalidInput for more than MAX_NAMES, for a resource that is empty, too long or not
    printable, for a permission that is no name."""
    found = tuple(dict.fromkeys(grants))
    if len(found) > MAX_NAMES or not all(map(_is_sound, found)):
        raise InvalidInput("grant", out_of_range=True)
    return found


def _is_sound(grant: Grant) -> bool:
    return 0 < len(grant.resource) <= MAX_RESOURCE and grant.resource.isprintable() and is_name(grant.permission)


def is_match(pattern: str, text: str) -> bool:
    """Whether the whole text is the pattern, in which each `*` stands for any run of characters, also `/`, also none.

    The pieces between the stars are looked for from left to right, each once: whatever a pattern says, no text is gone
    through again and again.
    """
    first, *pieces = pattern.split("*")
    if not pieces:
        return text == pattern
    last = pieces.pop()
    at, end = len(first), len(text) - len(last)
    if at > end or not (text.startswith(first) and text.endswith(last)):
        return False
    for piece in pieces:
        found = text.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True
