# SPDX-License-Identifier: Apache-2.0
"""Generated calls of one operation, whose answers have to be what the description says."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from surfaces.service_rig import Rig

CHECKS: Final = [
    *(not_a_server_error, status_code_conformance, content_type_conformance),
    *(response_headers_conformance, response_schema_conformance),
]
MODES: Final = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
NO_TENANT: Final[Mapping[str, str | None]] = {"X-Tenant-ID": None}


def call_as_described(
    rig: Rig,
    runner: asyncio.Runner,
    path: str,
    method: str,
    *,
    bearer: str | Callable[[], str],
    good: Callable[[], Any] | None = None,
    amend: Callable[[], Mapping[str, Any]] | None = None,
    headers: Mapping[str, str | None] = NO_TENANT,
    examples: int = 30,
) -> set[int]:
    """The statuses that came back. Half of the calls are signed by `bearer`. Half of them, some of both, have these
    `headers` over the generated ones (None: none of that name), and a JSON body that would do, which `good` makes, or
    members over the generated ones, which `amend` makes."""
    described = schemathesis.openapi.from_dict(rig.app.openapi())[path][method]
    seen: set[int] = set()

    @given(
        case=st.one_of(*(described.as_strategy(generation_mode=mode) for mode in MODES)),
        signed=st.booleans(),
        sound=st.booleans(),
    )
    @settings(
        max_examples=examples, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    def call(case: Any, signed: bool, sound: bool) -> None:
        named: dict[str, str | None] = {}
        if signed:
            named["Authorization"] = f"Bearer {bearer if isinstance(bearer, str) else bearer()}"
        if sound:
            named |= headers
        sent = _as_sent(case)
        if sound and good is not None:
            named["Content-Type"] = None
            sent = {"method": method, "url": sent["url"], "json": good(), "headers": sent.get("headers")}
        if sound and amend is not None and isinstance(sent.get("json"), dict):
            sent["json"] |= amend()
        sent["headers"] = _encode(dict(sent.get("headers") or {}) | named)
        answer = runner.run(rig.client.request(**sent))
        seen.add(answer.status_code)
        case.validate_response(answer, checks=CHECKS)

    call()
    return seen


def _as_sent(case: Any) -> dict[str, Any]:
    """The arguments of the client for a generated call."""
    sent: dict[str, Any] = case.as_transport_kwargs(base_url="http://service.example")
    sent.pop("cookies", None)
    content = sent.pop("data", None)
    if content is not None:
        sent["content" if isinstance(content, bytes | str) else "data"] = content
    return sent


def _encode(headers: Mapping[str, str | None]) -> list[tuple[bytes, bytes]]:
    """Also those that are no text of HTTP."""
    return [
        (name.encode("latin-1", "replace"), str(value).encode("utf-8", "replace"))
        for name, value in headers.items()
        if value is not None
    ]
