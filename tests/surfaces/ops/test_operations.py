# SPDX-License-Identifier: Apache-2.0
import asyncio
import time

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from surfaces.service_rig import TENANT, Rig
from tessera_service.errors import StoreUnavailable


async def read_metric(rig: Rig, name: str, **labels: str) -> float:
    """One value of /metrics; 0 if there is no such series."""
    text = (await rig.client.get("/metrics")).text
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return float(sample.value)
    return 0


async def test_a_service_that_works_is_alive_and_ready(rig: Rig) -> None:
    alive, ready = await rig.client.get("/livez"), await until_ready(rig)

    assert (alive.status_code, alive.json()) == (200, {"status": "alive"})
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})


@pytest.mark.parametrize("failure", ["raises", "hangs"])
async def test_without_its_stores_it_is_alive_and_not_ready_within_two_seconds(rig: Rig, failure: str) -> None:
    rig.fail_stores(failure)
    began = time.monotonic()

    ready = await rig.client.get("/readyz")

    assert time.monotonic() - began < 2
    assert (ready.status_code, ready.json()) == (503, {"status": "unavailable"})
    assert ready.headers["retry-after"] == "1"
    assert (await rig.client.get("/livez")).status_code == 200
    rig.fail_stores(None)
    await until_ready(rig)


async def until_ready(rig: Rig) -> httpx.Response:
    """On a busy machine the logs may be read late, and the service right to say so: it is ready after the next poll."""
    async with asyncio.timeout(30):
        while (answer := await rig.client.get("/readyz")).status_code != 200:  # noqa: ASYNC110 (only asking tells)
            await asyncio.sleep(0.05)
    return answer


async def test_what_is_done_is_counted(rig: Rig) -> None:
    issued = await rig.issue()
    assert await rig.is_alive(issued["access_token"])
    await rig.post("/v1/token/refresh", bearer=issued["refresh_token"])
    await rig.post("/v1/token/refresh", bearer="rubbish")
    await rig.post("/v1/token/revoke", {}, bearer=issued["access_token"])
    assert not await rig.is_alive(issued["access_token"])

    assert await read_metric(rig, "tessera_tokens_issued_total", kind="access") == 2
    assert await read_metric(rig, "tessera_refreshes_total", outcome="ok") == 1
    assert await read_metric(rig, "tessera_refreshes_total", outcome="refresh_invalid") == 1
    assert await read_metric(rig, "tessera_revocations_total", what="session", outcome="ok") == 1
    assert await read_metric(rig, "tessera_introspections_total", outcome="active") == 1
    assert await read_metric(rig, "tessera_introspections_total", outcome="inactive") == 1
    assert await read_metric(rig, "tessera_http_requests_total", route="/v1/token/refresh", status="400") == 1


async def test_a_mirror_that_is_late_says_so_until_it_is_read_again(rig: Rig) -> None:
    await until_fresh(rig)
    rig.fail_stores("raises")
    with pytest.raises(StoreUnavailable):
        await rig.engine.mirror.poll()  # behind the poll that may be under way
    rig.engine.mirror.close()
    assert await read_metric(rig, "tessera_mirror_fresh") == 0
    before = await read_metric(rig, "tessera_mirror_age_seconds")
    await asyncio.sleep(0.1)
    assert await read_metric(rig, "tessera_mirror_age_seconds") > before
    rig.fail_stores(None)
    await until_fresh(rig)


async def until_fresh(rig: Rig) -> None:
    """On a busy machine a poll may be late, and the metric right to say so: it comes back with the next."""
    async with asyncio.timeout(30):
        while not await read_metric(rig, "tessera_mirror_fresh"):  # noqa: ASYNC110 (only asking tells)
            await asyncio.sleep(0.05)


async def test_a_store_that_fails_is_counted(rig: Rig) -> None:
    bearer = await rig.service_bearer("token.generate")
    await rig.issue()
    rig.fail_stores("raises")

    assert (await rig.post("/v1/token", {"sub": "alice"}, bearer=bearer)).status_code == 503

    counted = await read_metric(rig, "tessera_store_errors_total", call="issue")
    assert counted + await read_metric(rig, "tessera_store_errors_total", call="authenticate") >= 1


async def test_metrics_name_no_tenant_no_subject_and_no_raw_path(rig: Rig) -> None:
    issued = await rig.issue("subject-canary")
    await rig.client.get(f"/path-canary/{issued['session_id']}")

    text = (await rig.client.get("/metrics")).text
    for canary in (TENANT, "subject-canary", "path-canary", issued["session_id"]):
        assert canary not in text


async def test_the_documentation_is_served(rig: Rig) -> None:
    description = (await rig.client.get("/openapi.json")).json()
    page = await rig.client.get("/docs")

    assert "/v1/token/introspect" in description["paths"]
    assert page.headers["content-type"].startswith("text/html")
    assert "/openapi.json" in page.text


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/docs", "/openapi.json"])
async def test_operations_are_only_asked(rig: Rig, path: str) -> None:
    answer = await rig.client.post(path)

    assert answer.status_code == 405
    assert answer.json()["error"]["code"]
    assert answer.headers["x-request-id"]


async def test_a_request_limit_does_not_count_here(rig: Rig) -> None:
    assert "ratelimit-limit" not in (await rig.client.get("/readyz")).headers


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
async def test_balancers_may_ask_with_head(rig: Rig, path: str) -> None:
    await until_ready(rig)
    asked = [await rig.client.request(method, path) for method in ("GET", "HEAD")]

    assert [answer.status_code for answer in asked] == [200, 200]
    assert asked[0].headers["content-length"] == asked[1].headers["content-length"]
    assert (await rig.client.post(path)).headers["allow"] == "GET, HEAD"
    rig.fail_stores("raises")
    assert (await rig.client.head(path)).status_code == (200 if path == "/livez" else 503)


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/docs", "/openapi.json"])
async def test_health_and_documentation_may_be_kept(rig: Rig, path: str) -> None:
    await until_ready(rig)
    assert "cache-control" not in (await rig.client.get(path)).headers


async def test_metrics_are_never_kept(rig: Rig) -> None:
    assert (await rig.client.get("/metrics")).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/docs", "/openapi.json"])
async def test_what_is_not_there_below_an_operation_is_never_kept(rig: Rig, path: str) -> None:
    for answer in (await rig.client.get(path + "/nothing"), await rig.client.post(path)):
        assert answer.status_code in (404, 405)
        assert answer.headers["cache-control"] == "no-store"


async def test_that_a_service_is_not_ready_is_never_kept(rig: Rig) -> None:
    rig.fail_stores("raises")

    assert (await rig.client.get("/readyz")).headers["cache-control"] == "no-store"
