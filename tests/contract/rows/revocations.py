# SPDX-License-Identifier: Apache-2.0
"""The answers to those who follow the revocations."""

from unittest import mock

import httpx

from contract.rows.row import Cause, Row, Unreachable
from surfaces.revocations.calls import PATH, ask, follow
from surfaces.service_rig import OTHER_TENANT, Rig
from tessera_service.engine.revocation_feed import RevocationFeed
from tessera_service.engine.seats import Seats

ENDPOINT = f"GET {PATH}"
INVALID, INTERNAL = "common.validation_error", "common.internal_error"


async def goes_on(rig: Rig) -> httpx.Response:
    return await ask(rig, (await follow(rig)).cursor)


async def has_a_strange_cursor(rig: Rig) -> httpx.Response:
    return await ask(rig, "AAAA")


async def is_nobody(rig: Rig) -> httpx.Response:
    return await rig.client.get(PATH)


async def may_not(rig: Rig) -> httpx.Response:
    return await ask(rig, bearer=await rig.service_bearer("reports.read"))


async def is_of_another_tenant(rig: Rig) -> httpx.Response:
    return await ask(rig, headers={"X-Tenant-ID": OTHER_TENANT})


async def is_at_the_limit(rig: Rig) -> httpx.Response:
    bearer = await rig.service_bearer("token.introspect")
    with rig.at_its_limit():
        return await ask(rig, bearer=bearer)


async def meets_an_error(rig: Rig) -> httpx.Response:
    cursor = (await follow(rig)).cursor
    with mock.patch.object(RevocationFeed, "news", side_effect=RuntimeError("canary in a message")):
        return await ask(rig, cursor)


async def meets_no_store(rig: Rig) -> httpx.Response:
    bearer = await rig.mint("token.introspect")  # not known yet: it has to be asked for
    rig.fail_stores("raises")
    return await ask(rig, bearer=bearer)


async def finds_no_seat(rig: Rig) -> httpx.Response:
    cursor = (await follow(rig)).cursor
    with mock.patch.object(Seats, "_has", return_value=False):
        return await ask(rig, cursor)


def _row(status: int, case: str, code: str, cause: Cause, *, alias: str | None = None) -> Row:
    return Row(ENDPOINT, status, case, code, cause, alias)


ROWS = (
    _row(200, "a snapshot", "", ask),
    _row(200, "what is new", "", goes_on),
    _row(400, "invalid_input", INVALID, has_a_strange_cursor),
    _row(401, "unauthorized", "auth.unauthorized", is_nobody, alias="common.unauthorized"),
    _row(403, "forbidden", "common.forbidden", may_not),
    _row(403, "tenant_mismatch", "auth.tenant.mismatch", is_of_another_tenant),
    _row(429, "rate_limited", "common.rate_limited", is_at_the_limit),
    _row(500, "internal_error", INTERNAL, meets_an_error),
    _row(503, "store_unavailable", INTERNAL, meets_no_store),
    _row(503, "overloaded", INTERNAL, finds_no_seat),
)
UNREACHABLE: tuple[Unreachable, ...] = ()
