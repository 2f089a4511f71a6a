# SPDX-License-Identifier: Apache-2.0
"""What followers ask, and what they read in an answer."""

import json
from typing import Any, NamedTuple

import httpx

from surfaces.service_rig import TENANT, Rig

PATH = "/v1/revocations"


class Told(NamedTuple):
    """A whole answer."""

    first: dict[str, Any]
    entries: list[dict[str, Any]]
    last: dict[str, Any]

    @property
    def cursor(self) -> str:
        return str(self.last["cursor"])

    @property
    def ids(self) -> list[str]:
        return [entry["id"] for entry in self.entries]


async def ask(
    rig: Rig,
    cursor: str | None = None,
    *,
    wait: int | str | None = 0,
    bearer: str | None = None,
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    """One question, of a service of the first tenant unless `bearer` says whose."""
    bearer = bearer or await rig.service_bearer("token.introspect")
    named = {"cursor": cursor, "wait": wait}
    params = {name: value for name, value in named.items() if value is not None}
    sent = {"Authorization": f"Bearer {bearer}", **(headers or {})}
    return await rig.client.get(PATH, params=params, headers=sent)


def read(answer: httpx.Response) -> Told:
    """The lines of a whole answer."""
    assert answer.status_code == 200, answer.text
    first, *entries, last = [json.loads(line) for line in answer.text.splitlines()]
    assert set(first) == {"logs", "tenant_id", "snapshot"}
    assert set(last) == {"cursor", "as_of_ms"}
    return Told(first, entries, last)


async def follow(rig: Rig, cursor: str | None = None, **asked: Any) -> Told:
    """The answer to one question."""
    return read(await ask(rig, cursor, **asked))


async def for_all_tenants(rig: Rig) -> str:
    """The bearer of a service that may act in every tenant."""
    return await rig.engine.service_tokens.mint(
        tenant_id=TENANT, subject="watcher", permissions=("token.introspect",), ttl_seconds=3600, all_tenants=True
    )


async def revoke(rig: Rig, *, tenant_id: str = TENANT, **named: object) -> None:
    """Revokes what `named` says, by an operator."""
    bearer = await rig.service_bearer("token.revoke", tenant_id=tenant_id)
    answer = await rig.post("/v1/token/revoke", dict(named), bearer=bearer, tenant_id=tenant_id)
    assert answer.status_code == 204, answer.text


async def end_session(rig: Rig, *, tenant_id: str = TENANT) -> str:
    """The id of a session that was made and revoked."""
    session_id = str((await rig.issue(tenant_id=tenant_id))["session_id"])
    await revoke(rig, tenant_id=tenant_id, session_id=session_id)
    return session_id
