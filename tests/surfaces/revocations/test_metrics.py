# SPDX-License-Identifier: Apache-2.0
"""What is counted of those who follow."""

from unittest import mock

import pytest

from surfaces.revocations.calls import PATH, ask, follow
from surfaces.service_rig import Rig
from tessera_service.engine.seats import Seats
from tessera_service.errors import StoreUnavailable

pytestmark = pytest.mark.asyncio(loop_scope="module")


def counted(rig: Rig, name: str, **labels: str) -> float:
    return rig.app.state.metrics.registry.get_sample_value(name, labels) or 0


async def test_who_was_sent_away_because_a_store_failed_is_counted(rig_of_one_store: Rig) -> None:
    rig = rig_of_one_store
    cursor = (await follow(rig)).cursor
    with mock.patch.object(rig.engine.feed, "_followed_until", side_effect=StoreUnavailable):
        assert (await ask(rig, cursor)).status_code == 503
    assert counted(rig, "tessera_store_errors_total", call="revocations") == 1


async def test_a_snapshot_that_breaks_off_is_counted(rig_of_one_store: Rig) -> None:
    rig = rig_of_one_store
    with mock.patch.object(rig.engine.feed, "_pages", side_effect=StoreUnavailable):
        assert "cursor" not in (await ask(rig)).text
    assert counted(rig, "tessera_store_errors_total", call="revocations") == 1


@pytest.mark.parametrize("seats", ["_followers", "_snapshots"])
async def test_who_finds_no_seat_is_counted(rig_of_one_store: Rig, seats: str) -> None:
    rig = rig_of_one_store
    with mock.patch.object(rig.engine.feed, seats, Seats(0, each=0)):
        assert (await ask(rig)).status_code == 503
    assert counted(rig, "tessera_overloads_total", call="revocations") == 1


async def test_a_long_poll_is_counted_and_not_timed(rig_of_one_store: Rig) -> None:
    rig = rig_of_one_store
    await follow(rig)
    await rig.client.get("/livez")
    assert counted(rig, "tessera_http_requests_total", route=PATH, method="GET", status="200") == 1
    count = "tessera_http_request_duration_seconds_count"
    assert counted(rig, count, route=PATH, method="GET") == 0
    assert counted(rig, count, route="/livez", method="GET") == 1
