# SPDX-License-Identifier: Apache-2.0
"""Each row of the error table, caused over HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from surfaces.service_rig import Rig, open_rig
from surfaces.session_token.causes import (
    ENGINE,
    METHODS,
    PATHS,
    Cause,
    broken,
    good_body,
    with_a_foreign_token,
    with_full_queue,
    with_unknown_id,
    with_wrong_secret,
)
from surfaces.session_token.keys import CREATE, REVOKE, VALIDATE, WRONG_SECRET, open_token
from tessera_service.surfaces.session_token.documentation import CASES
from tessera_service.surfaces.session_token.errors import ROWS

LIMIT = 3
MAX_BODY_BYTES = 65_536
JSON = "application/json"
CALLS = [(name, method) for name, methods in METHODS.items() for method in methods]


def check_failure(answer: httpx.Response, case: str) -> None:
    """The whole of an error: status, body, headers."""
    row = ROWS[case]
    assert (answer.status_code, answer.json()) == (row.status, {"status": "failure", "message": row.text.en})
    assert answer.headers["content-type"] == JSON
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-request-id"]
    assert "x-tenant-id" not in answer.headers
    assert ("retry-after" in answer.headers) is (row.status in (429, 503))
    assert ("www-authenticate" in answer.headers) is (row.status == 401)


class Row(NamedTuple):
    """A body, whole or in text, and the case that it is."""

    name: str
    case: str
    content: bytes
    content_type: str | None = JSON


BROKEN = [
    Row("no JSON", "invalid_input", b"{"),
    Row("a list", "invalid_input", b"[]"),
    Row("a text", "invalid_input", b'"x"'),
    Row("null", "invalid_input", b"null"),
    Row("two values", "invalid_input", b"{}{}"),
    Row("NaN", "invalid_input", b'{"duration_seconds":NaN,"session_token":"x"}'),
    Row("a member twice", "invalid_input", b'{"session_token":"x","session_token":"x"}'),
    Row("a lone surrogate", "invalid_input", b'{"session_token":"\\ud800","access_key_id":"\\ud800"}'),
    Row("not UTF-8", "invalid_input", b'{"session_token":"\xff"}'),
    Row("33 levels", "invalid_input", b'{"a":' * 33 + b"1" + b"}" * 33),
    Row("nothing in it", "invalid_input.missing", b"{}"),
    Row("nothing at all", "invalid_input.missing", b"", None),
    Row("too large", "body_too_large", b" " * (MAX_BODY_BYTES + 1)),
    Row("no type", "unsupported_media_type", b"{}", None),
    Row("a form", "unsupported_media_type", b"session_token=x", "application/x-www-form-urlencoded"),
    Row("JSON under the form type", "unsupported_media_type", b"{}", "application/x-www-form-urlencoded"),
    Row("plain text", "unsupported_media_type", b"{}", "text/plain"),
    Row("another charset", "unsupported_media_type", b"{}", "application/json; charset=latin-1"),
]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("name", "method"), CALLS)
@pytest.mark.parametrize("row", BROKEN, ids=[row.name for row in BROKEN])
async def test_every_broken_body_is_answered_as_the_table_says(shared: Rig, name: str, method: str, row: Row) -> None:
    headers = {} if row.content_type is None else {"Content-Type": row.content_type}
    answer = await shared.client.request(method, PATHS[name], content=row.content, headers=headers)
    check_failure(answer, row.case)


MEMBERS = [
    ("create", "access_key_id"),
    ("create", "secret_access_key"),
    ("create", "duration_seconds"),
    ("validate", "session_token"),
    ("validate", "resource"),
    ("validate", "permission"),
    ("revoke", "session_token"),
]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("name", "member"), MEMBERS)
@pytest.mark.parametrize("value", [None, True, 1.5, ["x"], {"x": "y"}], ids=repr)
async def test_a_member_of_a_wrong_type_is_refused(shared: Rig, name: str, member: str, value: object) -> None:
    for method in METHODS[name]:
        body = {**await good_body(shared, name), member: value}
        check_failure(await shared.client.request(method, PATHS[name], json=body), "invalid_input")


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("name", "member"),
    [
        ("create", "access_key_id"),
        ("create", "secret_access_key"),
        ("validate", "session_token"),
        ("revoke", "session_token"),
    ],
)
async def test_a_member_that_is_absent_is_missing(shared: Rig, name: str, member: str) -> None:
    for method in METHODS[name]:
        body = await good_body(shared, name)
        del body[member]
        check_failure(await shared.client.request(method, PATHS[name], json=body), "invalid_input.missing")


CAUSES: dict[str, tuple[str, Cause]] = {
    "create: wrong secret": ("unauthorized", with_wrong_secret),
    "create: unknown id": ("unauthorized", with_unknown_id),
    "create: queue": ("overloaded", with_full_queue),
    "create: ours": ("internal_error", broken("create", "POST", f"{ENGINE}.access_keys.AccessKeys.check")),
    "validate: ours": (
        "internal_error",
        broken("validate", "POST", f"{ENGINE}.session_tokens.SessionTokens.validate_now"),
    ),
    "revoke: ours": ("internal_error", broken("revoke", "DELETE", f"{ENGINE}.session_tokens.SessionTokens.revoke")),
    "revoke: foreign": ("revoke_invalid", with_a_foreign_token),
}


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", list(CAUSES))
async def test_each_other_row_is_answered_as_the_table_says(shared: Rig, name: str) -> None:
    case, cause = CAUSES[name]
    check_failure(await cause(shared), case)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("path", ["/session-token", "/session-token/", "/session-token/x", "/session-token/create/"])
async def test_paths_that_are_not_there_are_answered_in_this_dialect(shared: Rig, path: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        check_failure(await shared.client.request(method, path), "not_found")


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", list(PATHS))
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_other_methods_are_answered_with_those_that_are_there(shared: Rig, name: str, method: str) -> None:
    if method in METHODS[name]:
        return
    answer = await shared.client.request(method, PATHS[name])
    if method != "HEAD":
        check_failure(answer, "method_not_allowed")
    assert (answer.status_code, answer.headers["allow"]) == (405, ", ".join(METHODS[name]))


@pytest.fixture
async def limited(folder: Path) -> AsyncIterator[Rig]:
    """Three requests a minute."""
    async with open_rig("memory", folder, rate_limit=f"{LIMIT}/1m") as rig:
        yield rig


async def test_validation_and_revocation_count_against_the_peer(limited: Rig) -> None:
    token = await open_token(limited)
    body = {"session_token": token}
    left = [
        (await limited.client.request("POST", path, json=body)).headers.get("ratelimit-remaining")
        for path in (VALIDATE, VALIDATE, REVOKE)
    ]
    assert left == ["2", "1", None]
    for name, method in (("validate", "POST"), ("revoke", "DELETE"), ("revoke", "POST")):
        answer = await limited.client.request(method, PATHS[name], json=body)
        check_failure(answer, "rate_limited")
        assert answer.headers["ratelimit-limit"] == str(LIMIT)


async def test_an_exchange_counts_against_its_key_and_a_wrong_pair_against_the_peer(limited: Rig) -> None:
    body, other = await good_body(limited, "create"), await good_body(limited, "create")
    statuses = [(await limited.client.post(CREATE, json=body)).status_code for _ in range(LIMIT + 1)]
    assert statuses == [200] * LIMIT + [429]
    check_failure(await limited.client.post(CREATE, json=body), "rate_limited")
    assert (await limited.client.post(CREATE, json=other)).headers["ratelimit-remaining"] == "2"
    wrong = {**body, "secret_access_key": WRONG_SECRET}
    statuses = [(await limited.client.post(CREATE, json=wrong)).status_code for _ in range(LIMIT + 1)]
    assert statuses == [401] * LIMIT + [429]


async def test_every_row_is_caused_here_or_with_a_failing_store() -> None:
    caused = {row.case for row in BROKEN} | {case for case, _ in CAUSES.values()}
    caused |= {"not_found", "method_not_allowed", "rate_limited", "store_unavailable"}
    assert caused == set(ROWS)
    assert {case for cases in CASES.values() for case in cases} | {"not_found", "method_not_allowed"} == set(ROWS)
