# SPDX-License-Identifier: Apache-2.0
"""Every row of the token surface's error tables, each caused over HTTP."""

import re
from functools import partial
from typing import Any

import httpx
import pytest

from surfaces.service_rig import TENANT, Rig
from surfaces.token import causes
from surfaces.token.causes import Cause, Expected, Row, own
from tessera_service.messages.token import TEXTS
from tessera_service.surfaces.token.documentation import CASES
from tessera_service.surfaces.token.errors import OWN_ROWS, ROWS, resolve
from tessera_service.surfaces.token.operations import INTROSPECT, ISSUE, JWKS, PATHS, REFRESH, REVOKE

pytestmark = pytest.mark.asyncio(loop_scope="module")

POSTS = (ISSUE, REFRESH, REVOKE, INTROSPECT)
GARBAGE = "aaaa.bbbb.cccc"
UTF_16 = "application/json; charset=utf-16"


def out_of_range(operation: str) -> Expected:
    return Expected(operation, 422, "common.validation_error")


def everywhere(operation: str) -> list[Row]:
    missing, invalid = own(operation, missing=True), own(operation)
    internal = Expected(operation, 500, "common.internal_error")
    unavailable = Expected(operation, 503, "common.internal_error")
    large = Expected(operation, 413, "common.payload_too_large")
    media = Expected(operation, 415, "common.unsupported_media_type")
    methods = {ISSUE: "issue", REFRESH: "refresh", REVOKE: "revoke_current", INTROSPECT: "introspect_now"}
    return [
        Row("no request id", missing, causes.with_headers(operation, X_Request_ID=None)),
        Row("a bad request id", invalid, causes.with_headers(operation, X_Request_ID="with space")),
        Row("no tenant", missing, causes.with_headers(operation, X_Tenant_ID=None)),
        Row("an unknown tenant", invalid, causes.with_headers(operation, X_Tenant_ID="tenant-x")),
        Row("no json", invalid, causes.with_body(operation, content=b"{")),
        Row("no object", invalid, causes.with_body(operation, content=b"[]")),
        Row("duplicate members", invalid, causes.with_body(operation, content=b'{"a":1,"a":1}')),
        Row("NaN", invalid, causes.with_body(operation, content=b'{"a":NaN}')),
        Row("a body over 64 KiB", large, causes.with_body(operation, content=b" " * 65_537)),
        Row("another type", media, causes.with_body(operation, content=b"{}", Content_Type="text/plain")),
        Row("another charset", media, causes.with_body(operation, content=b"{}", Content_Type=UTF_16)),
        Row("compression", media, causes.with_body(operation, content=b"{}", Content_Encoding="gzip")),
        Row("an error of ours", internal, causes.with_broken_engine(operation, methods[operation])),
        Row("no store", unavailable, causes.without_store(operation)),
    ]


def of_callers(operation: str) -> list[Row]:
    def dead(reason: str) -> Expected:
        alias = f"token.{reason}" if operation == INTROSPECT else "common.unauthorized"
        return Expected(operation, 401, "auth.unauthorized", alias)

    mismatch = Expected(operation, 403, "auth.tenant.mismatch")
    return [
        Row("no bearer", dead("invalid"), causes.with_bearer(operation, None)),
        Row("a bad bearer", dead("invalid"), causes.with_bearer(operation, GARBAGE)),
        Row("an expired bearer", dead("expired"), causes.with_expired_bearer(operation)),
        Row("a revoked bearer", dead("revoked"), causes.with_revoked_bearer(operation)),
        Row("another tenant's bearer", mismatch, causes.of_other_tenant(operation)),
    ]


ROWS_OF_ISSUE = [
    Row("no sub", own(ISSUE, missing=True), causes.with_body(ISSUE, {})),
    Row("sub of a wrong type", own(ISSUE), causes.with_body(ISSUE, {"sub": 1})),
    Row("another grant", own(ISSUE), causes.with_body(ISSUE, {"sub": "alice", "grant_type": "magic"})),
    Row("no permission", Expected(ISSUE, 403, "common.forbidden"), causes.without_permission(ISSUE)),
    Row("handing on", Expected(ISSUE, 403, "common.forbidden"), causes.hand_on_permission),
    Row("sub out of range", out_of_range(ISSUE), causes.with_body(ISSUE, {"sub": "with space"})),
    Row("no name", own(ISSUE, missing=True), causes.with_body(ISSUE, {"grant_type": "password", "password": "p"})),
    Row("a full queue", Expected(ISSUE, 503, "common.internal_error"), causes.with_full_queue(ISSUE)),
    Row(
        "a token over 4 KiB",
        out_of_range(ISSUE),
        causes.with_body(ISSUE, {"sub": "alice", "permissions": [f"{n:064}" for n in range(64)]}),
    ),
]
BAD_TOKEN = Expected(REFRESH, 400, "auth.refresh.invalid", "token.invalid")
ROWS_OF_REFRESH = [
    Row(
        "no token",
        Expected(REFRESH, 401, "auth.unauthorized", "common.unauthorized"),
        causes.with_bearer(REFRESH, None),
    ),
    Row("a bad bearer", BAD_TOKEN, causes.with_bearer(REFRESH, GARBAGE)),
    Row("a bad token", BAD_TOKEN, causes.exchange_garbage),
    Row("another tenant's token", BAD_TOKEN, causes.of_other_tenant(REFRESH)),
    Row("another session's id", BAD_TOKEN, causes.refresh_with_other_session_id),
    Row("two tokens", BAD_TOKEN, causes.refresh_with_two_tokens),
    Row("an expired token", Expected(REFRESH, 400, "auth.refresh.invalid", "token.expired"), causes.refresh_expired),
    Row("revoked", Expected(REFRESH, 403, "auth.session.revoked", "token.revoked"), causes.refresh_of_revoked_session),
    Row("locked", Expected(REFRESH, 403, "auth.session.revoked", "session.inactive"), causes.refresh_of_locked_session),
    Row("unknown", Expected(REFRESH, 404, "auth.session.not_found"), causes.refresh_of_unknown_session),
    Row("token of a wrong type", own(REFRESH), causes.with_body(REFRESH, {"refresh_token": 1})),
    Row("session id out of range", out_of_range(REFRESH), causes.with_body(REFRESH, {"session_id": "x" * 129})),
    Row("a full queue", Expected(REFRESH, 503, "common.internal_error"), causes.with_full_queue(REFRESH)),
]
EXCHANGES: list[Any] = [
    *(causes.exchange_garbage, causes.refresh_expired, causes.refresh_of_revoked_session),
    *(causes.refresh_of_locked_session, causes.refresh_of_unknown_session),
]
NOT_FOUND = Expected(REVOKE, 404, "auth.session.not_found", "session.not_found")
FORBIDDEN = Expected(REVOKE, 403, "auth.session.forbidden", "common.forbidden")
ROWS_OF_REVOKE = [
    Row("the current one of a service token", own(REVOKE), causes.revoke_current_of_service_token),
    Row("a bad token", own(REVOKE), causes.with_body(REVOKE, {"token": GARBAGE})),
    Row("two targets", own(REVOKE), causes.with_body(REVOKE, {"token": GARBAGE, "sub": "alice"})),
    Row("all of a wrong type", own(REVOKE), causes.with_body(REVOKE, {"all": "true"})),
    Row("an unknown jti", Expected(REVOKE, 400, "token.unknown_jti"), causes.with_body(REVOKE, {"jti": "unknown"})),
    Row("another subject's session", FORBIDDEN, causes.revoke_other_subjects_session),
    Row("another subject", FORBIDDEN, causes.with_body(REVOKE, {"sub": "bob"})),
    Row("an unknown session", NOT_FOUND, causes.with_body(REVOKE, {"session_id": "unknown"})),
    Row("another tenant's session", NOT_FOUND, causes.revoke_session_of_other_tenant),
    Row("a jti out of range", out_of_range(REVOKE), causes.with_body(REVOKE, {"jti": ""})),
]
ROWS_OF_INTROSPECT = [
    Row("no token", own(INTROSPECT, missing=True), causes.with_body(INTROSPECT, {})),
    Row("token of a wrong type", own(INTROSPECT), causes.with_body(INTROSPECT, {"token": None})),
    Row("a token over 8 KiB", own(INTROSPECT), causes.with_body(INTROSPECT, {"token": "x" * 8193})),
    Row("no permission", Expected(INTROSPECT, 403, "common.forbidden"), causes.without_permission(INTROSPECT)),
]


def by_grant(exchange: Any) -> Cause:
    """The same at POST /v1/token."""
    return partial(exchange, operation=ISSUE)


ROWS_OF_GRANT = [
    Row(f"{row.name}, by its grant", row.expected._replace(operation=ISSUE), by_grant(row.cause))
    for row in ROWS_OF_REFRESH
    if row.cause in EXCHANGES
]
TABLE = [
    *ROWS_OF_GRANT,
    *(row for operation in POSTS for row in everywhere(operation)),
    *(row for operation in (ISSUE, REVOKE, INTROSPECT) for row in of_callers(operation)),
    *(*ROWS_OF_ISSUE, *ROWS_OF_REFRESH, *ROWS_OF_REVOKE, *ROWS_OF_INTROSPECT),
    Row("an error of ours", Expected(JWKS, 500, "common.internal_error"), causes.with_broken_keys),
]


@pytest.mark.parametrize("row", TABLE, ids=[f"{row.expected.operation}: {row.name}" for row in TABLE])
async def test_each_row_is_answered_as_the_table_says(shared: Rig, row: Row) -> None:
    answer = await row.cause(shared)
    check_error(answer, row.expected)


def check_error(answer: httpx.Response, expected: Expected) -> None:
    """The whole of an error: status, body, headers."""
    assert answer.status_code == expected.status, answer.text
    body = answer.json()
    assert set(body) == {"error", "meta"}
    error = body["error"]
    data = error.pop("data", {})
    field = data.pop("field", None)
    assert error == {"code": expected.code, "message": TEXTS[expected.code].en}
    assert data == ({} if expected.alias is None else {"alias": expected.alias})
    assert field is None or re.fullmatch(r"[A-Za-z_.-]{2,40}", field)
    check_meta(answer)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert ("retry-after" in answer.headers) is (expected.status in (429, 503))
    assert ("www-authenticate" in answer.headers) is (
        expected.status == 401 or expected.code in ("common.forbidden", "auth.session.forbidden")
    )


def check_meta(answer: httpx.Response) -> None:
    """The request's id in body and header, a time in UTC and whole seconds."""
    meta = answer.json()["meta"]
    assert set(meta) == {"request_id", "timestamp"}
    assert meta["request_id"] == answer.headers["x-request-id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", meta["timestamp"])


async def test_the_table_holds_every_row_that_is_documented() -> None:
    documented = {
        Expected(operation, row.status, row.code, row.alias)
        for operation, cases in CASES.items()
        for case in cases
        for row in [resolve(OWN_ROWS.get((operation, case)) or ROWS[case], operation)]
    }
    limited = {Expected(operation, 429, "common.rate_limited") for operation in POSTS}  # in test_request_limits
    # Its only member is a token, of which any text will do: nothing is of the right type and out of bounds.
    unreachable = {out_of_range(INTROSPECT)}
    assert documented - limited - unreachable == {row.expected for row in TABLE}


@pytest.mark.parametrize("operation", [ISSUE, REVOKE, INTROSPECT])
async def test_a_bearer_that_was_presented_is_called_invalid_and_none_is_not(shared: Rig, operation: str) -> None:
    assert (await causes.with_bearer(operation, None)(shared)).headers["www-authenticate"] == "Bearer"
    answer = await causes.with_bearer(operation, GARBAGE)(shared)
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


@pytest.mark.parametrize("operation", [ISSUE, INTROSPECT])
async def test_a_missing_permission_is_called_insufficient_scope(shared: Rig, operation: str) -> None:
    answer = await causes.without_permission(operation)(shared)
    assert answer.headers["www-authenticate"] == 'Bearer error="insufficient_scope"'


@pytest.mark.parametrize("operation", POSTS)
async def test_a_failing_header_check_still_echoes_what_was_right(shared: Rig, operation: str) -> None:
    answer = await causes.with_headers(operation, X_Request_ID="bad id")(shared)
    assert (answer.headers["x-tenant-id"], answer.headers["x-request-id"] != "bad id") == (TENANT, True)
    answer = await causes.with_headers(operation, X_Tenant_ID="tenant-x")(shared)
    assert ("x-tenant-id" in answer.headers, answer.headers["x-request-id"]) == (False, "req-001")


async def test_the_caller_is_checked_before_the_body_and_the_body_type_before_the_body(shared: Rig) -> None:
    answer = await shared.post(PATHS[REVOKE], content=b"{", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 401
    bearer = (await shared.issue())["access_token"]
    answer = await shared.post(PATHS[REVOKE], content=b"{", headers={"Content-Type": "text/plain"}, bearer=bearer)
    assert answer.status_code == 415
