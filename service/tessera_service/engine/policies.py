# SPDX-License-Identifier: Apache-2.0
"""What an operator may demand of a bearer beyond being alive."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AuthzPolicy:
    """A bearer needs all of both. Names are compared as they stand: `*` in one is a letter like any other."""

    permissions: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
