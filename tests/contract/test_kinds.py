# SPDX-License-Identifier: Apache-2.0
"""Every kind of token in every slot that takes one: it passes where it belongs, and everywhere else gets the answer
that every other token gets there."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from contract.kinds import make_all, make_base
from contract.slots import SLOTS, Refusal, Slot
from surfaces.service_rig import Rig
from surfaces.session_token.keys import is_valid

pytestmark = pytest.mark.asyncio(loop_scope="module")


def what_is_told(answer: httpx.Response) -> str:
    """The challenge, and the body without what names the request."""
    body = answer.json() if answer.content else {}
    body.pop("meta", None)
    return json.dumps([body, answer.headers.get("www-authenticate")], sort_keys=True)


def code_of(answer: httpx.Response) -> str:
    """What the surface has for a code; "none" without a body."""
    match answer.json() if answer.content else None:
        case {"error": {"code": code}} | {"error": str(code)} | {"error_code": code} | {"message": code}:
            return str(code)
        case {"active": False}:
            return "inactive"
    return "none"


@pytest.mark.parametrize("slot", SLOTS, ids=lambda slot: f"{slot.operation} {slot.place}")
async def test_only_its_kinds_pass_and_all_others_get_one_answer(shared: Rig, slot: Slot) -> None:
    base = await make_base(shared)
    wrong: dict[str, object] = {}
    told: dict[Refusal, set[str]] = {}
    for name, token in (await make_all(shared, base)).items():
        answer = await slot.send(shared, token)
        if token.kind in slot.takes:
            if not slot.passes(answer):
                wrong[name] = answer.text
            continue
        expected = slot.apart.get(token.cause or token.kind or "", slot.refusal)
        if (answer.status_code, code_of(answer)) != expected:
            wrong[name] = (answer.status_code, answer.text)
        told.setdefault(expected, set()).add(what_is_told(answer))
    assert wrong == {}
    assert {refusal: len(texts) for refusal, texts in told.items()} == dict.fromkeys(told, 1)
    assert await shared.is_alive(base.pair.text)
    assert await shared.is_alive(base.refresh.text)
    assert await is_valid(shared, base.session.text)


METHODS = ("get", "post", "put", "patch", "delete")
# Seconds, kinds and numbers of tokens are none.
OF_TOKENS = re.compile(r"(access|refresh|session)?_?-?token", re.IGNORECASE)


def places(description: dict[str, Any], operation: dict[str, Any]) -> Iterator[str]:
    """Where an operation says that it takes a token."""
    if any("bearer" in scheme for scheme in operation.get("security", ())):
        yield "bearer"
    for parameter in operation.get("parameters", ()):
        if OF_TOKENS.fullmatch(parameter["name"].removeprefix("X-")):
            yield parameter["name"]
    for content in operation.get("requestBody", {}).get("content", {}).values():
        name = content["schema"].get("$ref", "").rpartition("/")[2]
        members = description["components"]["schemas"].get(name, content["schema"]).get("properties", {})
        yield from (member for member in members if OF_TOKENS.fullmatch(member))


async def test_every_slot_that_is_described_is_here(repository: Path) -> None:
    description = yaml.safe_load((repository / "openapi.yaml").read_text())
    described = {
        (f"{method.upper()} {path}", place)
        for path, operations in description["paths"].items()
        for method, operation in operations.items()
        if method in METHODS
        for place in places(description, operation)
    }
    assert len(described) > 20
    assert described - {(slot.operation, slot.place) for slot in SLOTS} == set()
