# SPDX-License-Identifier: Apache-2.0
"""The answers of the token surface."""

from functools import partial
from typing import Any

import httpx

from contract.rows.row import Cause, Row, Unreachable
from surfaces.service_rig import Rig
from surfaces.token import causes
from surfaces.token.causes import good
from tessera_service.surfaces.token.operations import INTROSPECT, ISSUE, JWKS, PATHS, REFRESH, REVOKE

POSTS = (ISSUE, REFRESH, REVOKE, INTROSPECT)
ENDPOINTS = {operation: f"{'GET' if operation == JWKS else 'POST'} {path}" for operation, path in PATHS.items()}
METHODS = {ISSUE: "issue", REFRESH: "refresh", REVOKE: "revoke_current", INTROSPECT: "introspect_now"}
BAD_INPUT = {
    ISSUE: "common.validation_error",
    REFRESH: "auth.refresh.invalid",
    REVOKE: "auth.revoke.invalid",
    INTROSPECT: "auth.introspect.invalid",
}
OUT_OF_RANGE: dict[str, object] = {
    ISSUE: {"sub": "with space"},
    REFRESH: {"session_id": "x" * 129},
    REVOKE: {"jti": ""},
}
GARBAGE = "aaaa.bbbb.cccc"

_DEAD = "auth.unauthorized"
_NO_SESSION = "auth.session.not_found"


def succeeds(operation: str) -> Cause:
    """A good call."""

    async def cause(rig: Rig) -> httpx.Response:
        body, bearer = await good(rig, operation)
        return await rig.post(PATHS[operation], body, bearer=bearer)

    return cause


def at_the_limit(operation: str) -> Cause:
    async def cause(rig: Rig) -> httpx.Response:
        body, bearer = await good(rig, operation)
        with rig.at_its_limit():
            return await rig.post(PATHS[operation], body, bearer=bearer)

    return cause


def introspects(member: str) -> Cause:
    """A live token, with all that it says."""

    async def cause(rig: Rig) -> httpx.Response:
        metadata = {"ip_address": "203.0.113.7", "user_agent": "Mozilla/5.0", "device_type": "ios"}
        pair = await rig.issue(session_metadata=metadata, scope="read", permissions=["report.read"])
        bearer = await rig.service_bearer("token.introspect")
        return await rig.post(PATHS[INTROSPECT], {"token": pair[member]}, bearer=bearer)

    return cause


async def fails_to_sign_in(rig: Rig) -> httpx.Response:
    """As often as may be: the last answer tells of the lock."""
    body = {"grant_type": "password", "username": f"nobody-{next(rig.numbers)}", "password": "a guess"}
    for _ in range(4):
        await rig.post(PATHS[ISSUE], body)
    return await rig.post(PATHS[ISSUE], body)


async def reads_keys(rig: Rig) -> httpx.Response:
    return await rig.client.get(PATHS[JWKS])


async def has_the_keys(rig: Rig) -> httpx.Response:
    """Asks for what it has."""
    etag = (await reads_keys(rig)).headers["etag"]
    return await rig.client.get(PATHS[JWKS], headers={"If-None-Match": etag})


def _row(operation: str, status: int, case: str, code: str, cause: Cause, *, alias: str | None = None) -> Row:
    return Row(ENDPOINTS[operation], status, case, code, cause, None if alias == code else alias)


def _everywhere(operation: str) -> list[Row]:
    own, invalid, internal = BAD_INPUT[operation], "common.validation_error", "common.internal_error"
    large, media = "common.payload_too_large", "common.unsupported_media_type"
    unknown_tenant = causes.with_headers(operation, X_Tenant_ID="tenant-x")
    no_tenant = causes.with_headers(operation, X_Tenant_ID=None)
    text = causes.with_body(operation, content=b"{}", Content_Type="text/plain")
    broken = causes.with_broken_engine(operation, METHODS[operation])
    return [
        _row(operation, 400, "invalid_input", own, causes.with_body(operation, content=b"{"), alias=invalid),
        _row(operation, 400, "invalid_input.missing", own, no_tenant, alias="common.missing_param"),
        _row(operation, 400, "unknown_tenant", own, unknown_tenant, alias=invalid),
        _row(operation, 413, "body_too_large", large, causes.with_body(operation, content=b" " * 65_537)),
        _row(operation, 415, "unsupported_media_type", media, text),
        _row(operation, 429, "rate_limited", "common.rate_limited", at_the_limit(operation)),
        _row(operation, 500, "internal_error", internal, broken),
        _row(operation, 503, "store_unavailable", internal, causes.without_store(operation)),
    ]


def _nobody(operation: str) -> Row:
    alias = "token.invalid" if operation == INTROSPECT else "common.unauthorized"
    cause = causes.with_bearer(operation, None if operation == REFRESH else GARBAGE)
    return _row(operation, 401, "unauthorized", "auth.unauthorized", cause, alias=alias)


def _foreign(operation: str) -> Row:
    return _row(operation, 403, "tenant_mismatch", "auth.tenant.mismatch", causes.of_other_tenant(operation))


def _out_of_range(operation: str) -> Row:
    cause = causes.with_body(operation, OUT_OF_RANGE[operation])
    return _row(operation, 422, "invalid_input.out_of_range", "common.validation_error", cause)


def _full(operation: str) -> Row:
    return _row(operation, 503, "overloaded", "common.internal_error", causes.with_full_queue(operation))


def _large() -> Row:
    body = {"sub": "alice", "permissions": [f"{number:064}" for number in range(64)]}
    return _row(ISSUE, 422, "token_too_large", "common.validation_error", causes.with_body(ISSUE, body))


def _exchanges(operation: str) -> list[Row]:
    """A refresh token at its own endpoint, and by its grant."""
    invalid, over = BAD_INPUT[REFRESH], "auth.session.revoked"

    def row(status: int, case: str, code: str, cause: Any, alias: str | None = None) -> Row:
        return _row(operation, status, case, code, partial(cause, operation=operation), alias=alias)

    return [
        row(400, "refresh_invalid.invalid", invalid, causes.exchange_garbage, "token.invalid"),
        row(400, "refresh_invalid.expired", invalid, causes.refresh_expired, "token.expired"),
        row(403, "session_ended.revoked", over, causes.refresh_of_revoked_session, "token.revoked"),
        row(403, "session_ended.inactive", over, causes.refresh_of_locked_session, "session.inactive"),
        row(404, "session_not_found", _NO_SESSION, causes.refresh_of_unknown_session),
    ]


ROWS = (
    *(row for operation in POSTS for row in _everywhere(operation)),
    *(_nobody(operation) for operation in POSTS),
    *(_foreign(operation) for operation in (ISSUE, REVOKE, INTROSPECT)),
    *(_out_of_range(operation) for operation in OUT_OF_RANGE),
    *(_full(operation) for operation in (ISSUE, REFRESH)),
    *(row for operation in (ISSUE, REFRESH) for row in _exchanges(operation)),
    _row(ISSUE, 200, "a pair", "", succeeds(ISSUE)),
    _row(ISSUE, 401, "credentials_refused", _DEAD, fails_to_sign_in, alias="common.unauthorized"),
    _row(ISSUE, 403, "forbidden", "common.forbidden", causes.without_permission(ISSUE)),
    _large(),
    _row(REFRESH, 200, "the next pair", "", succeeds(REFRESH)),
    _row(REVOKE, 204, "done", "", succeeds(REVOKE)),
    _row(
        *(REVOKE, 400, "revoke_invalid", BAD_INPUT[REVOKE], causes.revoke_current_of_service_token),
        alias="common.validation_error",
    ),
    _row(REVOKE, 400, "unknown_jti", "token.unknown_jti", causes.with_body(REVOKE, {"jti": "unknown"})),
    _row(
        *(REVOKE, 403, "session_forbidden", "auth.session.forbidden", causes.revoke_other_subjects_session),
        alias="common.forbidden",
    ),
    _row(
        *(REVOKE, 404, "session_not_found", _NO_SESSION, causes.revoke_session_of_other_tenant),
        alias="session.not_found",
    ),
    _row(INTROSPECT, 200, "an access token", "", introspects("access_token")),
    _row(INTROSPECT, 200, "a refresh token", "", introspects("refresh_token")),
    _row(INTROSPECT, 200, "a service token", "", succeeds(INTROSPECT)),
    _row(INTROSPECT, 200, "a dead one", "", causes.with_body(INTROSPECT, {"token": GARBAGE})),
    _row(
        *(INTROSPECT, 401, "unauthorized.expired", _DEAD, causes.with_expired_bearer(INTROSPECT)),
        alias="token.expired",
    ),
    _row(
        *(INTROSPECT, 401, "unauthorized.revoked", _DEAD, causes.with_revoked_bearer(INTROSPECT)),
        alias="token.revoked",
    ),
    _row(INTROSPECT, 403, "forbidden", "common.forbidden", causes.without_permission(INTROSPECT)),
    _row(JWKS, 200, "keys", "", reads_keys),
    _row(JWKS, 304, "not modified", "", has_the_keys),
    _row(JWKS, 500, "internal_error", "common.internal_error", causes.with_broken_keys),
)

UNREACHABLE = (
    Unreachable(
        *(ENDPOINTS[INTROSPECT], 422, "invalid_input.out_of_range"),
        reason="its only member is a token, of which any text will do: nothing is of the right type and out of bounds",
    ),
)
