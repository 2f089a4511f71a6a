# SPDX-License-Identifier: Apache-2.0
"""The served JWKS: one immutable value per change of the key set."""

import hashlib
from typing import NamedTuple


class Jwks(NamedTuple):
    """`etag` is strong and quoted, `last_modified` seconds since 1970, `max_age` seconds."""

    body: bytes
    etag: str
    last_modified: int
    max_age: int


def make_jwks(body: bytes, *, changed_at: int, previous: Jwks | None, now: int) -> Jwks:
    """The JWKS of `body`. last_modified never goes back: a change that the rows do not tell of counts from now."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    if previous is None:
        return Jwks(body, etag, min(changed_at, now), 0)
    if previous.etag == etag:
        return previous
    return Jwks(body, etag, max(min(changed_at, now), previous.last_modified + 1), 0)
