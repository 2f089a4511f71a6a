# SPDX-License-Identifier: Apache-2.0
"""Every store: sessions are born once, later than every cut-off of their subject."""

from dataclasses import replace

import pytest

from storage.examples import NOW, NOW_MS, cut_off, make_session, tokens, whole_log
from tessera_service.models import SessionMetadata
from tessera_service.storage.base import SessionStore


async def test_a_created_session_is_read_as_it_was_stored(store: SessionStore) -> None:
    created = await store.create(make_session())
    assert created == replace(make_session(), tokens=())
    assert [await store.find_token(token.jti) for token in tokens("s1", 0)] == list(tokens("s1", 0))
    assert await store.get("s1") == created


async def test_a_session_without_anything_optional_is_read_as_it_was_stored(store: SessionStore) -> None:
    bare = replace(
        make_session(),
        permissions=(),
        roles=(),
        username=None,
        metadata=SessionMetadata(),
        refresh_jti=None,
        tokens=(),
        scope="",
    )
    assert await store.create(bare) == bare
    assert await store.get("s1") == bare


async def test_an_unknown_session_is_none(store: SessionStore) -> None:
    assert await store.get("s1") is None


async def test_a_session_id_is_used_once(store: SessionStore) -> None:
    created = await store.create(make_session())
    again = replace(make_session(), client_id="other", tokens=tokens("s1", 7))
    with pytest.raises(ValueError, match="new"):
        await store.create(again)
    assert await store.get("s1") == created
    assert await store.find_token("s1-a7") is None


async def test_a_jti_is_used_once_and_its_session_is_not_stored(store: SessionStore) -> None:
    await store.create(make_session())
    with pytest.raises(ValueError, match="new"):
        await store.create(replace(make_session("s2"), tokens=(*tokens("s2", 0), *tokens("s1", 0))))
    assert await store.get("s2") is None
    assert await store.find_token("s2-a0") is None


async def test_creating_writes_nothing_to_the_log(store: SessionStore) -> None:
    await store.create(make_session())
    assert await whole_log(store) == ()


@pytest.mark.parametrize(("born_ms", "stored_ms"), [(-1, 1), (0, 1), (1, 1), (2, 2)])
async def test_a_session_is_born_after_the_cut_off(store: SessionStore, born_ms: int, stored_ms: int) -> None:
    await cut_off(store)
    created = await store.create(make_session(created_ms=NOW_MS + born_ms))
    assert created.created_ms == NOW_MS + stored_ms
    assert await store.get("s1") == created
    assert created.status(NOW).value == "active"


async def test_the_cut_off_of_another_subject_or_tenant_does_not_matter(store: SessionStore) -> None:
    await cut_off(store, "bob")
    await cut_off(store, tenant_id="tenant-b")
    assert (await store.create(make_session())).created_ms == NOW_MS


async def test_a_token_is_found_by_its_jti(store: SessionStore) -> None:
    await store.create(make_session())
    for token in tokens("s1", 0):
        assert await store.find_token(token.jti) == token
    assert await store.find_token("s1-a1") is None


async def test_the_state_of_a_live_token_is_its_session(store: SessionStore) -> None:
    created = await store.create(make_session())
    state = await store.read_state(session_id="s1", jti="s1-a0")
    assert (state.session, state.jti_revoked) == (created, False)


async def test_the_state_of_an_unknown_session_is_none(store: SessionStore) -> None:
    state = await store.read_state(session_id="s1", jti="s1-a0")
    assert (state.session, state.jti_revoked) == (None, False)
