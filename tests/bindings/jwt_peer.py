# SPDX-License-Identifier: Apache-2.0
"""PyJWT beside tessera.jwt: the same call to both, and what comes of it."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import jwt as pyjwt

from tessera import jwt as ours

Outcome = tuple[str, Any]


def outcome(call: Callable[..., Any], *arguments: Any, **options: Any) -> Outcome:
    """("value", result), or ("error", name of the exception's class)."""
    try:
        return "value", call(*arguments, **options)
    except Exception as error:
        return "error", type(error).__name__


def both(name: str, *arguments: Any, **options: Any) -> tuple[Outcome, Outcome]:
    """What PyJWT's function of that name gives, and what ours gives."""
    modules: tuple[ModuleType, ModuleType] = (pyjwt, ours)
    theirs, mine = (outcome(getattr(module, name), *arguments, **options) for module in modules)
    return theirs, mine


def is_same(theirs: Outcome, mine: Outcome) -> bool:
    """repr, so that 1 and True differ, and NaN is itself."""
    return repr(theirs) == repr(mine)
