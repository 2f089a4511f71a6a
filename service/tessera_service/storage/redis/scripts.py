# SPDX-License-Identifier: Apache-2.0
"""The Lua scripts: each file is one step, behind the library that all of them share."""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_FOLDER = files(__package__) / "lua"


@dataclass(frozen=True, slots=True)
class Script:
    """What Redis runs, and the name under which it keeps it."""

    text: bytes
    digest: str


@cache
def script(name: str) -> Script:
    """The step of that name. Its first line says what it may do, so it stands in front of the library too."""
    flags, _, step = (_FOLDER / f"{name}.lua").read_text("utf-8").partition("\n")
    library = (_FOLDER / "library.lua").read_text("utf-8") if name != "begin" else ""
    text = f"{flags}\n{library}\n{step}".encode()
    return Script(text, hashlib.sha1(text, usedforsecurity=False).hexdigest())
