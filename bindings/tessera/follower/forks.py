# SPDX-License-Identifier: Apache-2.0
"""Children of `os.fork`: the threads of their parent are not there, and a lock that one of them held stays locked."""

import os
import weakref
from typing import Protocol


class Forgetful(Protocol):
    """What begins anew in a child."""

    def forget_threads(self) -> None:
        """Nothing runs here yet: called in a child before anything else."""


_known: weakref.WeakSet[Forgetful] = weakref.WeakSet()


def forget_in_children(one: Forgetful) -> None:
    """From now on every child has it forget, as long as it is there."""
    _known.add(one)


def _forget() -> None:
    for one in list(_known):
        one.forget_threads()


os.register_at_fork(after_in_child=_forget)
