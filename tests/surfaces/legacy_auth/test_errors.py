# SPDX-License-Identifier: Apache-2.0
"""Every row of the legacy surface's error table, each caused over HTTP: status, body, headers."""

from typing import NamedTuple

import pytest

from surfaces.legacy_auth.calls import GARBAGE, LOGOUT, PATHS, REFRESH, SESSION, ask, log_out, refresh
from surfaces.legacy_auth.causes import (
    NOBODY,
    Cause,
    calls,
    of_ended_session,
    of_other_subject,
    of_purged_session,
    of_unknown_session,
    posts,
    sends,
    with_broken_engine,
    with_full_queue,
    without_store,
)
from surfaces.service_rig import Rig
from tessera_service.surfaces.legacy_auth.documentation import CASES, row_of
from tessera_service.surfaces.legacy_auth.operations import PATHS as OPERATIONS

pytestmark = pytest.mark.asyncio(loop_scope="module")


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
    # An unknown session and another subject's are told alike, in the headers too.
    assert ("www-authenticate" in answer.headers) is (row.status == 401 or row.message == NOT_YOURS)
    assert ("allow" in answer.headers) is (row.status == 405)


async def test_the_table_holds_every_row_that_is_documented() -> None:
    documented = {
        (OPERATIONS[operation], row.status, row.text.en)
        for operation, cases in CASES.items()
        for case in cases
        for row in [row_of(operation, case)]
    }
    limited = {(path, status, message) for path, status, message in documented if status == 429}  # in test_limits
    assert len(limited) == 3
    paths = set(PATHS)
    caused = {(row.path, row.status, row.message) for row in TABLE if row.path in paths and row.status != 405}
    assert documented - limited == caused
