# SPDX-License-Identifier: Apache-2.0
"""Every row of the error table, each caused over HTTP and compared whole."""

from typing import Any

import pytest

from surfaces.auth import causes
from surfaces.auth.calls import NOBODY, call, check_error
from surfaces.auth.causes import Expected, Row, with_
from surfaces.service_rig import Rig
from tessera_service.errors import (
    CodeExpired,
    CodeRefused,
    CredentialsRefused,
    Overloaded,
    RateLimited,
    TokenTooLarge,
)
from tessera_service.messages.auth import TEXTS
from tessera_service.surfaces.auth.documentation import CASES
from tessera_service.surfaces.auth.errors import resolve
from tessera_service.surfaces.auth.operations import LIST, LOGIN, LOGOUT, METHODS, REQUEST_OTP, REVOKE

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALL = tuple(METHODS)
POSTS = (LOGIN, REQUEST_OTP, LOGOUT, REVOKE)
OF_TOKEN = (LOGOUT, LIST, REVOKE)
UTF_16 = "application/json; charset=utf-16"
FORM = "application/x-www-form-urlencoded"


def everywhere(operation: str) -> list[Row]:
    missing = Expected(operation, 400, "auth.tenant_not_found", {"alias": "missing_tenant_id", "field": "X-Tenant-ID"})
    unknown = Expected(operation, 400, "auth.tenant_not_found")
    internal = Expected(operation, 500, "auth.internal_error")
    unavailable = Expected(operation, 503, "auth.internal_error")
    broken = RuntimeError("canary in a message")
    return [
        Row("no tenant", missing, with_(operation, headers={"X-Tenant-ID": None}), echoed=False),
        Row("no tenant's id", unknown, with_(operation, headers={"X-Tenant-ID": "no tenant"}), echoed=False),
        Row("an unknown tenant", unknown, with_(operation, headers={"X-Tenant-ID": "tenant-x"}), echoed=False),
        Row("an error of ours", internal, causes.with_engine_that(operation, broken)),
        Row("a full queue", unavailable, causes.with_engine_that(operation, Overloaded())),
        Row("no store", unavailable, causes.without_store(operation)),
        Row(
            "too often",
            Expected(operation, 429, "auth.rate_limited"),
            causes.with_engine_that(operation, RateLimited(7)),
        ),
    ]


def of_bodies(operation: str) -> list[Row]:
    invalid = Expected(operation, 400, "auth.invalid_request")
    large = Expected(operation, 413, "auth.payload_too_large")
    media = Expected(operation, 415, "auth.unsupported_media_type")
    return [
        Row("no json", invalid, with_(operation, content=b"{")),
        Row("no object", invalid, with_(operation, content=b"[]")),
        Row("duplicate members", invalid, with_(operation, content=b'{"a":1,"a":1}')),
        Row("NaN", invalid, with_(operation, content=b'{"a":NaN}')),
        Row("a real form", invalid, with_(operation, content=b"reason=x", headers={"Content-Type": FORM})),
        Row("a body over 64 KiB", large, with_(operation, content=b" " * 65_537)),
        Row("another type", media, with_(operation, content=b"{}", headers={"Content-Type": "text/plain"})),
        Row("another charset", media, with_(operation, content=b"{}", headers={"Content-Type": UTF_16})),
        Row("compression", media, with_(operation, content=b"{}", headers={"Content-Encoding": "gzip"})),
    ]


def of_tokens(operation: str) -> list[Row]:
    dead = Expected(operation, 401, "auth.token.invalid")
    revoked = Expected(LOGOUT, 400, "auth.token.already_revoked") if operation == LOGOUT else dead
    rows = [
        Row("no bearer", dead, causes.without_bearer(operation)),
        Row("a bad bearer", dead, causes.with_dead_bearer(operation, "bad")),
        Row("an expired bearer", dead, causes.with_dead_bearer(operation, "expired")),
        Row("a session token", dead, causes.with_dead_bearer(operation, "session")),
        Row("a revoked bearer", revoked, causes.with_dead_bearer(operation, "revoked")),
        Row(
            "another tenant's bearer",
            Expected(operation, 403, "auth.tenant_mismatch"),
            causes.of_other_tenant(operation),
        ),
    ]
    if operation == LOGOUT:
        return [*rows, Row("a service token", dead, causes.logout_with_service_token)]
    return [*rows, Row("a refresh token", dead, causes.with_dead_bearer(operation, "refresh"))]


def bad_field(operation: str, field: str) -> Expected:
    return Expected(
        operation, 400, "auth.invalid_query" if operation == LIST else "auth.invalid_request", {"field": field}
    )


LOCAL = {"login_type": "local", "username": "alice", "password": "secret word"}
OTP = {"login_type": "otp", "phone_number": "+84901234567", "otp_code": "123456"}
FIELDS: list[tuple[str, str, object]] = [
    (LOGIN, "login_type", {}),
    (LOGIN, "login_type", {"login_type": "oauth"}),
    (LOGIN, "login_type", {"login_type": 1}),
    (LOGIN, "login_type", LOCAL | {"login_type": "LOCAL"}),
    (LOGIN, "username", {"login_type": "local", "password": "p"}),
    (LOGIN, "username", LOCAL | {"username": None}),
    (LOGIN, "username", LOCAL | {"username": ""}),
    (LOGIN, "username", LOCAL | {"username": "x" * 513}),
    (LOGIN, "username", LOCAL | {"username": "nul\u0000"}),
    (LOGIN, "password", {"login_type": "local", "username": "alice"}),
    (LOGIN, "password", LOCAL | {"password": ""}),
    (LOGIN, "password", LOCAL | {"password": 12345678}),
    (LOGIN, "password", LOCAL | {"password": "x" * 1025}),
    (LOGIN, "password", LOCAL | {"password": "\u00fc" * 513}),
    (LOGIN, "phone_number", {"login_type": "otp", "otp_code": "123456"}),
    (LOGIN, "phone_number", OTP | {"phone_number": 84901234567}),
    (LOGIN, "otp_code", {"login_type": "otp", "phone_number": "+84901234567"}),
    (LOGIN, "otp_code", OTP | {"otp_code": 123456}),
    (LOGIN, "otp_code", OTP | {"otp_code": "1" * 17}),
    (LOGIN, "otp_code", OTP | {"otp_code": "\u0661\u0662\u0663\u0664\u0665\u0666"}),
    (REQUEST_OTP, "phone_number", {}),
    (REQUEST_OTP, "phone_number", {"phone_number": "x" * 65}),
    (LOGOUT, "reason", {"reason": ""}),
    (LOGOUT, "reason", {"reason": "x" * 65}),
    (LOGOUT, "reason", {"reason": "two\nlines"}),
    (LOGOUT, "reason", {"reason": None}),
    (REVOKE, "reason", {"reason": ["manual"]}),
    (REVOKE, "reason", {"reason": "x" * 65}),
]
QUERIES: list[tuple[str, object]] = [
    ("limit", 0),
    ("limit", 101),
    ("limit", "x"),
    ("offset", -1),
    ("offset", 10_001),
    ("offset", 2**63),
    ("status", "live"),
    ("user_id", "with space"),
    ("user_id", ["alice", "alice"]),
]

TABLE = [
    *(row for operation in ALL for row in everywhere(operation)),
    *(row for operation in POSTS for row in of_bodies(operation)),
    *(row for operation in OF_TOKEN for row in of_tokens(operation)),
    *(
        Row(f"{field} in {str(body)[:60]}", bad_field(operation, field), with_(operation, body=body))
        for operation, field, body in FIELDS
    ),
    *(Row(f"{name}={value}", bad_field(LIST, name), with_(LIST, query={name: value})) for name, value in QUERIES),
    Row(
        "a device type that is none",
        bad_field(LOGIN, "X-Device-Type"),
        with_(LOGIN, headers={"X-Device-Type": "toaster"}),
    ),
    Row(
        "wrong credentials",
        Expected(LOGIN, 401, "auth.invalid_credentials", {"attempts_left": 4}),
        causes.with_engine_that(LOGIN, CredentialsRefused(4)),
    ),
    Row(
        "locked out",
        Expected(LOGIN, 401, "auth.invalid_credentials", {"attempts_left": 0, "lockout_duration": 900}),
        causes.with_engine_that(LOGIN, CredentialsRefused(0, 900)),
    ),
    Row(
        "a wrong code",
        Expected(LOGIN, 400, "auth.otp.invalid", {"attempts_left": 4}),
        causes.with_codes_that(CodeRefused(4)),
    ),
    Row("an expired code", Expected(LOGIN, 400, "auth.otp.expired"), causes.with_codes_that(CodeExpired())),
    Row("too many guesses", Expected(LOGIN, 429, "auth.rate_limited"), causes.with_codes_that(RateLimited(60))),
    Row(
        "a token over 4 KiB",
        Expected(LOGIN, 400, "auth.invalid_request"),
        causes.with_engine_that(LOGIN, TokenTooLarge()),
    ),
    Row("another's sessions", Expected(LIST, 403, "auth.forbidden"), causes.without_permission(LIST)),
    Row("no permission", Expected(REVOKE, 403, "auth.forbidden"), causes.without_permission(REVOKE)),
    Row("an unknown session", Expected(REVOKE, 404, "session.not_found"), causes.revoke_id(NOBODY)),
    Row("no UUID", Expected(REVOKE, 404, "session.not_found"), causes.revoke_id("x")),
    Row("another tenant's session", Expected(REVOKE, 404, "session.not_found"), causes.revoke_id(None)),
]


@pytest.mark.parametrize("row", TABLE, ids=[f"{row.expected.operation}: {row.name}" for row in TABLE])
async def test_each_row_is_answered_as_the_table_says(shared: Rig, row: Row) -> None:
    answer = await row.cause(shared)
    _, status, code, data = row.expected
    check_error(answer, status, code, data, echoed=row.echoed)


async def test_the_table_holds_every_row_that_is_documented() -> None:
    documented = {
        (operation, row.status, row.code)
        for operation, cases in CASES.items()
        for case in cases
        for row in [resolve(case, operation)]
    }
    assert documented == {row.expected[:3] for row in TABLE}


async def test_the_message_is_vietnamese_where_that_is_asked_for(shared: Rig) -> None:
    answer = await call(shared, LIST, headers={"Accept-Language": "vi-VN,vi;q=0.9,en;q=0.8"})
    assert answer.json()["error"] == {"code": "auth.token.invalid", "message": TEXTS["auth.token.invalid"].vi}
    assert answer.headers["content-language"] == "vi"


async def test_sessions_that_are_not_there_are_alike_in_every_byte(shared: Rig) -> None:
    shared.clock.freeze()
    ids = (NOBODY, "x", "0190A000-0000-7000-8000-000000000000", "%F0%9F%8D%8B", "x" * 5000, "~", None)
    answers = [await causes.revoke_id(session_id)(shared) for session_id in ids]
    kept = [(one.status_code, one.json()["error"], sorted(one.headers.items())) for one in answers]
    assert all(one == kept[0] for one in kept)
    assert len({len(one.content) for one in answers}) == 1


@pytest.mark.parametrize("operation", OF_TOKEN)
async def test_a_bearer_that_was_presented_is_called_invalid_and_none_is_not(shared: Rig, operation: str) -> None:
    assert (await causes.without_bearer(operation)(shared)).headers["www-authenticate"] == "Bearer"
    answer = await causes.with_dead_bearer(operation, "bad")(shared)
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_credentials_are_no_token(shared: Rig) -> None:
    answer = await causes.with_engine_that(LOGIN, CredentialsRefused(4))(shared)
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("operation", [LIST, REVOKE])
async def test_a_missing_permission_is_called_insufficient_scope(shared: Rig, operation: str) -> None:
    answer = await causes.without_permission(operation)(shared)
    assert answer.headers["www-authenticate"] == 'Bearer error="insufficient_scope"'


async def test_what_the_engine_says_to_wait_is_told(shared: Rig) -> None:
    assert (await causes.with_codes_that(RateLimited(61))(shared)).headers["retry-after"] == "61"


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "allow"),
    [
        ("GET", "/auth", 404, "auth.not_found", None),
        ("GET", "/auth/nowhere", 404, "auth.not_found", None),
        ("POST", "/auth/login/", 404, "auth.not_found", None),
        ("POST", "/auth/sessions/a%2Fb/revoke", 404, "auth.not_found", None),
        ("POST", "/auth/sessions/a/b/revoke", 404, "auth.not_found", None),
        ("GET", "/auth/login", 405, "auth.method_not_allowed", "POST"),
        ("POST", "/auth/sessions", 405, "auth.method_not_allowed", "GET"),
        ("DELETE", f"/auth/sessions/{NOBODY}/revoke", 405, "auth.method_not_allowed", "POST"),
    ],
)
async def test_what_is_not_served_is_refused_in_this_dialect(
    shared: Rig, method: str, path: str, status: int, code: str, allow: str | None
) -> None:
    await shared.engine.tenants.exists("tenant-a")
    answer = await shared.client.request(method, path, headers={"X-Tenant-ID": "tenant-a"})
    check_error(answer, status, code)
    assert answer.headers.get("allow") == allow


async def test_the_neighbours_keep_their_own_dialect(shared: Rig) -> None:
    for path in ("/authx", "/authz", "/aut"):
        assert (await shared.client.get(path)).json()["error"]["code"] == "common.not_found"


async def test_tenant_then_caller_then_permission_then_body(shared: Rig) -> None:
    bad: dict[str, Any] = {"content": b"{", "headers": {"Content-Type": "text/plain"}}
    no_tenant = bad | {"headers": {"Content-Type": "text/plain", "X-Tenant-ID": "tenant-x"}}
    reader = (await shared.issue("alice"))["access_token"]
    admin = await shared.service_bearer(*causes.PERMISSIONS)
    for bearer, changes, status in [
        (None, no_tenant, 400),
        (None, bad, 401),
        (reader, bad, 403),
        (admin, bad, 415),
    ]:
        answer = await call(shared, REVOKE, bearer=bearer, **changes)
        assert answer.status_code == status, answer.text


async def test_request_ids_are_not_demanded_here(shared: Rig) -> None:
    for given in (None, "not an id"):
        answer = await call(shared, LIST, headers={"X-Request-ID": given})
        assert answer.status_code == 401
        assert answer.headers["x-request-id"] not in (None, "not an id")
