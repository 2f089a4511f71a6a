# SPDX-License-Identifier: Apache-2.0
"""Every row of the error table, each caused over HTTP and compared whole."""

import re

import pytest

from surfaces.oauth2 import causes
from surfaces.oauth2.calls import BASIC_CHALLENGE, GARBAGE, POSTS, check_error, make_client, send
from surfaces.oauth2.causes import NO_CREDENTIALS, Expected, Row
from surfaces.service_rig import Rig
from tessera_service.messages.oauth2 import TEXTS
from tessera_service.surfaces.oauth2.documentation import CASES
from tessera_service.surfaces.oauth2.errors import ROWS
from tessera_service.surfaces.oauth2.operations import INTROSPECT, METADATA, PATHS, REVOKE

pytestmark = pytest.mark.asyncio(loop_scope="module")

OPERATIONS = (INTROSPECT, REVOKE, METADATA)
FORM = "application/x-www-form-urlencoded"


def of_bodies(operation: str) -> list[Row]:
    missing = Expected(operation, 400, "invalid_request", "missing_field")
    invalid = Expected(operation, 400, "invalid_request")
    large = Expected(operation, 413, "invalid_request", "body_too_large")
    media = Expected(operation, 415, "invalid_request", "unsupported_media_type")
    body = causes.with_content
    return [
        Row("an empty body", missing, body(operation, b"")),
        Row("an empty body of no type", missing, body(operation, b"", Content_Type=None)),
        Row("no token", missing, body(operation, b"token_type_hint=access_token")),
        Row("JSON under the type of a form", missing, body(operation, b'{"token":"x"}')),
        Row("an empty token", invalid, body(operation, b"token=")),
        Row("two tokens", invalid, body(operation, b"token=a&token=a")),
        Row("no UTF-8", invalid, body(operation, b"token=%ff")),
        Row("a token over 8 KiB", invalid, body(operation, b"token=" + b"x" * 8193)),
        Row("a token over 8 KiB of UTF-8", invalid, body(operation, b"token=" + b"%C3%BC" * 4097)),
        Row("a hint over 128 characters", invalid, body(operation, b"token=x&token_type_hint=" + b"x" * 129)),
        Row("33 fields", invalid, body(operation, b"token=x&" + b"&".join(b"f%d=1" % n for n in range(32)))),
        Row("a second way to authenticate", invalid, body(operation, b"token=x&client_id=a&client_secret=b")),
        Row("an assertion", invalid, body(operation, b"token=x&client_assertion=a.b.c")),
        Row("a body over 64 KiB", large, body(operation, b"token=x&f=" + b"x" * 65_536)),
        Row("JSON", media, body(operation, b'{"token":"x"}', Content_Type="application/json")),
        Row("no type", media, body(operation, b"token=x", Content_Type=None)),
        Row("another charset", media, body(operation, b"token=x", Content_Type=f"{FORM}; charset=utf-16")),
        Row("compression", media, body(operation, b"token=x", Content_Encoding="gzip")),
    ]


def of_clients(operation: str) -> list[Row]:
    nobody = Expected(operation, 401, "invalid_client", "no_client")
    refused = Expected(operation, 401, "invalid_client")
    dead = Expected(operation, 401, "invalid_token")
    forbidden = Expected(operation, 403, "unauthorized_client")
    other = {INTROSPECT: "oauth2:token.revoke", REVOKE: "oauth2:token.introspect"}[operation]
    own = {INTROSPECT: "token.introspect", REVOKE: "token.revoke"}[operation]
    return [
        Row("no client", nobody, causes.with_authorization(operation)),
        Row("another scheme", nobody, causes.with_authorization(operation, "Digest a=b")),
        *(Row(name, refused, causes.with_authorization(operation, value)) for name, value in NO_CREDENTIALS.items()),
        Row("a wrong secret", refused, causes.with_wrong_secret(operation)),
        Row("an unknown key", refused, causes.with_unknown_key(operation)),
        Row("a disabled key", refused, causes.with_disabled_key(operation)),
        Row("another tenant's key", refused, causes.with_key_of_other_tenant(operation)),
        Row("a bad bearer", dead, causes.with_authorization(operation, f"Bearer {GARBAGE}")),
        Row("an empty bearer", dead, causes.with_authorization(operation, "Bearer ")),
        Row("two bearers", dead, causes.with_authorization(operation, "Bearer a", "Bearer b")),
        Row("an expired bearer", dead, causes.with_expired_bearer(operation)),
        Row("a revoked bearer", dead, causes.with_revoked_bearer(operation)),
        Row("another tenant's bearer", dead, causes.with_bearer_of_other_tenant(operation)),
        Row("a key for something else", forbidden, causes.with_key_that_may(operation, "doc*:view")),
        Row("a key for the other operation", forbidden, causes.with_key_that_may(operation, other)),
        Row("a key for another resource", forbidden, causes.with_key_that_may(operation, f"doc*:{own}")),
    ]


def everywhere(operation: str) -> list[Row]:
    limited = Expected(operation, 429, "temporarily_unavailable", "rate_limited")
    return [
        Row("too often", limited, causes.at_the_limit(operation)),
        Row("an error of ours", Expected(operation, 500, "server_error"), causes.with_broken_engine(operation)),
    ]


TABLE = [
    *(row for operation in OPERATIONS for row in everywhere(operation)),
    *(row for operation in POSTS for row in of_bodies(operation)),
    *(row for operation in POSTS for row in of_clients(operation)),
    *(
        Row("no store", Expected(operation, 503, "temporarily_unavailable"), causes.without_store(operation))
        for operation in POSTS
    ),
    Row(
        "a bearer without the permission",
        Expected(INTROSPECT, 403, "insufficient_scope"),
        causes.introspect_without_permission,
    ),
    Row(
        "another subject's token without the permission",
        Expected(REVOKE, 403, "insufficient_scope"),
        causes.revoke_of_another_without_permission,
    ),
    Row("a session token", Expected(REVOKE, 400, "unsupported_token_type"), causes.revoke_session_token),
    Row(
        "an issuer that is no URL",
        Expected(METADATA, 404, "invalid_request", "not_found"),
        causes.with_an_issuer_that_is_no_url,
    ),
]


@pytest.mark.parametrize("row", TABLE, ids=[f"{row.expected.operation}: {row.name}" for row in TABLE])
async def test_each_row_is_answered_as_the_table_says(shared: Rig, row: Row) -> None:
    answer = await row.cause(shared)
    _, status, code, text = row.expected
    check_error(answer, status, code, text)


async def test_the_table_holds_every_row_that_is_documented() -> None:
    documented = {Expected(operation, *ROWS[case]) for operation, cases in CASES.items() for case in cases}
    assert documented == {row.expected for row in TABLE}


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/oauth2", 404, None),
        ("POST", "/oauth2/token", 404, None),
        ("POST", "/oauth2/introspect/", 404, None),
        ("POST", "/oauth2/a%2Fb", 404, None),
        ("GET", "/.well-known/oauth-authorization-server/tenant", 404, None),
        ("GET", "/oauth2/introspect", 405, "POST"),
        ("DELETE", "/oauth2/revoke", 405, "POST"),
        ("POST", "/.well-known/oauth-authorization-server", 405, "GET, HEAD"),
    ],
)
async def test_what_is_not_served_is_refused_in_this_dialect(
    shared: Rig, method: str, path: str, status: int, allow: str | None
) -> None:
    answer = await shared.client.request(method, path)
    check_error(answer, status, "invalid_request", {404: "not_found", 405: "method_not_allowed"}[status])
    assert answer.headers.get("allow") == allow


async def test_the_neighbours_keep_their_own_dialect(shared: Rig) -> None:
    for path in ("/oauth", "/oauth2x", "/.well-known/oauth-authorization-serverx"):
        assert (await shared.client.get(path)).json()["error"]["code"] == "common.not_found"


async def test_every_english_text_keeps_to_the_letters_of_the_standard() -> None:
    for text in TEXTS.values():
        assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+", text.en)


async def test_who_asks_for_vietnamese_gets_it_in_ascii_bytes(shared: Rig) -> None:
    answer = await send(shared, INTROSPECT, {"token": "x"}, headers={"Accept-Language": "vi"})
    assert answer.json() == {"error": "invalid_client", "error_description": TEXTS["no_client"].vi}
    assert answer.content.isascii()


@pytest.mark.parametrize("operation", POSTS)
async def test_the_client_is_checked_before_the_body(shared: Rig, operation: str) -> None:
    bad = {"Content-Type": "text/plain"}
    assert (await send(shared, operation, content=b"{", headers=bad)).status_code == 401
    other = await make_client(shared, "doc*:view")
    assert (await send(shared, operation, content=b"{", headers=bad, client=other)).status_code == 403
    assert (
        await send(shared, operation, content=b"{", headers=bad, client=await make_client(shared))
    ).status_code == 415


async def test_nothing_is_read_from_a_query(shared: Rig) -> None:
    client = await make_client(shared)
    headers = {"Authorization": client.authorization, "Content-Type": FORM}
    answer = await shared.client.post(f"{PATHS[REVOKE]}?token=x", content=b"", headers=headers)
    check_error(answer, 400, "invalid_request", "missing_field")
    query = f"?client_id={client.key_id}&client_secret={client.secret}"
    answer = await shared.client.post(PATHS[REVOKE] + query, content=b"token=x", headers={"Content-Type": FORM})
    check_error(answer, 401, "invalid_client", "no_client")


async def test_credentials_in_the_form_are_no_credentials(shared: Rig) -> None:
    client = await make_client(shared)
    fields = {"token": "x", "client_id": client.key_id, "client_secret": client.secret}
    check_error(await send(shared, INTROSPECT, fields), 401, "invalid_client", "no_client")
    assert BASIC_CHALLENGE in (await send(shared, INTROSPECT, fields)).headers["www-authenticate"]
