# SPDX-License-Identifier: Apache-2.0
"""Every row of the gateway surface's error table, each caused over HTTP."""

from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import httpx
import pytest

from surfaces.gateway.calls import PERMISSIONS, body, make, send
from surfaces.gateway.causes import (
    ENGINE_METHODS,
    WITH_BEARER,
    WITH_BODY,
    Cause,
    as_bearer,
    evicted,
    expired,
    good,
    of_other_tenant,
    of_other_user,
    of_path,
    refresh_token,
    revoked,
    service_token,
    unknown,
    with_body,
    with_changes,
    with_engine_that_raises,
    with_full_queue,
    with_scheme,
    with_tenant,
    without_store,
)
from surfaces.service_rig import OTHER_TENANT, Rig, open_rig
from tessera_service.errors import SessionLimitReached
from tessera_service.messages.gateway import TEXTS
from tessera_service.surfaces.gateway.documentation import CASES, row_of
from tessera_service.surfaces.gateway.operations import (
    CREATE,
    LIST,
    LOGOUT,
    REFRESH,
    REVOKE,
    REVOKE_USER,
    STATS,
    VALIDATE,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Row(NamedTuple):
    """One way to an error."""

    operation: str
    name: str
    status: int
    code: str
    cause: Cause


def rows_of_bodies(operation: str) -> list[Row]:
    def row(name: str, status: int, code: str, **changes: Any) -> Row:
        return Row(operation, name, status, code, with_changes(operation, **changes))

    def media(name: str, value: str) -> Row:
        return row(name, 415, "unsupported_media_type", content=b"{}", headers={"Content-Type": value})

    return [
        row("no json", 400, "invalid_request", content=b"{"),
        row("no object", 400, "invalid_request", content=b"[]"),
        row("no utf-8", 400, "invalid_request", content=b'{"token":"\xff"}'),
        row("a lone surrogate", 400, "invalid_request", content=b'{"token":"\\ud800"}'),
        row("duplicate members", 400, "invalid_request", content=b'{"a":1,"a":1}'),
        row("NaN", 400, "invalid_request", content=b'{"a":NaN}'),
        row("a body over 64 KiB", 413, "payload_too_large", content=b" " * 65_537),
        media("another type", "text/plain"),
        media("a form", "application/x-www-form-urlencoded"),
        media("another charset", "application/json; charset=utf-16"),
        row("compression", 415, "unsupported_media_type", content=b"{}", headers={"Content-Encoding": "gzip"}),
    ]


def rows_of_bearers(operation: str) -> list[Row]:
    not_found = (401, "session_not_found")
    return [
        Row(operation, "no bearer", 401, "missing_token", with_changes(operation, bearer=None)),
        Row(operation, "another scheme", 401, "missing_token", with_scheme(operation, "Basic abc")),
        Row(operation, "nothing after the scheme", *not_found, with_scheme(operation, "Bearer ")),
        Row(operation, "a forged bearer", *not_found, with_changes(operation, bearer="a.b.c")),
        Row(operation, "a refresh token", *not_found, as_bearer(operation, refresh_token)),
        Row(operation, "a service token", *not_found, as_bearer(operation, service_token)),
        Row(operation, "an unknown session", *not_found, as_bearer(operation, unknown)),
        Row(operation, "another tenant", *not_found, with_tenant(operation, OTHER_TENANT)),
        Row(operation, "expired", 401, "session_expired", as_bearer(operation, expired)),
        Row(operation, "revoked", 401, "session_inactive", as_bearer(operation, revoked)),
        Row(operation, "evicted", 401, "session_inactive", as_bearer(operation, evicted)),
    ]


def rows_of_service(operation: str) -> list[Row]:
    code = "session_creation_failed" if operation == CREATE else "validation_error"
    broken = with_engine_that_raises(operation, RuntimeError("canary in a message"))
    return [
        Row(operation, "an error of ours", 500, code, broken),
        Row(operation, "no store", 503, code, without_store(operation)),
    ]


WRONG_VALUES: dict[str, list[object]] = {
    "user_id": [1, "", "with space", "x" * 129, "é", [], {}],
    "username": [1, "", "x" * 129, "line\nfeed"],
    "role_name": [1, "", "with space", "x" * 65],
    "permissions": ["read", ["with space"], [1], [""], ["x"] * 65, {}],
    "remember_me": [1, "true", []],
    "expires_at": [
        *(1, "", "soon", "2024-01-15", "2024-01-15T10:30:00", "2099-13-01T00:00:00Z", "2001-01-01T00:00:00Z"),
        *("2099-01-01 00:00:00Z", "2099-01-01T00:00Z", "\u0662099-01-01T00:00:00Z", "1894000000"),
    ],
}
ROWS_OF_CREATE = [
    *(
        Row(CREATE, f"no {name}", 400, "missing_fields", with_body(**{name: None}))
        for name in ("user_id", "username", "role_name", "permissions")
    ),
    *(
        Row(CREATE, f"{name} {value!r}"[:60], 400, "invalid_request", with_body(**{name: value}))
        for name, values in WRONG_VALUES.items()
        for value in values
    ),
    Row(CREATE, "a null", 400, "invalid_request", with_changes(CREATE, content=b'{"user_id":null}')),
    Row(
        CREATE,
        "a token over 4 KiB",
        400,
        "invalid_request",
        with_body(permissions=[f"{number:064}" for number in range(64)]),
    ),
    Row(CREATE, "no credential", 403, "forbidden", with_changes(CREATE, bearer=None)),
    Row(CREATE, "handing on", 403, "forbidden", with_body(permissions=["auth.login"])),
    Row(CREATE, "another tenant", 403, "forbidden", with_tenant(CREATE, OTHER_TENANT)),
    Row(CREATE, "the limit", 409, "session_creation_failed", with_engine_that_raises(CREATE, SessionLimitReached())),
    Row(CREATE, "a full queue", 503, "session_creation_failed", with_full_queue(CREATE)),
]
TABLE = [
    *(row for operation in ENGINE_METHODS for row in rows_of_service(operation)),
    *(row for operation in WITH_BODY for row in rows_of_bodies(operation)),
    *(row for operation in WITH_BEARER for row in rows_of_bearers(operation)),
    *ROWS_OF_CREATE,
    Row(VALIDATE, "no token", 400, "missing_fields", with_changes(VALIDATE, json={})),
    Row(VALIDATE, "no body", 400, "missing_fields", with_changes(VALIDATE, content=b"")),
    Row(VALIDATE, "token of a wrong type", 400, "invalid_request", with_changes(VALIDATE, json={"token": 1})),
    Row(VALIDATE, "token null", 400, "invalid_request", with_changes(VALIDATE, json={"token": None})),
    Row(LOGOUT, "token of a wrong type", 400, "invalid_request", with_changes(LOGOUT, json={"token": 1})),
    Row(LOGOUT, "a forged token", 401, "session_not_found", with_changes(LOGOUT, json={"token": "x"})),
    Row(LOGOUT, "an empty token", 401, "session_not_found", with_changes(LOGOUT, json={"token": ""})),
    Row(REFRESH, "a body over 64 KiB", 413, "payload_too_large", with_changes(REFRESH, content=b" " * 65_537)),
    Row(
        REFRESH,
        "another type",
        415,
        "unsupported_media_type",
        with_changes(REFRESH, content=b"x", headers={"Content-Type": "text/plain"}),
    ),
    Row(REFRESH, "a full queue", 503, "validation_error", with_full_queue(REFRESH)),
    Row(STATS, "no credential", 403, "forbidden", with_changes(STATS, bearer=None)),
    Row(STATS, "another tenant", 403, "forbidden", with_tenant(STATS, OTHER_TENANT)),
    Row(LIST, "another user", 403, "forbidden", of_other_user(LIST)),
    Row(REVOKE, "another user's", 403, "forbidden", of_other_user(REVOKE)),
    Row(REVOKE, "an unknown one", 404, "session_not_found", of_path("/01930000-0000-7000-8000-000000000000")),
    Row(REVOKE, "no id", 404, "session_not_found", of_path("/unknown")),
    Row(REVOKE, "another tenant's", 404, "session_not_found", of_other_tenant),
    Row(LIST, "a slash in the id", 404, "not_found", with_changes(LIST, path="/user/a%2fb")),
    Row(REVOKE, "a slash in the id", 404, "not_found", of_path("/a%2fb")),
    Row(REVOKE_USER, "a slash in the id", 404, "not_found", of_path("/user/a%2fb")),
    Row(REVOKE_USER, "another user", 403, "forbidden", of_other_user(REVOKE_USER)),
    *(
        Row(REVOKE_USER, f"query {query}", 400, "invalid_request", of_path(f"/user/alice?exclude_current={query}"))
        for query in ("yes", "", "TRUE", "1", "true&exclude_current=true")
    ),
]


@pytest.mark.parametrize("row", TABLE, ids=[f"{row.operation}: {row.name}" for row in TABLE])
async def test_each_row_is_answered_as_the_table_says(shared: Rig, row: Row) -> None:
    answer = await row.cause(shared)
    check_error(answer, row.status, row.code, flag="is_valid" if row.operation == VALIDATE else "success")


def check_error(answer: httpx.Response, status: int, code: str, *, flag: str = "success") -> None:
    """The whole of an error: status, body, headers."""
    assert (answer.status_code, answer.json()) == (
        status,
        {flag: False, "error_code": code, "error_message": TEXTS[code].en},
    )
    assert list(answer.json()) == [flag, "error_code", "error_message"]
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-request-id"]
    assert ("retry-after" in answer.headers) is (status in (429, 503))
    assert ("www-authenticate" in answer.headers) is (status in (401, 403))
    if status == 401:
        challenge = "Bearer" if code == "missing_token" else 'Bearer error="invalid_token"'
        assert answer.headers["www-authenticate"] == challenge


async def test_the_table_holds_every_row_that_is_documented() -> None:
    documented = {
        (operation, row_of(operation, case).status, row_of(operation, case).code)
        for operation, cases in CASES.items()
        for case in cases
    }
    limited = {(operation, 429, "rate_limited") for operation in ENGINE_METHODS}  # below
    assert documented - limited == {(row.operation, row.status, row.code) for row in TABLE}


@pytest.mark.parametrize("operation", ENGINE_METHODS)
async def test_too_many_requests_are_answered_in_the_same_words(rig_of_one_store: Rig, operation: str) -> None:
    call = await good(rig_of_one_store, operation)
    await send(rig_of_one_store, "GET", "/health")  # with the first request the layers are put together
    limiter = mock.Mock()
    limiter.take.return_value = mock.Mock(limit=1, remaining=0, retry_after=7)
    edge = rig_of_one_store.app.middleware_stack._app  # type: ignore[union-attr]
    with mock.patch.object(edge, "_limiter", limiter):
        answer = await call.send(rig_of_one_store)
    check_error(answer, 429, "rate_limited", flag="is_valid" if operation == VALIDATE else "success")
    assert (answer.headers["retry-after"], answer.headers["ratelimit-limit"]) == ("7", "1")
    assert "ratelimit-remaining" not in answer.headers


async def test_health_has_no_limit(rig_of_one_store: Rig) -> None:
    assert "ratelimit-limit" not in (await send(rig_of_one_store, "GET", "/health")).headers


# Paths and methods


@pytest.mark.parametrize("path", ["/user", "/a/b", "/validate/", "/user/a/b", "/user/a%2fb", "/stats/x"])
async def test_paths_that_are_none_are_answered_in_the_same_words(shared: Rig, path: str) -> None:
    check_error(await send(shared, "POST", path, {}), 404 if path != "/user" else 405, code_of_path(path))


def code_of_path(path: str) -> str:
    return "method_not_allowed" if path == "/user" else "not_found"


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "", "POST"),
        ("PUT", "/stats", "DELETE, GET"),
        ("PUT", "/", "POST"),
        ("GET", "/validate", "POST"),
        ("DELETE", "/validate", "POST"),
        ("POST", "/user/alice", "DELETE, GET"),
    ],
)
async def test_methods_that_are_not_taken_are_answered_in_the_same_words(
    shared: Rig, method: str, path: str, allow: str
) -> None:
    answer = await send(shared, method, path)
    check_error(answer, 405, "method_not_allowed", flag="is_valid" if path == "/validate" else "success")
    assert answer.headers["allow"] == allow


# What no error tells


async def test_no_error_repeats_what_was_sent(shared: Rig) -> None:
    canary = "canary4711"
    for operation in ENGINE_METHODS:
        call = await good(shared, operation)
        for changes in ({"content": canary.encode()}, {"bearer": canary}, {"headers": {"X-Tenant-ID": canary}}):
            answer = await call.send(shared, **changes)
            assert canary not in answer.text
    for path in (f"/{canary}", f"/user/{canary}?exclude_current={canary}"):
        assert canary not in (await of_path(path)(shared)).text


async def test_the_limit_may_refuse_the_next_session(folder: Path) -> None:
    config = {"session_limit_policy": "reject", "session_max_concurrent": 1}
    async with open_rig("memory", folder, config=config) as rig:
        first = await make(rig, "alice")
        bearer = await rig.service_bearer(*PERMISSIONS)
        answer = await send(rig, "POST", "", body("alice"), bearer=bearer)
        check_error(answer, 409, "session_creation_failed")
        assert (await send(rig, "POST", "/logout", bearer=first["token"])).status_code == 200
        assert (await send(rig, "POST", "", body("alice"), bearer=bearer)).status_code == 201
