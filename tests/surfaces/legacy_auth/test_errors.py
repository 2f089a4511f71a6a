# SPDX-License-Identifier: Apache-2.0
"""Every row of the legacy surface's error table, each caused over HTTP: status, body, headers."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple
from unittest import mock

import httpx
import pytest

from surfaces.legacy_auth.calls import GARBAGE, LOGOUT, PATHS, REFRESH, SESSION, ask, log_out, refresh, send
from surfaces.service_rig import Rig
from tessera_service.errors import Overloaded
from tessera_service.surfaces.legacy_auth.documentation import CASES, row_of
from tessera_service.surfaces.legacy_auth.operations import PATHS as OPERATIONS

pytestmark = pytest.mark.asyncio(loop_scope="module")

Cause = Callable[[Rig], Awaitable[httpx.Response]]
NOBODY = "0190a000-0000-7000-8000-000000000000"


class Row(NamedTuple):
    """One way to an error."""

    name: str
    path: str
    status: int
    message: str
    cause: Cause


BAD = "The request is not valid."
MEDIA = "The body's content type or encoding is not supported."
LARGE = "The body is too large."
BROKEN = "The service cannot answer at the moment."
NO_METHOD = "This path does not take this method."
NO_PATH = "There is nothing at this path."
DEAD = {
    SESSION: "The session is not valid.",
    REFRESH: "The refresh token is not valid.",
    LOGOUT: "The access token is not valid.",
}
NOT_YOURS = "The session does not belong to the token."


def sends(path: str, body: object) -> Cause:
    return lambda rig: send(rig, path, body)


def posts(path: str, content: bytes, kind: str | None = "application/json", **headers: str) -> Cause:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = named if kind is None else {"Content-Type": kind, **named}
    return lambda rig: rig.client.post(path, content=content, headers=sent)


def calls(method: str, path: str) -> Cause:
    return lambda rig: rig.client.request(method, path)


async def good(rig: Rig, path: str) -> httpx.Response:
    """A call that would do."""
    pair = await rig.issue()
    rig.engine.mirror.table.clear()  # nothing is known from memory
    if path == SESSION:
        return await ask(rig, pair["access_token"])
    if path == REFRESH:
        return await refresh(rig, pair["refresh_token"])
    return await log_out(rig, pair["access_token"], pair["session_id"])


def without_store(path: str) -> Cause:
    async def cause(rig: Rig) -> httpx.Response:
        pair = await rig.issue()
        rig.engine.mirror.table.clear()
        rig.fail_stores("raises")
        if path == SESSION:
            return await ask(rig, pair["access_token"])
        if path == REFRESH:
            return await refresh(rig, pair["refresh_token"])
        return await log_out(rig, pair["access_token"], pair["session_id"])

    return cause


def with_broken_engine(path: str) -> Cause:
    async def cause(rig: Rig) -> httpx.Response:
        with (
            mock.patch.object(type(rig.engine.legacy), "session_now", side_effect=RuntimeError),
            mock.patch.object(type(rig.engine.legacy), "logout", side_effect=RuntimeError),
            mock.patch.object(type(rig.engine.tokens), "refresh", side_effect=RuntimeError),
        ):
            return await good(rig, path)

    return cause


async def with_full_queue(rig: Rig) -> httpx.Response:
    with mock.patch.object(type(rig.engine.tokens), "refresh", side_effect=Overloaded):
        return await good(rig, REFRESH)


async def of_other_subject(rig: Rig) -> httpx.Response:
    one, other = await rig.issue("alice"), await rig.issue("bob")
    return await log_out(rig, one["access_token"], other["session_id"])


async def of_unknown_session(rig: Rig) -> httpx.Response:
    return await log_out(rig, (await rig.issue())["access_token"], NOBODY)


async def of_ended_session(rig: Rig) -> httpx.Response:
    pair = await rig.issue()
    await log_out(rig, pair["access_token"], pair["session_id"])
    return await refresh(rig, pair["refresh_token"])


async def of_purged_session(rig: Rig) -> httpx.Response:
    return await refresh(rig, rig.forge_refresh(session_id=NOBODY))


def of_bodies(path: str, bodies: list[object]) -> list[Row]:
    return [
        *(Row(f"a body {body!r}", path, 400, BAD, sends(path, body)) for body in bodies),
        *(Row(f"no JSON {text!r}", path, 400, BAD, posts(path, text)) for text in (b"{", b'{"a":NaN}', b"\xff")),
        Row("duplicates", path, 400, BAD, posts(path, b'{"refreshToken":"x","refreshToken":"x"}')),
        Row("no body", path, 400, BAD, calls("POST", path)),
        Row("a body over 64 KiB", path, 413, LARGE, posts(path, b" " * 65_537)),
        Row("another type", path, 415, MEDIA, posts(path, b"{}", "text/plain")),
        Row("JSON under the form type", path, 415, MEDIA, posts(path, b"{}", "application/x-www-form-urlencoded")),
        Row("no type", path, 415, MEDIA, posts(path, b"{}", None)),
        Row("another charset", path, 415, MEDIA, posts(path, b"{}", "application/json; charset=utf-16")),
        Row("compression", path, 415, MEDIA, posts(path, b"{}", Content_Encoding="gzip")),
        *(Row(f"{verb}", path, 405, NO_METHOD, calls(verb, path)) for verb in ("GET", "PUT", "DELETE", "OPTIONS")),
    ]


TABLE = [
    *(Row("an error of ours", path, 500, BROKEN, with_broken_engine(path)) for path in PATHS),
    *(Row("no store", path, 503, BROKEN, without_store(path)) for path in PATHS),
    Row("a full queue", REFRESH, 503, BROKEN, with_full_queue),
    Row("no token", SESSION, 401, DEAD[SESSION], lambda rig: ask(rig)),
    Row("a bad token", SESSION, 401, DEAD[SESSION], lambda rig: ask(rig, GARBAGE)),
    *(Row(verb, SESSION, 405, NO_METHOD, calls(verb, SESSION)) for verb in ("POST", "PUT", "DELETE", "OPTIONS")),
    *of_bodies(
        REFRESH,
        [{}, [], "x", None, {"refreshToken": None}, {"refreshToken": 1}, {"refreshToken": ["x"]}, {"token": "x"}],
    ),
    Row("a bad token", REFRESH, 401, DEAD[REFRESH], lambda rig: refresh(rig, GARBAGE)),
    Row("an empty token", REFRESH, 401, DEAD[REFRESH], lambda rig: refresh(rig, "")),
    Row("an ended session", REFRESH, 401, DEAD[REFRESH], of_ended_session),
    Row("a purged session", REFRESH, 401, DEAD[REFRESH], of_purged_session),
    *of_bodies(
        LOGOUT,
        [
            *({}, {"accessToken": "x"}, {"sessionId": "x"}, {"accessToken": None, "sessionId": "x"}),
            *({"accessToken": "x", "sessionId": 1}, {"accessToken": ["x"], "sessionId": "x"}),
        ],
    ),
    Row("a bad token", LOGOUT, 401, DEAD[LOGOUT], lambda rig: log_out(rig, GARBAGE, NOBODY)),
    Row("another subject's session", LOGOUT, 403, NOT_YOURS, of_other_subject),
    Row("an unknown session", LOGOUT, 403, NOT_YOURS, of_unknown_session),
    *(
        Row(path, path, 404, NO_PATH, calls("GET", path))
        for path in ("/api/v1/auth", "/api/v1/auth/", f"{REFRESH}/", "/api/v1/auth/x", "/api/v1/auth/x%2fy")
    ),
    Row("a slash", f"{SESSION}/", 404, NO_PATH, calls("GET", f"{SESSION}/")),
]


@pytest.mark.parametrize("row", TABLE, ids=[f"{row.path} {row.name}" for row in TABLE])
async def test_each_row_is_answered_as_the_table_says(shared: Rig, row: Row) -> None:
    answer = await row.cause(shared)
    flag = "isValid" if row.path == SESSION else "success"
    assert (answer.status_code, answer.json()) == (row.status, {flag: False, "message": row.message})
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-request-id"]
    assert ("retry-after" in answer.headers) is (row.status == 503)
    assert ("www-authenticate" in answer.headers) is (row.status == 401 or row.name == "another subject's session")
    assert ("allow" in answer.headers) is (row.status == 405)


async def test_the_table_holds_every_row_that_is_documented() -> None:
    documented = {
        (OPERATIONS[operation], row.status, row.message)
        for operation, cases in CASES.items()
        for case in cases
        for row in [row_of(operation, case)]
    }
    limited = {(path, status, message) for path, status, message in documented if status == 429}  # in test_limits
    assert len(limited) == 3
    paths = set(PATHS)
    caused = {(row.path, row.status, row.message) for row in TABLE if row.path in paths and row.status != 405}
    assert documented - limited == caused
