# SPDX-License-Identifier: Apache-2.0
"""Headers, methods, paths and bodies that attackers and careless clients send."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from unittest import mock

import httpx
import pytest

from surfaces.service_rig import TENANT, Rig
from surfaces.token.causes import OWN_CODES, good, own
from surfaces.token.test_errors import check_error
from tessera_service.messages.token import TEXTS
from tessera_service.surfaces.token.operations import INTROSPECT, ISSUE, JWKS, PATHS, REFRESH, REVOKE

pytestmark = pytest.mark.asyncio(loop_scope="module")

POSTS = (ISSUE, REFRESH, REVOKE, INTROSPECT)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def send(rig: Rig, operation: str, headers: list[tuple[bytes, bytes]], content: bytes = b"{}") -> httpx.Response:
    """A POST with exactly these headers besides authorization and type."""
    _, bearer = await good(rig, operation)
    all_headers = [*headers, (b"content-type", b"application/json")]
    if bearer is not None:
        all_headers.append((b"authorization", b"Bearer " + bearer.encode()))
    return await rig.client.post(PATHS[operation], content=content, headers=all_headers)


BAD_REQUEST_IDS = [
    *(b"", b" ", b"a b", b"a\r\nX-Evil: 1", b"a\x00", b"x" * 129, b"x" * 10_000, b"\xff", b"<script>", b"a/b", b"a,b"),
    b"req-001\n",
]


@pytest.mark.parametrize("operation", POSTS)
@pytest.mark.parametrize("value", BAD_REQUEST_IDS)
async def test_a_bad_request_id_is_refused_and_replaced(shared: Rig, operation: str, value: bytes) -> None:
    answer = await send(shared, operation, [(b"x-request-id", value), (b"x-tenant-id", TENANT.encode())])
    check_error(answer, own(operation))
    assert answer.headers["x-request-id"].encode() != value
    assert "x-evil" not in answer.headers


@pytest.mark.parametrize("value", [b"A", b"x" * 128, b"a.b_c-D9"])
async def test_a_good_request_id_comes_back(shared: Rig, value: bytes) -> None:
    answer = await send(shared, REVOKE, [(b"x-request-id", value), (b"x-tenant-id", TENANT.encode())])
    assert (answer.status_code, answer.headers["x-request-id"]) == (204, value.decode())


BAD_TENANTS = [
    *(b"", b" ", b"tenant-a ", b" tenant-a", b"TENANT-A", b"Tenant-a", b"tenant-a\x00", b"tenant-a\r\n"),
    *(b"tenant-a,tenant-a", b"t" * 64, b"t" * 300, b"t" * 10_000, b"tenant-a'--", b"../tenant-a"),
    *("tenant\u200b-a".encode(), "tenant-\u0430".encode()),
]


@pytest.mark.parametrize("operation", POSTS)
@pytest.mark.parametrize("value", BAD_TENANTS)
async def test_a_tenant_that_is_not_known_to_the_letter_is_unknown(shared: Rig, operation: str, value: bytes) -> None:
    answer = await send(shared, operation, [(b"x-request-id", b"r"), (b"x-tenant-id", value)])
    check_error(answer, own(operation))
    assert "x-tenant-id" not in answer.headers


@pytest.mark.parametrize("operation", POSTS)
@pytest.mark.parametrize("name", [b"x-request-id", b"x-tenant-id"])
async def test_a_doubled_header_is_refused(shared: Rig, operation: str, name: bytes) -> None:
    headers = [(b"x-request-id", b"r"), (b"x-tenant-id", TENANT.encode())]
    answer = await send(shared, operation, [*headers, next(pair for pair in headers if pair[0] == name)])
    check_error(answer, own(operation))


async def test_a_doubled_authorization_is_refused(shared: Rig) -> None:
    bearer = (await shared.issue())["access_token"].encode()
    headers = [(b"x-request-id", b"r"), (b"x-tenant-id", TENANT.encode()), (b"authorization", b"Bearer " + bearer)]
    answer = await send(shared, REVOKE, headers)
    assert answer.status_code == 401
    answer = await shared.client.post(PATHS[REFRESH], headers=[*headers, headers[-1]])
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "auth.refresh.invalid")


@pytest.mark.parametrize(
    ("value", "challenge"),
    [
        ("Basic YTpi", "Bearer"),
        ("Bearer", 'Bearer error="invalid_token"'),
        ("Bearer ", 'Bearer error="invalid_token"'),
        ("Bearer a b", 'Bearer error="invalid_token"'),
        ("Bearer " + "x" * 9000, 'Bearer error="invalid_token"'),
        ("Bearertoken", "Bearer"),
    ],
)
async def test_authorization_without_a_bearer_token_is_unauthorized(shared: Rig, value: str, challenge: str) -> None:
    answer = await shared.post(PATHS[INTROSPECT], {"token": "x"}, headers={"Authorization": value})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, challenge)


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer "])
async def test_the_scheme_is_read_in_any_case(shared: Rig, scheme: str) -> None:
    bearer = await shared.service_bearer("token.introspect")
    answer = await shared.post(PATHS[INTROSPECT], {"token": "x"}, headers={"Authorization": f"{scheme} {bearer}"})
    assert answer.status_code == 200


@pytest.mark.parametrize("operation", [*POSTS, JWKS])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "MADE-UP"])
async def test_another_method_is_told_which_there_are(shared: Rig, operation: str, method: str) -> None:
    allowed = ("GET", "HEAD") if operation == JWKS else ("POST",)
    if method in allowed:
        return
    answer = await shared.client.request(method, PATHS[operation])
    assert (answer.status_code, answer.headers["allow"]) == (405, ", ".join(allowed))
    if method != "HEAD":
        assert answer.json()["error"]["code"] == "common.method_not_allowed"


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/v1", "/v1/token/", "/v1//token", "//v1/token", "/v1/token/refresh/", "/v1%2Ftoken", "/v1%2ftoken"),
        *("/v1/token%2frefresh", "/V1/token", "/v1/token/nowhere", "/v1/tokens", "/.well-known/jwks.json/"),
        *("/.well-known%2Fjwks.json", "/v1/token;x=1", "/v1/token%00", "/v1/token%20", "/v1/%2e%2e/v1/token"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_other_paths_are_not_found_and_never_redirected(shared: Rig, path: str, method: str) -> None:
    url = httpx.URL("http://service.example").copy_with(raw_path=path.encode())
    answer = await shared.client.request(method, url)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "common.not_found")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-request-id"] == answer.json()["meta"]["request_id"]


@pytest.mark.parametrize("operation", POSTS)
@pytest.mark.parametrize(
    "headers",
    [
        *({"Content-Type": "text/plain"}, {"Content-Type": "multipart/form-data; boundary=x"}, {"Content-Type": ""}),
        *({"Content-Type": "application/json; charset=iso-8859-1"}, {"Content-Type": "application/xml"}),
        *({"Content-Encoding": "gzip"}, {"Content-Encoding": "br, identity"}, {"Content-Encoding": ""}),
    ],
)
async def test_other_types_and_encodings_are_not_read(shared: Rig, operation: str, headers: dict[str, str]) -> None:
    body, bearer = await good(shared, operation)
    content = gzip.compress(b"{}")
    answer = await shared.post(PATHS[operation], content=content, headers=headers, bearer=bearer or None)
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "common.unsupported_media_type")
    assert body is not None


async def test_a_body_without_a_type_is_not_read_but_no_body_needs_none(shared: Rig) -> None:
    bearer = (await shared.issue())["access_token"]
    answer = await shared.post(PATHS[REVOKE], content=b"{}", headers={"Content-Type": None}, bearer=bearer)
    assert answer.status_code == 415
    answer = await shared.post(PATHS[REVOKE], headers={"Content-Type": None}, bearer=bearer)
    assert answer.status_code == 204


@pytest.mark.parametrize("operation", POSTS)
@pytest.mark.parametrize("size", [65_537, 10_000_000])
async def test_a_streamed_body_over_the_limit_is_refused_before_it_ends(shared: Rig, operation: str, size: int) -> None:
    sent = 0

    async def stream() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < size:
            part = b" " * min(8192, size - sent)
            sent += len(part)
            yield part

    _, bearer = await good(shared, operation)
    headers = {"X-Request-ID": "r", "X-Tenant-ID": TENANT, "Content-Type": "application/json"}
    if bearer is not None:
        headers["Authorization"] = f"Bearer {bearer}"
    answer = await shared.client.post(PATHS[operation], content=stream(), headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "common.payload_too_large")


async def test_a_body_at_the_limit_is_read(shared: Rig) -> None:
    bearer = (await shared.issue())["access_token"]
    content = b"{" + b" " * 65_534 + b"}"
    assert (await shared.post(PATHS[REVOKE], content=content, bearer=bearer)).status_code == 204


@pytest.mark.parametrize("operation", POSTS)
async def test_a_body_that_never_ends_is_answered_at_the_deadline(shared: Rig, operation: str) -> None:
    async def stream() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(30)

    body, bearer = await good(shared, operation)
    headers = {"X-Request-ID": "r", "X-Tenant-ID": TENANT, "Content-Type": "application/json"}
    if bearer is not None:
        headers["Authorization"] = f"Bearer {bearer}"
    with mock.patch("tessera_service.http.body.read_body.__kwdefaults__", {"max_bytes": 65_536, "seconds": 0.05}):
        answer = await shared.client.post(PATHS[operation], content=stream(), headers=headers)
    check_error(answer, own(operation))
    assert answer.headers["connection"] == "close"
    assert body is not None


@pytest.mark.parametrize(
    "content", [b"token=a&token=b", b"token=%ff", b"to%6ben=a&token=b", b"other=1", b"token", b"&".join([b"a=1"] * 99)]
)
async def test_a_form_is_read_strictly(shared: Rig, content: bytes) -> None:
    bearer = await shared.service_bearer("token.introspect")
    answer = await shared.post(PATHS[INTROSPECT], content=content, headers=FORM, bearer=bearer)
    if content == b"token":  # a field without a value is an empty one
        assert answer.content == b'{"active":false}'
    else:
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, OWN_CODES[INTROSPECT])


@pytest.mark.parametrize("operation", [ISSUE, REFRESH])
async def test_a_real_form_is_no_json_where_json_is_read(shared: Rig, operation: str) -> None:
    _, bearer = await good(shared, operation)
    answer = await shared.post(PATHS[operation], content=b"sub=alice", headers=FORM, bearer=bearer)
    check_error(answer, own(operation))


async def test_numbers_of_5000_digits_are_no_trouble(shared: Rig) -> None:
    bearer = await shared.service_bearer("token.generate")
    content = b'{"sub":"alice","n":' + b"9" * 5000 + b"}"
    assert (await shared.post(PATHS[ISSUE], content=content, bearer=bearer)).status_code in (200, 400)


@pytest.mark.parametrize(
    ("body", "status", "code", "text"),
    [
        ({"grant_type": "password", "password": "p"}, 401, "auth.unauthorized", "credentials_refused"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, 400, "auth.refresh.invalid", "auth.refresh.invalid"),
    ],
)
async def test_a_grant_that_needs_no_caller_is_read_without_one(
    shared: Rig, body: dict[str, str], status: int, code: str, text: str
) -> None:
    answer = await shared.post(PATHS[ISSUE], {"email": "alice@example.org"} | body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["message"]) == (status, code, TEXTS[text].en)


async def test_every_other_grant_needs_a_caller_first(shared: Rig) -> None:
    for content in (b'{"grant_type":"magic"}', b'{"sub":"alice"}', b"{", b"", b" " * 70_000):
        answer = await shared.post(PATHS[ISSUE], content=content)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "auth.unauthorized")
