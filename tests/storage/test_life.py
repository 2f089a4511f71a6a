# SPDX-License-Identifier: Apache-2.0
"""Every store: a store that is not open answers nothing."""

import pytest

from storage.examples import (
    NOW,
    eviction,
    gateway_session,
    limit,
    make_session,
    revocation,
    rotation,
    slide,
    snapshot,
    tokens,
)
from tessera_service.errors import StoreUnavailable
from tessera_service.storage.base import SessionStore


async def test_an_open_store_answers(store: SessionStore) -> None:
    await store.ping()
    await store.open()
    await store.ping()


async def test_a_closed_store_is_unavailable_in_every_method(store: SessionStore) -> None:
    await store.close()
    await store.close()
    calls = [
        store.ping(),
        store.create(make_session()),
        store.get("s1"),
        store.read_state(session_id="s1", jti="j"),
        store.find_token("j"),
        store.rotate(rotation("s1-r0", 1)),
        store.revoke_session("s1", revocation=revocation()),
        store.revoke_subject("tenant-a", "alice", revocation=revocation()),
        store.revoke_token(tokens("s1", 0)[0], revocation=revocation()),
        store.create_limited(gateway_session(), limit=limit(5), eviction=eviction()),
        store.slide(slide(0, 1)),
        store.touch({}),
        store.list_sessions("tenant-a", subject=None, now=NOW, active_only=False, limit=1),
        store.count_sessions("tenant-a", surface="gateway", now=NOW),
        store.revoke_others("tenant-a", "alice", keep="s1", revocation=revocation()),
        store.revoke_access_key_sessions("key-1", revocation=revocation()),
        store.purge(now=NOW, retention_seconds=0),
        store.read_log(after=0),
        store.purge_log(now=NOW),
        snapshot(store),
        store.page_sessions("tenant-a", subject="alice", status=None, now=NOW, limit=1, offset=0),
        store.erase_subject("tenant-a", "alice"),
        store.read_outbox(after=0),
        store.outbox_size(),
        store.claim_relay("audit", holder="a", now_ms=1, lease_ms=1),
        store.advance_relay("audit", fence=1, position=1, now_ms=1, lease_ms=1),
        store.purge_outbox(before_ms=1),
        store.erase_events("tenant-a", "alice"),
    ]
    for call in calls:
        with pytest.raises(StoreUnavailable):
            await call


async def test_a_store_that_is_opened_again_answers(store: SessionStore) -> None:
    await store.close()
    await store.open()
    assert (await store.create(make_session())).session_id == "s1"


async def test_the_key_of_a_log_stays_the_same(store: SessionStore) -> None:
    before = store.log_key
    await store.close()
    assert store.log_key == before
