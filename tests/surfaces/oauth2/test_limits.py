# SPDX-License-Identifier: Apache-2.0
"""Request limits: whose bucket."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from surfaces.oauth2.calls import POSTS, Client, check_error, make_client, send
from surfaces.service_rig import OTHER_TENANT, Rig, open_rig
from surfaces.session_token.keys import WRONG_SECRET
from tessera_service.surfaces.oauth2.operations import INTROSPECT, METADATA, PATHS

LIMIT = 3


@pytest.fixture
async def limited(folder: Path) -> AsyncIterator[Rig]:
    """Three requests an hour."""
    async with open_rig("memory", folder, rate_limit=f"{LIMIT}/1h") as rig:
        yield rig


async def use_up(rig: Rig, client: Client) -> None:
    for _ in range(LIMIT):
        answer = await send(rig, INTROSPECT, {"token": "x"}, client=client)
    check_error(
        await send(rig, INTROSPECT, {"token": "x"}, client=client), 429, "temporarily_unavailable", "rate_limited"
    )
    assert answer.headers["ratelimit-limit"] == str(LIMIT)


async def test_every_key_has_a_bucket_of_its_own(limited: Rig) -> None:
    client, neighbour = await make_client(limited), await make_client(limited)
    foreign = await make_client(limited, tenant_id=OTHER_TENANT)
    await use_up(limited, client)
    for other in (neighbour, foreign):
        answer = await send(limited, INTROSPECT, {"token": "x"}, client=other)
        assert (answer.status_code, answer.headers["ratelimit-remaining"]) == (200, str(LIMIT - 1))


async def test_who_fails_to_authenticate_uses_up_what_its_address_has_and_nothing_of_the_key(limited: Rig) -> None:
    client = await make_client(limited)
    wrong = client._replace(secret=WRONG_SECRET)
    for operation in (*POSTS, POSTS[0]):
        check_error(await send(limited, operation, {"token": "x"}, client=wrong), 401, "invalid_client")
    answer = await send(limited, INTROSPECT, {"token": "x"}, client=wrong)
    check_error(answer, 429, "temporarily_unavailable", "rate_limited")
    assert (await send(limited, INTROSPECT, {"token": "x"}, client=client)).status_code == 200


async def test_the_metadata_count_against_the_address(limited: Rig) -> None:
    for left in ("2", "1", None):
        assert (await limited.client.get(PATHS[METADATA])).headers.get("ratelimit-remaining") == left
    check_error(await limited.client.get(PATHS[METADATA]), 429, "temporarily_unavailable", "rate_limited")
