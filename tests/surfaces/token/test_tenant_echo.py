# SPDX-License-Identifier: Apache-2.0
"""X-Tenant-ID in answers where no operation is reached."""

import pytest

from surfaces.service_rig import TENANT, Rig


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/token", 405), ("PUT", "/v1/token/revoke", 405), ("POST", "/v1/token/nowhere", 404)],
)
async def test_a_known_tenant_is_echoed_where_nothing_is_served(rig: Rig, method: str, path: str, status: int) -> None:
    await rig.service_bearer("token.introspect")
    await rig.engine.tenants.exists(TENANT)
    rig.fail_stores("raises")
    echoed = {}
    for tenant in (TENANT, "unknown", "no tenant"):
        answer = await rig.client.request(method, path, headers={"X-Tenant-ID": tenant})
        assert answer.status_code == status
        echoed[tenant] = answer.headers.get("x-tenant-id")
    assert echoed == {TENANT: TENANT, "unknown": None, "no tenant": None}


async def test_no_tenant_is_echoed_outside_of_the_surface(rig: Rig) -> None:
    await rig.engine.tenants.exists(TENANT)
    for path in ("/nowhere", "/v1/tokens", "/.well-known/jwks.json/x"):
        answer = await rig.client.get(path, headers={"X-Tenant-ID": TENANT})
        assert (answer.status_code, answer.headers.get("x-tenant-id")) == (404, None)
