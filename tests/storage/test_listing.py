# SPDX-License-Identifier: Apache-2.0
"""Lists of the directory, page by page."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from storage.examples import NOW, NOW_MS
from storage.user_examples import event, make_user
from tessera_service.models import AccessKeyRecord, GatewayKey, ServiceToken
from tessera_service.storage.sql import SqlDirectory, listing

COUNT = 7
Read = Callable[..., Awaitable[Sequence[Any]]]


def created(number: int) -> int:
    """Several at the same time."""
    return NOW + number // 3


async def fill(directory: SqlDirectory) -> None:
    """Seven of each kind, of which the ids and the times are not in one order."""
    for number in range(COUNT):
        name, at = f"{(number * 3) % COUNT}", created(number)
        user = replace(make_user(name, username=f"user-{name}", email=None, phone=None), created_at=at)
        assert await directory.add_user(user, event=event(user)) is None
        token = ServiceToken(name, "tenant-a", "gateway", "edge", (), False, NOW_MS + number // 3, NOW + 60)
        await directory.add_service_token(token)
        await directory.add_access_key(AccessKeyRecord(name, "tenant-a", "alice", b"hash", "master-1", (), at))
        await directory.add_gateway_key(GatewayKey(name, "tenant-a", b"hash", "master-1", at))


def readers(directory: SqlDirectory) -> dict[str, Read]:
    async def of_tenant(**named: Any) -> Sequence[Any]:
        return await directory.list_users("tenant-a", **named)

    return {
        "users": of_tenant,
        "service_tokens": directory.list_service_tokens,
        "access_keys": directory.list_access_keys,
        "gateway_keys": directory.list_gateway_keys,
    }


@pytest.mark.parametrize("name", ["users", "service_tokens", "access_keys", "gateway_keys"])
@pytest.mark.parametrize("size", [1, 2, 3, COUNT, COUNT + 1])
async def test_pages_hold_each_row_once_and_in_the_order_of_one_list(
    directory: SqlDirectory, monkeypatch: pytest.MonkeyPatch, name: str, size: int
) -> None:
    await fill(directory)
    read = readers(directory)[name]
    whole = list(await read())
    assert len(whole) == COUNT
    monkeypatch.setattr(listing, "LISTED", size)
    pages = [await read()]
    while pages[-1]:
        pages.append(await read(after=pages[-1][-1]))
    assert [row for page in pages for row in page] == whole
    assert {len(page) for page in pages[:-2]} <= {size}
    assert await read(after=whole[-1]) == []


async def test_a_page_does_not_need_the_row_before_it(directory: SqlDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(directory)
    monkeypatch.setattr(listing, "LISTED", 3)
    first = await directory.list_service_tokens()
    gone = replace(first[-1], jti=first[-1].jti + "-gone")  # what was between the two when the page was read
    second = await directory.list_service_tokens(after=gone)
    assert second[0] == first[-1]
    assert await directory.list_service_tokens(tenant_id="tenant-b", after=gone) == []
