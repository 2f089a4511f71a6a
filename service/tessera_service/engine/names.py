# SPDX-License-Identifier: Apache-2.0
"""How the names of contract section 1 are spelled."""

import re
from typing import Final

MAX_NAMES: Final = 64  # permissions, roles, scopes, grants: at most so many of each

_SUBJECT: Final = re.compile(r"[\x21-\x7e]{1,128}")
_NAME: Final = re.compile(r"[A-Za-z0-9._:/*-]{1,64}")


def is_subject(text: str) -> bool:
    """Whether it may be the id of a subject or of a client."""
    return _SUBJECT.fullmatch(text) is not None


def is_name(text: str) -> bool:
    """Whether it may be the name of a permission, a role or a scope."""
    return _NAME.fullmatch(text) is not None
