# SPDX-License-Identifier: Apache-2.0
"""The answers of the auth surface."""

import httpx

from contract.rows.row import Cause, Row, Unreachable
from surfaces.auth import causes
from surfaces.auth.calls import BODIES, NOBODY, call
from surfaces.auth.causes import with_, with_codes_that, with_engine_that
from surfaces.auth.people import add_user, by_name
from surfaces.service_rig import Rig
from tessera_service.errors import CodeExpired, CodeRefused, CredentialsRefused, Overloaded, TokenTooLarge
from tessera_service.surfaces.auth.operations import LIST, LOGIN, LOGOUT, METHODS, PATHS, REQUEST_OTP, REVOKE

ENDPOINTS = {operation: f"{METHODS[operation]} {path}" for operation, path in PATHS.items()}
WITH_BODY = (LOGIN, REQUEST_OTP, LOGOUT, REVOKE)
WITH_TOKEN = (LOGOUT, LIST, REVOKE)
TOO_LARGE = "auth.payload_too_large"
MEDIA = "auth.unsupported_media_type"


def _row(operation: str, status: int, case: str, code: str, cause: Cause, alias: str | None = None) -> Row:
    return Row(ENDPOINTS[operation], status, case, code, cause, alias)


def at_the_limit(operation: str) -> Cause:
    async def cause(rig: Rig) -> httpx.Response:
        bearer, session_id = await causes.good_bearer(rig, operation), await causes.good_id(rig)
        with rig.at_its_limit():
            return await call(rig, operation, BODIES[operation], bearer=bearer, session_id=session_id)

    return cause


async def signs_in(rig: Rig) -> httpx.Response:
    """With the right password."""
    name = f"user-{next(rig.numbers)}"
    await add_user(rig, name)
    return await call(rig, LOGIN, by_name(name))


def _everywhere(operation: str) -> list[Row]:
    missing, unknown = {"X-Tenant-ID": None}, {"X-Tenant-ID": "tenant-x"}
    tenant = "auth.tenant_not_found"
    return [
        _row(
            operation, 400, "invalid_input.tenant", tenant, with_(operation, headers=missing), alias="missing_tenant_id"
        ),
        _row(operation, 400, "unknown_tenant", tenant, with_(operation, headers=unknown)),
        _row(operation, 429, "rate_limited", "auth.rate_limited", at_the_limit(operation)),
        _row(operation, 500, "internal_error", "auth.internal_error", with_engine_that(operation, RuntimeError())),
        _row(operation, 503, "store_unavailable", "auth.internal_error", causes.without_store(operation)),
    ]


def _bodies(operation: str) -> list[Row]:
    text = {"Content-Type": "text/plain"}
    return [
        _row(operation, 400, "invalid_input", "auth.invalid_request", with_(operation, content=b"{")),
        _row(operation, 413, "body_too_large", TOO_LARGE, with_(operation, content=b" " * 65_537)),
        _row(operation, 415, "unsupported_media_type", MEDIA, with_(operation, content=b"{}", headers=text)),
    ]


def _tokens(operation: str) -> list[Row]:
    return [
        _row(operation, 401, "unauthorized", "auth.token.invalid", causes.with_dead_bearer(operation, "bad")),
        _row(operation, 403, "tenant_mismatch", "auth.tenant_mismatch", causes.of_other_tenant(operation)),
    ]


def _sign_ins() -> list[Row]:
    def refused(status: int, case: str, code: str, cause: Cause) -> Row:
        return _row(LOGIN, status, case, code, cause)

    locked_out, too_large = (
        with_engine_that(LOGIN, CredentialsRefused(0, 900)),
        with_engine_that(LOGIN, TokenTooLarge()),
    )
    return [
        refused(401, "credentials_refused", "auth.invalid_credentials", locked_out),
        refused(400, "code_refused", "auth.otp.invalid", with_codes_that(CodeRefused(4))),
        refused(400, "code_expired", "auth.otp.expired", with_codes_that(CodeExpired())),
        refused(400, "token_too_large", "auth.invalid_request", too_large),
        refused(503, "overloaded", "auth.internal_error", with_engine_that(LOGIN, Overloaded())),
    ]


ROWS = (
    _row(LOGIN, 200, "the right password", "", signs_in),
    _row(REQUEST_OTP, 202, "whoever's number it is", "", with_(REQUEST_OTP)),
    *(_row(operation, 200, "all is well", "", with_(operation)) for operation in WITH_TOKEN),
    *(row for operation in METHODS for row in _everywhere(operation)),
    *(row for operation in WITH_BODY for row in _bodies(operation)),
    *(row for operation in WITH_TOKEN for row in _tokens(operation)),
    *_sign_ins(),
    _row(
        LOGOUT, 400, "token_already_revoked", "auth.token.already_revoked", causes.with_dead_bearer(LOGOUT, "revoked")
    ),
    _row(LIST, 400, "invalid_input", "auth.invalid_query", with_(LIST, query={"limit": 0})),
    _row(LIST, 403, "session_forbidden", "auth.forbidden", causes.without_permission(LIST)),
    _row(REVOKE, 403, "forbidden", "auth.forbidden", causes.without_permission(REVOKE)),
    _row(REVOKE, 404, "session_not_found", "session.not_found", causes.revoke_id(NOBODY)),
    _row(REVOKE, 404, "not_found", "auth.not_found", causes.revoke_id("a%2Fb")),
)

UNREACHABLE: tuple[Unreachable, ...] = ()
