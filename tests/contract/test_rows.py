# SPDX-License-Identifier: Apache-2.0
"""Every answer of every endpoint, caused over HTTP and compared with the description; and the description with the
table, in both directions."""

from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from contract.description import JSON_TYPE, Description
from contract.rows import ROWS, UNREACHABLE, Row
from surfaces.service_rig import STORES, Rig

pytestmark = pytest.mark.asyncio(loop_scope="module")

ITS_STORES = (*STORES, "postgresql", "redis")
CONFIG = {"session_limit_policy": "reject"}  # the other policy has no answer of its own
ASKED = ("X-Request-ID", "WWW-Authenticate", "Retry-After", "ETag", "Last-Modified", "Cache-Control")


@pytest.fixture(scope="module")
def description(repository: Path) -> Description:
    return Description(repository / "openapi.yaml")


def code_of(body: dict[str, Any]) -> tuple[str, str | None]:
    """Code and alias of an error, in any dialect."""
    match body:
        case {"error": {"code": code, "data": {"alias": alias}}}:
            return code, alias
        case {"error": {"code": code}} | {"error": str(code)} | {"error_code": code} | {"message": code}:
            return code, None
    raise AssertionError(body)


def without_the_request(body: dict[str, Any]) -> dict[str, Any]:
    """What an error says whichever request it answers: no ids, no times, no name of a field."""
    told = {name: value for name, value in body.items() if name != "meta"}
    if isinstance(told.get("error"), dict):
        data = {name: value for name, value in (told["error"].get("data") or {}).items() if name != "field"}
        told["error"] = {**told["error"], "data": data}
    return told


@pytest.mark.parametrize("row", ROWS, ids=[f"{row.endpoint} {row.status} {row.case}" for row in ROWS])
async def test_each_answer_is_as_described(shared: Rig, description: Description, row: Row) -> None:
    answer = await row.cause(shared)
    assert answer.status_code == row.status, answer.text
    described = description.response(row.endpoint, row.status)
    for name in described.get("headers", {}):
        assert name not in ASKED or name in answer.headers, name
    if "content" not in described:
        assert answer.content == b""
        return
    assert answer.headers["content-type"] in described["content"]
    if JSON_TYPE not in described["content"]:
        assert row.code == ""  # what its lines say is compared in its own room
        return
    assert answer.headers["content-type"] == JSON_TYPE
    description.check_body(row.endpoint, row.status, answer.json())
    if row.code:
        assert code_of(answer.json()) == (row.code, row.alias)
        example = description.example(row.endpoint, row.status, row.case)
        assert without_the_request(answer.json()) == without_the_request(example)


def described_rows(description: Description) -> set[tuple[str, int, str]]:
    """Endpoint, status and case; "" where no case is named."""
    rows: set[tuple[str, int, str]] = set()
    endpoints = {row.endpoint for row in ROWS}
    for endpoint, operation in description.operations():
        if endpoint in endpoints:
            for status, response in operation["responses"].items():
                cases = response.get("content", {}).get(JSON_TYPE, {}).get("examples") or [""]
                rows |= {(endpoint, int(status), case) for case in cases}
    return rows


async def test_the_table_is_what_is_described_and_nothing_else(description: Description) -> None:
    caused = {(row.endpoint, row.status, row.case if row.code else "") for row in ROWS}
    never = {(row.endpoint, row.status, row.case) for row in UNREACHABLE}
    assert caused & never == set()
    assert caused | never == described_rows(description)


async def test_no_row_stands_there_twice() -> None:
    counts = Counter((row.endpoint, row.status, row.case) for row in ROWS)
    assert [row for row, count in counts.items() if count > 1] == []


UNDER_WAY = {"authz", "operations"}  # their answers are compared in their own rooms: one body, whatever the case


async def test_every_endpoint_has_rows(description: Description) -> None:
    endpoints = {row.endpoint for row in ROWS}
    without = {
        tag
        for endpoint, operation in description.operations()
        if endpoint not in endpoints
        for tag in operation["tags"]
    }
    assert without <= UNDER_WAY


async def test_a_member_that_is_not_described_is_noticed_at_any_depth(description: Description) -> None:
    endpoint, key = "GET /.well-known/jwks.json", {"kty": "RSA", "kid": "k", "use": "sig", "alg": "RS256"}
    good = {**key, "n": "AQAB", "e": "AQAB"}
    description.check_body(endpoint, 200, {"keys": [good]})
    for bad in ({"keys": [{**good, "d": "x"}]}, {"keys": [good], "more": 1}, {"keys": [key]}):
        with pytest.raises(jsonschema_rs.ValidationError):
            description.check_body(endpoint, 200, bad)
