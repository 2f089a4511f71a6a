# SPDX-License-Identifier: Apache-2.0
"""Answers about bearers: what counts is the status and the headers, the body is for who looks."""

from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel

from tessera_service.engine import AuthzAnswer

IDENTITY_HEADERS: Final = {
    "X-Auth-Subject": "Whose token it is",
    "X-Auth-Tenant": "Of which tenant",
    "X-Auth-Session": "The session's id; empty for a service token",
    "X-Auth-Scopes": "Its scopes, separated by spaces",
    "X-Auth-Permissions": "Its permissions, separated by spaces",
}
NOBODY: Final = dict.fromkeys(IDENTITY_HEADERS, "")

_NAMES: Final = tuple(name.lower().encode() for name in IDENTITY_HEADERS)


class AuthzVerdict(BaseModel):
    """Every answer."""

    allowed: bool
    message: str


def identity_headers(answer: AuthzAnswer) -> list[tuple[bytes, bytes]]:
    """All of them, empty where nothing is known, so that a proxy overwrites what a client forged."""
    _, *values = answer
    return [(name, value.encode("ascii")) for name, value in zip(_NAMES, values, strict=True)]


def describe(*, allowed: bool, message: str) -> Mapping[str, object]:
    """The body of an answer."""
    return {"allowed": allowed, "message": message}
