# SPDX-License-Identifier: Apache-2.0
"""The answers of the OAuth surface."""

import httpx

from contract.rows.row import Cause, Row, Unreachable
from surfaces.oauth2 import causes
from surfaces.oauth2.calls import ENDPOINTS, GARBAGE, POSTS, make_client, send
from surfaces.service_rig import Rig
from tessera_service.surfaces.oauth2.operations import INTROSPECT, METADATA, PATHS, REVOKE

_BAD = "invalid_request"
_NOBODY = "invalid_client"
_DEAD = "invalid_token"
_DOWN = "temporarily_unavailable"


def tells_of(member: str) -> Cause:
    """A live token, with all that is told of it."""

    async def cause(rig: Rig) -> httpx.Response:
        token = (await rig.issue(scope="read", permissions=["report.read"]))[member]
        return await send(rig, INTROSPECT, {"token": token}, client=await make_client(rig))

    return cause


async def tells_of_a_service_token(rig: Rig) -> httpx.Response:
    return await send(rig, INTROSPECT, {"token": await rig.mint("report.read")}, client=await make_client(rig))


def revokes(member: str) -> Cause:
    async def cause(rig: Rig) -> httpx.Response:
        token = (await rig.issue())[member]
        return await send(rig, REVOKE, {"token": token}, client=await make_client(rig))

    return cause


def sends_garbage(operation: str) -> Cause:
    return causes.with_content(operation, f"token={GARBAGE}".encode())


async def reads_metadata(rig: Rig) -> httpx.Response:
    return await rig.client.get(PATHS[METADATA])


def _row(operation: str, status: int, case: str, code: str, cause: Cause) -> Row:
    return Row(ENDPOINTS[operation], status, case, code, cause)


def _everywhere(operation: str) -> list[Row]:
    text = causes.with_content(operation, b"token=x", Content_Type="text/plain")
    bearer = causes.with_authorization(operation, f"Bearer {GARBAGE}")
    foreign = causes.with_bearer_of_other_tenant(operation)
    forbidden = causes.with_key_that_may(operation, "doc*:view")
    return [
        _row(operation, 400, "invalid_input.missing", _BAD, causes.with_content(operation, b"")),
        _row(operation, 400, "invalid_input", _BAD, causes.with_content(operation, b"token=a&token=a")),
        _row(operation, 401, "unauthorized.missing", _NOBODY, causes.with_authorization(operation)),
        _row(operation, 401, "unauthorized", _DEAD, bearer),
        _row(operation, 401, "tenant_mismatch", _DEAD, foreign),
        _row(operation, 401, "client_refused", _NOBODY, causes.with_wrong_secret(operation)),
        _row(operation, 403, "client_forbidden", "unauthorized_client", forbidden),
        _row(operation, 413, "body_too_large", _BAD, causes.with_content(operation, b"x" * 65_537)),
        _row(operation, 415, "unsupported_media_type", _BAD, text),
        _row(operation, 429, "rate_limited", _DOWN, causes.at_the_limit(operation)),
        _row(operation, 500, "internal_error", "server_error", causes.with_broken_engine(operation)),
        _row(operation, 503, "store_unavailable", _DOWN, causes.without_store(operation)),
    ]


ROWS = (
    *(row for operation in POSTS for row in _everywhere(operation)),
    _row(INTROSPECT, 200, "an access token", "", tells_of("access_token")),
    _row(INTROSPECT, 200, "a refresh token", "", tells_of("refresh_token")),
    _row(INTROSPECT, 200, "a service token", "", tells_of_a_service_token),
    _row(INTROSPECT, 200, "a dead one", "", sends_garbage(INTROSPECT)),
    _row(INTROSPECT, 403, "forbidden", "insufficient_scope", causes.introspect_without_permission),
    _row(REVOKE, 200, "an access token", "", revokes("access_token")),
    _row(REVOKE, 200, "a refresh token", "", revokes("refresh_token")),
    _row(REVOKE, 200, "no token", "", sends_garbage(REVOKE)),
    _row(REVOKE, 400, "revoke_invalid.other_kind", "unsupported_token_type", causes.revoke_session_token),
    _row(REVOKE, 403, "session_forbidden", "insufficient_scope", causes.revoke_of_another_without_permission),
    _row(METADATA, 200, "what is served", "", reads_metadata),
    _row(METADATA, 404, "not_found", _BAD, causes.with_an_issuer_that_is_no_url),
    _row(METADATA, 429, "rate_limited", _DOWN, causes.at_the_limit(METADATA)),
    _row(METADATA, 500, "internal_error", "server_error", causes.with_broken_engine(METADATA)),
)

UNREACHABLE: tuple[Unreachable, ...] = ()
