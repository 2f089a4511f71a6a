# SPDX-License-Identifier: Apache-2.0
"""How names are spelled: ids of subjects, permissions, roles and scopes, and what users are called by."""

import re
import unicodedata
from typing import Final

MAX_NAMES: Final = 64  # permissions, roles, scopes, grants: at most so many of each

_SUBJECT: Final = re.compile(r"[\x21-\x7e]{1,128}")
_NAME: Final = re.compile(r"[A-Za-z0-9._:/*-]{1,64}")
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]{1,189}")
_MAX_USERNAME: Final = 128


def is_subject(text: str) -> bool:
    """Whether it may be the id of a subject or of a client."""
    return _SUBJECT.fullmatch(text) is not None


def is_name(text: str) -> bool:
    """Whether it may be the name of a permission, a role or a scope."""
    return _NAME.fullmatch(text) is not None


def normal_username(text: str) -> str | None:
    """The one spelling of a user's name, however it is typed (NFKC, case folded, without spaces around it); None if it
    is none: 1 to 128 printable characters."""
    folded = unicodedata.normalize("NFKC", text[: 4 * _MAX_USERNAME]).casefold()
    name = unicodedata.normalize("NFKC", folded).strip()  # folding may leave what is not normal
    return name if 0 < len(name) <= _MAX_USERNAME and len(text) <= 4 * _MAX_USERNAME and name.isprintable() else None


def normal_email(text: str) -> str | None:
    """The one spelling of an address of e-mail (lower case, without spaces around it); None if it is none."""
    address = text.strip().lower()
    return address if _EMAIL.fullmatch(address) and address.isprintable() else None
