# SPDX-License-Identifier: Apache-2.0
"""POST /v1/token with `grant_type: password`: a user signs in for itself."""

import asyncio
import io
from typing import Any

import httpx
import pytest

from surfaces.service_rig import OTHER_TENANT, TENANT, Rig
from tessera_service.engine import NewUser
from tessera_service.engine.passwords import Passwords
from tessera_service.errors import Overloaded
from tessera_service.messages.token import TEXTS
from tessera_service.models import User
from tessera_service.surfaces.token.operations import ISSUE, PATHS, REFRESH

pytestmark = pytest.mark.asyncio(loop_scope="module")

PASSWORD = "correct horse battery"
CANARY = "c4nary-password-4711"


async def add(rig: Rig, *, tenant_id: str = TENANT, **values: Any) -> User:
    """A user of its own for each test."""
    username = f"person-{next(rig.numbers)}"
    named = {"username": username, "password": PASSWORD, "permissions": ("doc.read",), "roles": ("reader",)}
    return await rig.engine.users.add(NewUser(tenant_id=tenant_id, **(named | values)))


async def sign_in(rig: Rig, body: dict[str, Any], *, tenant_id: str = TENANT, **sent: Any) -> httpx.Response:
    return await rig.post(PATHS[ISSUE], {"grant_type": "password"} | body, tenant_id=tenant_id, **sent)


def refused(answer: httpx.Response) -> dict[str, Any]:
    """`data` of the one refusal."""
    error: dict[str, Any] = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (401, "auth.unauthorized")
    assert error["message"] == TEXTS["credentials_refused"].en
    assert answer.headers["www-authenticate"] == "Bearer"
    data: dict[str, Any] = error["data"]
    assert data.pop("alias") == "common.unauthorized"
    return data


async def test_a_user_signs_in_with_its_own_rights_and_without_a_bearer(shared: Rig) -> None:
    user = await add(shared)
    body = {"username": user.username, "password": PASSWORD, "scope": "doc.read doc.write", "permissions": ["x"]}
    answer = await sign_in(shared, body)
    assert answer.status_code == 200, answer.text
    pair = answer.json()["data"]
    assert set(pair) == {"access_token", "refresh_token", "token_type", "expires_in", "session_id"}
    said = await shared.introspect(pair["access_token"])
    assert (said["sub"], said["permissions"], said["scope"]) == (user.user_id, ["doc.read"], "doc.read")
    assert said["client_id"] == "dx-vas"
    assert (await shared.post(PATHS[REFRESH], {"refresh_token": pair["refresh_token"]})).status_code == 200


async def test_an_address_of_e_mail_does_in_place_of_the_name(shared: Rig) -> None:
    user = await add(shared, email=f"person-{next(shared.numbers)}@example.com")
    answer = await sign_in(shared, {"email": str(user.email).upper(), "password": PASSWORD})
    assert answer.status_code == 200, answer.text


async def test_the_session_comes_from_the_peer_whatever_the_body_says(shared: Rig) -> None:
    user = await add(shared)
    where = {"ip_address": "198.51.100.7", "user_agent": "curl", "device_type": "ios"}
    answer = await sign_in(shared, {"username": user.username, "password": PASSWORD, "session_metadata": where})
    said = await shared.introspect(answer.json()["data"]["access_token"])
    assert said["meta"] == {"ip_address": "127.0.0.1", "user_agent": "curl", "device_type": "ios"}
    session = await shared.stores[1].get(answer.json()["data"]["session_id"])
    assert (session.surface, session.auth_method) == ("token", "password")


@pytest.mark.parametrize(("peer", "shown"), [("::ffff:192.0.2.7", "192.0.2.7"), ("no-address", None)])
async def test_the_peer_is_named_as_the_auth_surface_names_it(shared: Rig, peer: str, shown: str | None) -> None:
    user = await add(shared)
    transport = httpx.ASGITransport(app=shared.app, client=(peer, 123))
    headers = {"x-tenant-id": TENANT, "x-request-id": "r-1"}
    body = {"grant_type": "password", "username": user.username, "password": PASSWORD}
    async with httpx.AsyncClient(transport=transport, base_url="http://service.example", headers=headers) as client:
        answer = await client.post(PATHS[ISSUE], json=body)
    session = await shared.stores[1].get(answer.json()["data"]["session_id"])
    assert session.metadata.ip_address == shown


async def test_a_caller_with_a_bearer_gets_the_users_rights_all_the_same(shared: Rig) -> None:
    user = await add(shared)
    bearer = await shared.service_bearer("token.generate", "token.introspect")
    for one in (bearer, "aaaa.bbbb.cccc"):
        answer = await sign_in(shared, {"username": user.username, "password": PASSWORD}, bearer=one)
        said = await shared.introspect(answer.json()["data"]["access_token"])
        assert (said["sub"], said["permissions"]) == (user.user_id, ["doc.read"])


async def test_unknown_wrong_and_locked_are_told_alike_to_the_lock_out(shared: Rig) -> None:
    wrong, locked = await add(shared), await add(shared)
    await shared.engine.users.lock(TENANT, locked.user_id)
    tries = [(f"nobody-{next(shared.numbers)}", PASSWORD), (wrong.username, "x" * 8), (locked.username, PASSWORD)]
    told = []
    for name, password in tries:
        answers = [await sign_in(shared, {"username": name, "password": password}) for _ in range(6)]
        told.append([refused(answer) for answer in answers])
        told[-1].append({"headers": [sorted(answer.headers) for answer in answers]})
    assert told[0][:5] == [{"attempts_left": left} for left in (4, 3, 2, 1)] + [
        {"attempts_left": 0, "lockout_duration": 900}
    ]
    assert told[0][:5] == told[1][:5] == told[2][:5]
    assert told[0][6] == told[1][6] == told[2][6]
    last = [one[5] for one in told]
    assert all(one["attempts_left"] == 0 and 890 <= one["lockout_duration"] <= 900 for one in last)


async def test_a_locked_out_name_is_refused_with_the_right_password(shared: Rig) -> None:
    user = await add(shared)
    for _ in range(5):
        await sign_in(shared, {"username": user.username, "password": "x" * 8})
    assert refused(await sign_in(shared, {"username": user.username, "password": PASSWORD}))["attempts_left"] == 0


async def test_users_of_another_tenant_are_unknown(shared: Rig) -> None:
    user = await add(shared, tenant_id=OTHER_TENANT)
    body = {"username": user.username, "password": PASSWORD}
    refused(await sign_in(shared, body))
    assert (await sign_in(shared, body, tenant_id=OTHER_TENANT)).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "alias", "field"),
    [
        ({"password": "p"}, 400, "common.missing_param", "username"),
        ({"username": "alice"}, 400, "common.missing_param", "password"),
        ({"username": "alice", "email": "a@example.com", "password": "p"}, 400, None, "username"),
        ({"username": 1, "password": "p"}, 400, None, "username"),
        ({"username": "alice", "password": None}, 400, None, "password"),
        ({"username": "alice", "password": ""}, 422, None, "password"),
        ({"username": "alice", "password": "x" * 1025}, 422, None, "password"),
        ({"username": "alice", "password": "é" * 513}, 422, None, "password"),
        ({"username": "", "password": "p"}, 422, None, "username"),
        ({"username": "x" * 257, "password": "p"}, 422, None, "username"),
        ({"username": "alice", "password": "p", "scope": "a  b"}, 422, None, "scope"),
    ],
)
async def test_a_body_that_is_not_right_is_told_by_its_field(
    shared: Rig, body: dict[str, Any], status: int, alias: str | None, field: str
) -> None:
    answer = await sign_in(shared, body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, "common.validation_error"), answer.text
    assert error["data"] == {"field": field} | ({} if alias is None else {"alias": alias})


async def test_a_failing_store_and_a_full_queue_are_unavailable(shared: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    user = await add(shared)
    body = {"username": user.username, "password": PASSWORD}
    shared.fail_stores("raises")
    answer = await sign_in(shared, body)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    shared.fail_stores(None)

    async def full(*_: object) -> bool:
        raise Overloaded

    with monkeypatch.context() as patch:
        patch.setattr(Passwords, "match", full)
        assert (await sign_in(shared, body)).status_code == 503
    assert (await sign_in(shared, body)).status_code == 200


async def test_a_burst_of_right_passwords_is_no_attack(shared: Rig) -> None:
    user = await add(shared)
    body = {"username": user.username, "password": PASSWORD}
    answers = await asyncio.gather(*(sign_in(shared, body) for _ in range(12)))
    assert {answer.status_code for answer in answers} == {200}


async def test_a_password_reaches_no_answer_and_no_log(shared: Rig, logged: io.StringIO) -> None:
    before = len(logged.getvalue())
    user = await add(shared, password=CANARY)
    good = {"username": user.username, "password": CANARY}
    answers = [
        await sign_in(shared, good),
        await sign_in(shared, good | {"username": CANARY}),
        await sign_in(shared, good | {"email": CANARY}),
        await sign_in(shared, good | {"password": CANARY * 100}),
        await sign_in(shared, good | {"password": [CANARY]}),
        await sign_in(shared, good | {"scope": "a  " + CANARY}),
    ]
    shared.fail_stores("raises")
    answers.append(await sign_in(shared, good))
    assert [answer.status_code for answer in answers] == [200, 401, 400, 422, 400, 422, 503]
    assert CANARY not in "".join(answer.text + str(answer.headers) for answer in answers)
    assert CANARY not in logged.getvalue()[before:]


async def test_sign_ins_are_counted_by_outcome(shared: Rig) -> None:
    user = await add(shared)
    await sign_in(shared, {"username": user.username, "password": PASSWORD})
    await sign_in(shared, {"username": user.username, "password": "x" * 8})
    text = shared.app.state.metrics.render().decode()
    assert 'tessera_sign_ins_total{method="password",outcome="ok"}' in text
    assert 'tessera_sign_ins_total{method="password",outcome="credentials_refused"}' in text
