# SPDX-License-Identifier: Apache-2.0
"""Generated calls of one operation, whose answers have to be what the description says."""

import asyncio
from collections.abc import Callable
from typing import Any

import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from surfaces.service_rig import Rig
from surfaces.token.test_openapi import CHECKS, MODES


def call_as_described(
    rig: Rig,
    runner: asyncio.Runner,
    path: str,
    method: str,
    *,
    bearer: str,
    good: Callable[[], Any] | None = None,
    tenant_id: str | None = None,
) -> set[int]:
    """The statuses that came back. `good`: makes a JSON body that would do, sent in half of the calls; `tenant_id`: the
    tenant that they name then (None: they name none)."""
    described = schemathesis.openapi.from_dict(rig.app.openapi())[path][method]
    seen: set[int] = set()

    @given(
        case=st.one_of(*(described.as_strategy(generation_mode=mode) for mode in MODES)),
        signed=st.booleans(),
        sound=st.booleans(),
    )
    @settings(max_examples=30, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    def call(case: Any, signed: bool, sound: bool) -> None:
        sent = case.as_transport_kwargs(base_url="http://service.example")
        headers = dict(sent.pop("headers", None) or {}) | ({"Authorization": f"Bearer {bearer}"} if signed else {})
        sent.pop("cookies", None)
        content = sent.pop("data", None)
        if content is not None:
            sent["content" if isinstance(content, bytes | str) else "data"] = content
        if sound:
            headers.pop("X-Tenant-ID", None)
            headers |= {} if tenant_id is None else {"X-Tenant-ID": tenant_id}
        if sound and good is not None:
            headers.pop("Content-Type", None)
            sent = {"method": method, "url": sent["url"], "json": good()}
        encoded = [
            (name.encode("latin-1", "replace"), str(value).encode("utf-8", "replace"))
            for name, value in headers.items()
        ]
        answer = runner.run(rig.client.request(sent.pop("method"), sent.pop("url"), headers=encoded, **sent))
        seen.add(answer.status_code)
        case.validate_response(answer, checks=CHECKS)

    call()
    return seen
