# SPDX-License-Identifier: Apache-2.0
"""The answers of the session-token surface, which has no codes: clients see the text."""

from typing import Any

import httpx

from contract.rows.row import Cause, Row, Unreachable
from surfaces.service_rig import Rig
from surfaces.session_token import causes
from surfaces.session_token.causes import ENGINE, METHODS, PATHS, good_body

FOREIGN = "Session token is not valid"
BROKEN = "The service cannot answer at the moment"
METHOD_OF_ENGINE = {
    "create": "access_keys.AccessKeys.check",
    "validate": "session_tokens.SessionTokens.validate_now",
    "revoke": "session_tokens.SessionTokens.revoke",
}
CALLS = [(name, method) for name, methods in METHODS.items() for method in methods]
Call = tuple[str, str]


def _row(call: Call, status: int, case: str, code: str, cause: Cause) -> Row:
    name, method = call
    return Row(f"{method} {PATHS[name]}", status, case, code, cause)


def sends(call: Call, **members: Any) -> Cause:
    """A good body, with other members."""

    async def cause(rig: Rig) -> httpx.Response:
        name, method = call
        return await rig.client.request(method, PATHS[name], json={**await good_body(rig, name), **members})

    return cause


def posts(call: Call, content: bytes, kind: str = "application/json") -> Cause:
    name, method = call
    return lambda rig: rig.client.request(method, PATHS[name], content=content, headers={"Content-Type": kind})


def at_the_limit(call: Call) -> Cause:
    async def cause(rig: Rig) -> httpx.Response:
        name, method = call
        body = await good_body(rig, name)
        with rig.at_its_limit():
            return await rig.client.request(method, PATHS[name], json=body)

    return cause


def without_store(call: Call) -> Cause:
    async def cause(rig: Rig) -> httpx.Response:
        name, method = call
        body = await good_body(rig, name)
        rig.engine.mirror.table.clear()
        rig.fail_stores("raises")
        return await rig.client.request(method, PATHS[name], json=body)

    return cause


def _everywhere(call: Call) -> list[Row]:
    name, method = call
    media = "The body's content type or encoding is not supported"
    broken = causes.broken(name, method, f"{ENGINE}.{METHOD_OF_ENGINE[name]}")
    return [
        _row(call, 400, "invalid_input.missing", "A required field is missing", posts(call, b"{}")),
        _row(call, 400, "invalid_input", "The request is not valid", posts(call, b"{")),
        _row(call, 413, "body_too_large", "The body is too large", posts(call, b" " * 65_537)),
        _row(call, 415, "unsupported_media_type", media, posts(call, b"{}", "text/plain")),
        _row(call, 429, "rate_limited", "Too many requests: try again later", at_the_limit(call)),
        _row(call, 500, "internal_error", BROKEN, broken),
        _row(call, 503, "store_unavailable", BROKEN, without_store(call)),
    ]


CREATE, VALIDATE, *REVOKES = CALLS
ROWS = (
    *(row for call in CALLS for row in _everywhere(call)),
    *(_row(call, 200, "done", "", sends(call)) for call in REVOKES),
    *(
        _row(call, 400, "revoke_invalid", "Session token is not valid", sends(call, session_token="x"))
        for call in REVOKES
    ),
    _row(CREATE, 200, "a token", "", sends(CREATE)),
    _row(CREATE, 401, "unauthorized", "Access key or secret is not valid", causes.with_wrong_secret),
    _row(CREATE, 503, "overloaded", BROKEN, causes.with_full_queue),
    _row(VALIDATE, 200, "permitted", "", sends(VALIDATE)),
    _row(VALIDATE, 200, "not permitted", "", sends(VALIDATE, permission="edit")),
    _row(VALIDATE, 200, "dead", "", sends(VALIDATE, session_token="x")),
)

UNREACHABLE: tuple[Unreachable, ...] = ()
