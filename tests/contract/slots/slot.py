# SPDX-License-Identifier: Apache-2.0
"""A place of a request that takes a token."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx

from contract.kinds import Token
from surfaces.service_rig import TENANT, Rig

BEARER = "bearer"


class Refusal(NamedTuple):
    """What of an answer is the same for every cause: `code` is what the surface has for one, a code or a text."""

    status: int
    code: str


def succeeds(answer: httpx.Response) -> bool:
    """By its status."""
    return answer.is_success


def says(member: str) -> Callable[[httpx.Response], bool]:
    """200 in any case: a member tells."""
    return lambda answer: answer.status_code == 200 and answer.json()[member] is True


Send = Callable[[Rig, Token], Awaitable[httpx.Response]]


@dataclass(frozen=True, slots=True)
class Slot:
    """`operation`: method and path, as OpenAPI names it; `place`: "bearer", or the name of a member, header or query
    field. `takes`: the kinds that pass. `refusal`: the answer to every other, but for the causes and live kinds
    of `apart`, which the surface tells from the rest."""

    operation: str
    place: str
    takes: Sequence[str]
    refusal: Refusal
    send: Send
    passes: Callable[[httpx.Response], bool] = succeeds
    apart: Mapping[str, Refusal] = field(default_factory=dict)


async def call(
    rig: Rig, operation: str, body: object = None, *, bearer: str | None = None, **headers: str
) -> httpx.Response:
    """A request of the first tenant: whatever the slot, another tenant's token is dead there."""
    method, path = operation.split(" ", maxsplit=1)
    sent = {"X-Request-ID": "req-001", "X-Tenant-ID": TENANT, **headers}
    if bearer is not None:
        sent["Authorization"] = f"Bearer {bearer}"
    return await rig.client.request(method, path, json=body, headers=sent)


def as_bearer(operation: str, body: object = None) -> Send:
    """The token as bearer; the path's ids are those of the token."""

    def send(rig: Rig, token: Token) -> Awaitable[httpx.Response]:
        path = operation.format(session_id=token.session_id, user_id=token.subject, policy="anybody")
        return call(rig, path, body, bearer=token.text)

    return send


def as_member(operation: str, member: str, **others: Any) -> Send:
    """The token in a body, with no bearer."""
    return lambda rig, token: call(rig, operation, {member: token.text, **others})


def as_header(operation: str, name: str) -> Send:
    return lambda rig, token: call(rig, operation, **{name: token.text})
