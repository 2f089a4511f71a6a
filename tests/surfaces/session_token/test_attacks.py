# SPDX-License-Identifier: Apache-2.0
"""Forged session tokens. Every kind of token in every slot: tests/contract."""

import json

import pytest

from attacks import Forge, claims_attacks, token_attacks
from surfaces.service_rig import Rig
from surfaces.session_token.keys import DEAD, claims_of, is_valid, make_key, open_token, validate

pytestmark = pytest.mark.asyncio(loop_scope="module")

MAX_BODY_BYTES = 65_536


async def test_a_session_of_another_kind_vouches_for_no_session_token(shared: Rig) -> None:
    pair = await shared.issue("alice")
    forge = shared.forge
    forge.type = "st+jwt"
    assert await validate(shared, forge.good(shared.claims("session", sid=pair["session_id"]))) == DEAD


async def test_a_forged_session_token_is_dead_like_every_other_and_revokes_nothing(rig_of_one_store: Rig) -> None:
    rig = rig_of_one_store
    token = await open_token(rig, await make_key(rig))
    claims, now = claims_of(token), rig.clock.freeze()
    forge: Forge = rig.forge
    forge.type = "st+jwt"
    assert await is_valid(rig, forge.good(claims))
    tried = 0
    for name, text in [*token_attacks(forge, claims), *claims_attacks(forge, claims, now=now)]:
        content = json.dumps({"session_token": text, "resource": "doc456", "permission": "view"}).encode()
        answer = await rig.client.post(
            "/session-token/validate", content=content, headers={"Content-Type": "application/json"}
        )
        tried += 1
        if any("\ud800" <= letter <= "\udfff" for letter in text) or len(content) > MAX_BODY_BYTES:
            assert answer.status_code in (400, 413), name
        else:
            assert (answer.status_code, answer.json()) == (200, DEAD), name
    assert tried > 300
    assert await is_valid(rig, token)
