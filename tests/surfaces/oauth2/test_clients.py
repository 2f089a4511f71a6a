# SPDX-License-Identifier: Apache-2.0
"""Who may call: access keys by Basic, bearers; each in its own tenant."""

import pytest

from surfaces.auth.people import add_user
from surfaces.oauth2.calls import GRANTS, POSTS, Client, basic, check_error, introspect, make_client, revoke, send
from surfaces.service_rig import OTHER_TENANT, TENANT, Rig
from surfaces.session_token.keys import open_token
from tessera_service.surfaces.oauth2.operations import INTROSPECT, REVOKE

pytestmark = pytest.mark.asyncio(loop_scope="module")


def escaped(text: str) -> str:
    return "".join(f"%{ord(letter):02X}" for letter in text)


@pytest.mark.parametrize(
    "grant",
    ["oauth2:token.introspect", "oauth2:token.*", "oauth2:*", "*:token.introspect", "*:*", "oauth*:*introspect"],
)
async def test_a_key_may_what_its_grants_give_it_on_this_surface(shared: Rig, grant: str) -> None:
    assert await introspect(shared, "x", client=await make_client(shared, grant)) == {"active": False}


@pytest.mark.parametrize("grant", ["oauth2:introspect", "oauth:token.introspect", "oauth2x:*", "tenant-a:*"])
async def test_a_key_may_nothing_else(shared: Rig, grant: str) -> None:
    answer = await send(shared, INTROSPECT, {"token": "x"}, client=await make_client(shared, grant))
    check_error(answer, 403, "unauthorized_client")


async def test_id_and_secret_may_be_sent_as_a_form_would_and_as_they_are(shared: Rig) -> None:
    client = await make_client(shared)
    for _ in range(200):  # until the secret has both of the letters that a form would change
        if {"+", "/"} <= set(client.secret):
            break
        client = await make_client(shared)
    assert {"+", "/"} <= set(client.secret)
    for text in (
        f"{client.key_id}:{client.secret}",
        f"{escaped(client.key_id)}:{escaped(client.secret)}",
        f"{client.key_id}:{client.secret.replace('+', '%2B').replace('/', '%2F')}",
    ):
        for scheme in ("Basic", "basic", "BASIC"):
            headers = {"Authorization": basic(text).replace("Basic", scheme)}
            assert (await send(shared, INTROSPECT, {"token": "x"}, headers=headers)).status_code == 200


async def test_a_client_id_beside_basic_is_ignored_like_everything_that_is_not_known(shared: Rig) -> None:
    client = await make_client(shared)
    fields = {"client_id": client.key_id, "client_secret": "", "resource": "https://api.example"}
    assert await introspect(shared, "x", client=client, **fields) == {"active": False}


async def test_a_new_secret_counts_at_once_and_the_old_one_no_more(shared: Rig) -> None:
    client = await make_client(shared)
    secret = await shared.engine.access_keys.rotate(client.key_id)
    assert secret is not None
    check_error(await send(shared, INTROSPECT, {"token": "x"}, client=client), 401, "invalid_client")
    assert await introspect(shared, "x", client=Client(client.key_id, secret)) == {"active": False}


@pytest.mark.parametrize("operation", POSTS)
async def test_the_key_of_a_user_who_is_locked_counts_as_little_as_the_user(shared: Rig, operation: str) -> None:
    user = await add_user(shared, f"user-{next(shared.numbers)}")
    client = await make_client(shared, subject=user.user_id)
    assert (await send(shared, operation, {"token": "x"}, client=client)).status_code == 200
    await shared.engine.users.lock(TENANT, user.user_id)
    check_error(await send(shared, operation, {"token": "x"}, client=client), 401, "invalid_client")
    await shared.engine.users.unlock(TENANT, user.user_id)
    assert (await send(shared, operation, {"token": "x"}, client=client)).status_code == 200


async def test_the_key_of_a_user_who_was_deleted_is_refused(shared: Rig) -> None:
    user = await add_user(shared, f"user-{next(shared.numbers)}")
    client = await make_client(shared, subject=user.user_id)
    assert await introspect(shared, "x", client=client) == {"active": False}
    assert await shared.engine.users.delete(TENANT, user.user_id)
    check_error(await send(shared, INTROSPECT, {"token": "x"}, client=client), 401, "invalid_client")


@pytest.mark.parametrize("operation", POSTS)
async def test_every_client_that_is_refused_is_answered_alike(shared: Rig, operation: str) -> None:
    client, other = await make_client(shared), await make_client(shared)
    disabled = await make_client(shared)
    await shared.engine.access_keys.disable(disabled.key_id)
    wrong = [
        *(client._replace(secret=other.secret), other._replace(secret=client.secret), disabled),
        *(client._replace(secret=client.secret[:-1]), client._replace(secret=""), Client("", client.secret)),
        *(client._replace(key_id=client.key_id.lower()), Client(client.secret, client.key_id), Client("", "")),
        client._replace(secret=client.secret + " "),
    ]
    answers = [await send(shared, operation, {"token": "x"}, client=one) for one in wrong]
    for answer in answers:
        check_error(answer, 401, "invalid_client")
    assert len({answer.content for answer in answers}) == 1


@pytest.mark.parametrize("tenant_id", [OTHER_TENANT, "tenant-x", "", "tenant a", TENANT.upper(), "x" * 300])
async def test_credentials_are_dead_under_another_tenants_header(shared: Rig, tenant_id: str) -> None:
    client, bearer = await make_client(shared), await shared.service_bearer("token.introspect", "token.revoke")
    headers = {"X-Tenant-ID": tenant_id}
    for operation in POSTS:
        answer = await send(shared, operation, {"token": "x"}, client=client, headers=headers)
        check_error(answer, 401, "invalid_client")
        answer = await send(shared, operation, {"token": "x"}, bearer=bearer, headers=headers)
        check_error(answer, 401, "invalid_token")
        answer = await send(shared, operation, {"token": "x"}, client=client, headers={"X-Tenant-ID": TENANT})
        assert answer.status_code == 200


async def test_the_tenant_is_that_of_the_credential(shared: Rig) -> None:
    ours, theirs = await shared.issue("alice"), await shared.issue("alice", tenant_id=OTHER_TENANT)
    client, stranger = await make_client(shared), await make_client(shared, tenant_id=OTHER_TENANT)
    for token, friend, foe in (
        (ours["access_token"], client, stranger),
        (theirs["access_token"], stranger, client),
        (theirs["refresh_token"], stranger, client),
    ):
        assert await introspect(shared, token, client=foe) == {"active": False}
        await revoke(shared, token, client=foe)  # in its tenant there is no such token
        assert (await introspect(shared, token, client=friend))["active"] is True


async def test_bearers_with_the_permission_may_as_well(shared: Rig) -> None:
    service = await shared.service_bearer("token.introspect", "token.revoke")
    operator = await shared.service_bearer("token.generate", "token.introspect", "token.revoke")
    body = {"sub": "operator", "permissions": ["token.introspect", "token.revoke"]}
    access = (await shared.post("/v1/token", body, bearer=operator)).json()["data"]["access_token"]
    for bearer in (service, access):
        token = (await shared.issue("alice"))["access_token"]
        answer = await send(shared, INTROSPECT, {"token": token}, bearer=bearer)
        assert (answer.status_code, answer.json()["active"]) == (200, True)
        assert (await send(shared, REVOKE, {"token": token}, bearer=bearer)).status_code == 200
        assert not await shared.is_alive(token)


async def test_possession_is_enough_for_a_bearers_own_tokens(shared: Rig) -> None:
    pair = await shared.issue("alice")
    answer = await send(shared, REVOKE, {"token": pair["refresh_token"]}, bearer=pair["access_token"])
    assert answer.status_code == 200
    assert not await shared.is_alive(pair["access_token"])


async def test_a_key_without_the_permission_may_not_even_revoke_its_users_tokens(shared: Rig) -> None:
    token = (await shared.issue("alice"))["access_token"]
    client = await make_client(shared, GRANTS[INTROSPECT], subject="alice")
    check_error(await send(shared, REVOKE, {"token": token}, client=client), 403, "unauthorized_client")
    assert await shared.is_alive(token)


async def test_a_session_token_of_the_key_is_no_bearer(shared: Rig) -> None:
    client = await make_client(shared, "*:*")
    token = await open_token(shared, client)
    for operation in POSTS:
        check_error(await send(shared, operation, {"token": "x"}, bearer=token), 401, "invalid_token")
