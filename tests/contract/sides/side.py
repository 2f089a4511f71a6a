# SPDX-License-Identifier: Apache-2.0
"""What one surface can do with a session, whichever surface made it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from surfaces.service_rig import Rig

ACCESS = "access"
REFRESH = "refresh"
SESSION = "session"


class Made(NamedTuple):
    """A session as its client got it. `tokens`: by their kind."""

    session_id: str
    subject: str
    tokens: Mapping[str, str]


Make = Callable[[Rig, str], Awaitable[Made]]
"""Makes a session of that subject."""

Validate = Callable[[Rig, str], Awaitable[str | None]]
"""Asserts that a token is alive; the session that the surface names, if it names one."""

Refuse = Callable[[Rig, str], Awaitable[None]]
"""Asserts that a token is refused, in every slot of the surface that takes its kind, as one whose session is over."""

Revoke = Callable[[Rig, Made], Awaitable[None]]
"""Revokes, and asserts that it was acknowledged."""


class Way(NamedTuple):
    """One way to revoke what a token of `kind` stands for: its session, or (`ends_session` false) itself alone."""

    name: str
    kind: str
    revoke: Revoke
    ends_session: bool = True


@dataclass(frozen=True, slots=True)
class Side:
    """`makes`: the kinds of token of a session that is made here. `names_subjects`: it makes sessions of its own users
    alone, whose ids it chooses when it meets a name for the first time. `by_id`,
    `by_subject`: ways to revoke by name."""

    surface: str
    makes: Sequence[str] = ()
    make: Make | None = None
    names_subjects: bool = False
    validate: Mapping[str, Validate] = field(default_factory=dict)
    refuse: Mapping[str, Refuse] = field(default_factory=dict)
    list_active: Callable[[Rig, str], Awaitable[set[str]]] | None = None
    by_token: Sequence[Way] = ()
    by_id: Mapping[str, Revoke] = field(default_factory=dict)
    by_subject: Mapping[str, Revoke] = field(default_factory=dict)
