# SPDX-License-Identifier: Apache-2.0
"""The answers of the legacy surface, which has no codes: clients see the text."""

import httpx

from contract.rows.row import Cause, Row, Unreachable
from surfaces.legacy_auth import causes
from surfaces.legacy_auth.calls import GARBAGE, LOGOUT, REFRESH, SESSION, ask, log_out, refresh
from surfaces.legacy_auth.causes import NOBODY, good, posts
from surfaces.service_rig import Rig

ENDPOINTS = {SESSION: f"GET {SESSION}", REFRESH: f"POST {REFRESH}", LOGOUT: f"POST {LOGOUT}"}
BROKEN = "The service cannot answer at the moment."
NO_REFRESH = "The refresh token is not valid."
NOT_YOURS = "The session does not belong to the token."


def _row(path: str, status: int, case: str, code: str, cause: Cause) -> Row:
    return Row(ENDPOINTS[path], status, case, code, cause)


def at_the_limit(path: str) -> Cause:
    async def cause(rig: Rig) -> httpx.Response:
        await rig.service_bearer("token.generate", "token.introspect", "token.revoke")
        pair = await rig.issue()
        with rig.at_its_limit():
            if path == SESSION:
                return await ask(rig, pair["access_token"])
            if path == REFRESH:
                return await refresh(rig, pair["refresh_token"])
            return await log_out(rig, pair["access_token"], pair["session_id"])

    return cause


def succeeds(path: str) -> Cause:
    return lambda rig: good(rig, path)


def _service_fails(path: str) -> list[Row]:
    limited = "Too many requests: try again later."
    return [
        _row(path, 429, "rate_limited", limited, at_the_limit(path)),
        _row(path, 500, "internal_error", BROKEN, causes.with_broken_engine(path)),
        _row(path, 503, "store_unavailable", BROKEN, causes.without_store(path)),
    ]


def _bodies(path: str) -> list[Row]:
    media = "The body's content type or encoding is not supported."
    return [
        _row(path, 400, "invalid_input", "The request is not valid.", posts(path, b"{")),
        _row(path, 413, "body_too_large", "The body is too large.", posts(path, b" " * 65_537)),
        _row(path, 415, "unsupported_media_type", media, posts(path, b"{}", "text/plain")),
    ]


ROWS = (
    *(row for path in (SESSION, REFRESH, LOGOUT) for row in _service_fails(path)),
    *(row for path in (REFRESH, LOGOUT) for row in _bodies(path)),
    *(_row(path, 200, "all is well", "", succeeds(path)) for path in (SESSION, REFRESH, LOGOUT)),
    _row(SESSION, 401, "unauthorized", "The session is not valid.", lambda rig: ask(rig, GARBAGE)),
    _row(REFRESH, 401, "refresh_invalid", NO_REFRESH, lambda rig: refresh(rig, GARBAGE)),
    _row(REFRESH, 401, "session_ended", NO_REFRESH, causes.of_ended_session),
    _row(REFRESH, 401, "session_not_found", NO_REFRESH, causes.of_purged_session),
    _row(REFRESH, 503, "overloaded", BROKEN, causes.with_full_queue),
    _row(LOGOUT, 401, "unauthorized", "The access token is not valid.", lambda rig: log_out(rig, GARBAGE, NOBODY)),
    _row(LOGOUT, 403, "session_not_found", NOT_YOURS, causes.of_unknown_session),
    _row(LOGOUT, 403, "session_forbidden", NOT_YOURS, causes.of_other_subject),
)

UNREACHABLE: tuple[Unreachable, ...] = ()
