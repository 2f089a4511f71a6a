# SPDX-License-Identifier: Apache-2.0
"""The answers of the gateway surface."""

import httpx

from contract.rows.row import Cause, Row, Unreachable
from surfaces.gateway import causes
from surfaces.gateway.calls import PERMISSIONS, SPAN, THRESHOLD, body, make, send
from surfaces.gateway.causes import good, with_changes
from surfaces.service_rig import Rig
from tessera_service.surfaces.gateway.operations import (
    CREATE,
    HEALTH,
    LIST,
    LOGOUT,
    METHODS,
    PATHS,
    REFRESH,
    REVOKE,
    REVOKE_USER,
    STATS,
    VALIDATE,
)

ENDPOINTS = {operation: f"{METHODS[operation]} {path}" for operation, path in PATHS.items()}
LIMITED = (VALIDATE, CREATE, REFRESH, LOGOUT, STATS, LIST, REVOKE, REVOKE_USER)
READING = (VALIDATE, CREATE, REFRESH, LOGOUT)  # read a body, of which REFRESH wants nothing
BEARERS = (REFRESH, LOGOUT, LIST, REVOKE, REVOKE_USER)
SLASHES = {LIST: "/user/a%2fb", REVOKE: "/a%2fb", REVOKE_USER: "/user/a%2fb"}
MOST = 5


def _row(operation: str, status: int, case: str, code: str, cause: Cause) -> Row:
    return Row(ENDPOINTS[operation], status, case, code, cause)


def at_the_limit(operation: str) -> Cause:
    async def cause(rig: Rig) -> httpx.Response:
        call = await good(rig, operation)
        with rig.at_its_limit():
            return await call.send(rig)

    return cause


def near_its_end(operation: str) -> Cause:
    """With a token that gets a successor."""

    async def cause(rig: Rig) -> httpx.Response:
        call = await good(rig, operation)
        rig.clock.advance(SPAN - THRESHOLD)
        return await call.send(rig)

    return cause


async def validates_a_plain_session(rig: Rig) -> httpx.Response:
    """Of another surface: without a username and a role."""
    return await send(rig, "POST", "/validate", {"token": (await rig.issue())["access_token"]})


async def is_well(rig: Rig) -> httpx.Response:
    return await send(rig, "GET", "/health")


async def is_unwell(rig: Rig) -> httpx.Response:
    rig.fail_stores("raises")
    return await is_well(rig)


async def makes_one_too_many(rig: Rig) -> httpx.Response:
    """With the policy that refuses what is over the limit."""
    user, bearer = f"user-{next(rig.numbers)}", await rig.mint(*PERMISSIONS)
    for _ in range(MOST):
        await make(rig, user)
    return await send(rig, "POST", "", body(user), bearer=bearer)


def _service_fails(operation: str) -> list[Row]:
    code = "session_creation_failed" if operation == CREATE else "validation_error"
    broken = causes.with_engine_that_raises(operation, RuntimeError("canary in a message"))
    return [
        _row(operation, 429, "rate_limited", "rate_limited", at_the_limit(operation)),
        _row(operation, 500, "internal_error", code, broken),
        _row(operation, 503, "store_unavailable", code, causes.without_store(operation)),
    ]


def _bodies(operation: str) -> list[Row]:
    text = with_changes(operation, content=b"x", headers={"Content-Type": "text/plain"})
    large = with_changes(operation, content=b" " * 65_537)
    return [
        _row(operation, 413, "body_too_large", "payload_too_large", large),
        _row(operation, 415, "unsupported_media_type", "unsupported_media_type", text),
    ]


def _bearers(operation: str) -> list[Row]:
    return [
        _row(operation, 401, "unauthorized.missing", "missing_token", with_changes(operation, bearer=None)),
        _row(operation, 401, "unauthorized", "session_not_found", causes.with_scheme(operation, "Bearer ")),
        _row(operation, 401, "token_dead.expired", "session_expired", causes.as_bearer(operation, causes.expired)),
        _row(operation, 401, "token_dead.inactive", "session_inactive", causes.as_bearer(operation, causes.revoked)),
        _row(operation, 401, "token_dead.not_found", "session_not_found", with_changes(operation, bearer="a.b.c")),
    ]


def _not_json(operation: str) -> Row:
    return _row(operation, 400, "invalid_input", "invalid_request", with_changes(operation, content=b"{"))


def _slash(operation: str) -> Row:
    return _row(operation, 404, "not_found", "not_found", with_changes(operation, path=SLASHES[operation]))


def _of_another(operation: str) -> Row:
    return _row(operation, 403, "session_forbidden", "forbidden", causes.of_other_user(operation))


def _keyless(operation: str) -> Row:
    return _row(operation, 403, "forbidden", "forbidden", with_changes(operation, bearer=None))


def _full(operation: str) -> Row:
    code = "session_creation_failed" if operation == CREATE else "validation_error"
    return _row(operation, 503, "overloaded", code, causes.with_full_queue(operation))


_TOO_MUCH = [f"{number:064}" for number in range(64)]
_UNKNOWN = causes.of_path("/01930000-0000-7000-8000-000000000000")
_BAD_QUERY = causes.of_path("/user/alice?exclude_current=yes")
ROWS = (
    *(row for operation in LIMITED for row in _service_fails(operation)),
    *(row for operation in READING for row in _bodies(operation)),
    *(row for operation in BEARERS for row in _bearers(operation)),
    *(_not_json(operation) for operation in (VALIDATE, CREATE, LOGOUT)),
    *(_slash(operation) for operation in SLASHES),
    *(_of_another(operation) for operation in (LIST, REVOKE, REVOKE_USER)),
    *(_keyless(operation) for operation in (CREATE, STATS)),
    *(_full(operation) for operation in (CREATE, REFRESH)),
    _row(HEALTH, 200, "healthy", "", is_well),
    _row(HEALTH, 503, "unhealthy", "", is_unwell),
    _row(VALIDATE, 200, "a live token", "", with_changes(VALIDATE)),
    _row(VALIDATE, 200, "a live token of another surface", "", validates_a_plain_session),
    _row(VALIDATE, 200, "a token with a successor", "", near_its_end(VALIDATE)),
    _row(VALIDATE, 200, "a dead token", "", with_changes(VALIDATE, json={"token": "x"})),
    _row(VALIDATE, 400, "invalid_input.missing", "missing_fields", with_changes(VALIDATE, json={})),
    _row(CREATE, 201, "a session", "", with_changes(CREATE)),
    _row(CREATE, 400, "invalid_input.missing", "missing_fields", causes.with_body(user_id=None)),
    _row(CREATE, 400, "token_too_large", "invalid_request", causes.with_body(permissions=_TOO_MUCH)),
    _row(CREATE, 409, "session_limit_reached", "session_creation_failed", makes_one_too_many),
    _row(REFRESH, 200, "too early", "", with_changes(REFRESH)),
    _row(REFRESH, 200, "a successor", "", near_its_end(REFRESH)),
    _row(LOGOUT, 200, "done", "", with_changes(LOGOUT)),
    _row(STATS, 200, "figures", "", with_changes(STATS)),
    _row(LIST, 200, "sessions", "", with_changes(LIST)),
    _row(REVOKE, 200, "done", "", with_changes(REVOKE)),
    _row(REVOKE, 404, "session_not_found", "session_not_found", _UNKNOWN),
    _row(REVOKE_USER, 200, "done", "", with_changes(REVOKE_USER)),
    _row(REVOKE_USER, 400, "invalid_input", "invalid_request", _BAD_QUERY),
)

UNREACHABLE: tuple[Unreachable, ...] = ()
