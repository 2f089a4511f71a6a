# SPDX-License-Identifier: Apache-2.0
"""GET and POST /v1/authz and /v1/authz/{policy}: every status, every header, on every answer."""

import json
from unittest import mock

import pytest

from attacks import claims_attacks, token_attacks
from surfaces.authz.calls import AUTHZ, GARBAGE, NOBODY, REPORTS, ask, issue, told
from surfaces.service_rig import OTHER_TENANT, TENANT, Rig

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALLOWED = {"allowed": True, "message": "The bearer may pass."}
DEAD = {"allowed": False, "message": "A live bearer token is required."}
REFUSED = {"allowed": False, "message": "The bearer may not pass here."}
BROKEN = {"allowed": False, "message": "The service cannot answer at the moment."}
INVALID = 'Bearer error="invalid_token"'


@pytest.mark.parametrize("path", [AUTHZ, REPORTS, f"{AUTHZ}/anybody"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_live_bearer_passes_and_every_header_says_who_it_is(authz: Rig, path: str, method: str) -> None:
    token, session_id = await issue(authz)
    answer = await ask(authz, token, path, method=method)
    assert (answer.status_code, answer.json()) == (200, ALLOWED)
    assert told(answer) == ("alice", TENANT, session_id, "read:all read", "report.read report.list")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-request-id"]
    assert not any(name.startswith("ratelimit") for name in answer.headers)


async def test_a_service_token_passes_without_session_and_scopes(authz: Rig) -> None:
    answer = await ask(authz, await authz.service_bearer("report.read", "report.list"))
    assert (answer.status_code, told(answer)) == (200, ("gateway", TENANT, "", "", "report.read report.list"))


@pytest.mark.parametrize("path", [AUTHZ, REPORTS, f"{AUTHZ}/nowhere"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_without_a_live_bearer_nobody_passes(authz: Rig, path: str, method: str) -> None:
    answer = await ask(authz, path=path, method=method)
    assert (answer.status_code, answer.json(), told(answer)) == (401, DEAD, NOBODY)
    assert answer.headers["www-authenticate"] == "Bearer"
    answer = await ask(authz, GARBAGE, path, method=method)
    assert (answer.status_code, answer.json(), told(answer)) == (401, DEAD, NOBODY)
    assert answer.headers["www-authenticate"] == INVALID


@pytest.mark.parametrize("authorization", ["Bearer ", "Bearer", "Basic eDp5", "Token x", ""])
async def test_what_is_no_bearer_does_not_pass(authz: Rig, authorization: str) -> None:
    answer = await ask(authz, headers={"Authorization": authorization})
    assert (answer.status_code, told(answer)) == (401, NOBODY)


async def test_a_bearer_that_was_sent_twice_does_not_pass(authz: Rig) -> None:
    token, _ = await issue(authz)
    answer = await authz.client.get(AUTHZ, headers=[("Authorization", f"Bearer {token}")] * 2)
    assert (answer.status_code, told(answer)) == (401, NOBODY)


async def test_a_policy_that_is_not_met_refuses_and_says_whom(authz: Rig) -> None:
    for request in ({"permissions": ("report.read",)}, {"scope": "read:all"}, {"scope": "", "permissions": ()}):
        token, session_id = await issue(authz, **request)
        answer = await ask(authz, token, REPORTS)
        assert (answer.status_code, answer.json()) == (403, REFUSED)
        assert told(answer)[:3] == ("alice", TENANT, session_id)
        assert answer.headers["www-authenticate"] == 'Bearer error="insufficient_scope"'
        assert (await ask(authz, token)).status_code == 200


@pytest.mark.parametrize("name", ["nowhere", "Reports", "reports%20", "*", "%2e", "x" * 300])
async def test_an_unknown_policy_lets_nobody_pass(authz: Rig, name: str) -> None:
    token, session_id = await issue(authz)
    for method in ("GET", "POST"):
        answer = await ask(authz, token, f"{AUTHZ}/{name}", method=method)
        assert (answer.status_code, answer.json()) == (403, REFUSED)
        assert told(answer)[2] == session_id


async def test_another_tenants_header_refuses_and_tells_nothing(authz: Rig) -> None:
    token, _ = await issue(authz)
    assert (await ask(authz, token, headers={"X-Tenant-ID": TENANT})).status_code == 200
    for tenant_id in (OTHER_TENANT, "tenant-x", "", TENANT.upper(), "x" * 300):
        answer = await ask(authz, token, headers={"X-Tenant-ID": tenant_id})
        assert (answer.status_code, answer.json(), told(answer)) == (403, REFUSED, NOBODY), tenant_id
        assert "x-tenant-id" not in answer.headers
    foreign, _ = await issue(authz, tenant_id=OTHER_TENANT)
    assert told(await ask(authz, foreign))[1] == OTHER_TENANT
    assert (await ask(authz, foreign, headers={"X-Tenant-ID": TENANT})).status_code == 403


async def test_nothing_is_read_from_query_and_body(authz: Rig) -> None:
    token, _ = await issue(authz, permissions=())
    for query in (f"access_token={token}", f"accessToken={token}", "policy=anybody", "sub=bob"):
        assert (await ask(authz, path=f"{AUTHZ}?{query}")).status_code == 401
        assert (await ask(authz, token, f"{AUTHZ}?{query}")).status_code == 200
        assert (await ask(authz, token, f"{REPORTS}?{query}")).status_code == 403
    for content in (b"{", b"\xff" * 100_000, json.dumps({"token": token}).encode()):
        kinds = {"Content-Type": "application/x-nonsense", "Content-Encoding": "gzip"}
        assert (await ask(authz, token, method="POST", content=content, headers=kinds)).status_code == 200
        assert (await ask(authz, method="POST", content=content, headers=kinds)).status_code == 401


async def test_there_is_no_limit(authz: Rig) -> None:
    token, _ = await issue(authz)
    assert {(await ask(authz, token)).status_code for _ in range(10)} == {200}
    assert {(await ask(authz, GARBAGE)).status_code for _ in range(10)} == {401}


KINDS = ("refresh", "session", "access as rt+jwt", "refresh as at+jwt", "service as st+jwt", "another subject")


@pytest.mark.parametrize("kind", KINDS)
async def test_no_other_kind_of_token_passes(authz: Rig, kind: str) -> None:
    _, sid = await issue(authz)
    forge = authz.forge
    claims = authz.claims(kind.split(" ")[0] if kind != "another subject" else "access", sid=sid)
    match kind:
        case "refresh" | "access as rt+jwt":
            forge.type = "rt+jwt"
        case "session" | "service as st+jwt":
            forge.type = "st+jwt"
        case "another subject":
            claims["sub"] = "mallory"
    answer = await ask(authz, forge.good(claims))
    assert (answer.status_code, answer.json(), told(answer)) == (401, DEAD, NOBODY)
    assert (await ask(authz, authz.forge.good(authz.claims("access", sid=sid)))).status_code == 200


async def test_a_forged_bearer_is_refused_like_every_other(authz: Rig) -> None:
    _, sid = await issue(authz)
    forge, now = authz.forge, authz.clock.freeze()
    claims = authz.claims("access", sid=sid)
    assert (await ask(authz, forge.good(claims))).status_code == 200
    refusals, tried = set(), 0
    for name, token in (*token_attacks(forge, claims), *claims_attacks(forge, claims, now=now)):
        if name in ("the token ends in ' '", "the token begins with ' '"):
            continue  # space around a header's value is no part of it
        headers = [(b"authorization", b"Bearer " + token.encode("utf-8", "surrogatepass"))]
        answer = await authz.client.get(AUTHZ, headers=headers)
        refusals.add((answer.status_code, answer.content, told(answer), answer.headers["www-authenticate"]))
        tried += 1
    assert len(refusals) == 1
    assert refusals.pop()[0] == 401
    assert tried > 300


@pytest.mark.parametrize("ending", ["revoked", "expired"])
async def test_a_dead_token_does_not_pass(authz: Rig, ending: str) -> None:
    authz.clock.freeze()
    token, _ = await issue(authz)
    if ending == "revoked":
        await authz.engine.tokens.revoke_current(await authz.engine.tokens.authenticate(token, tenant_id=TENANT))
    else:
        authz.clock.advance(899)
        assert (await ask(authz, token)).status_code == 200
        authz.clock.advance(1)
    answer = await ask(authz, token)
    assert (answer.status_code, answer.json(), told(answer)) == (401, DEAD, NOBODY)
    assert answer.headers["www-authenticate"] == INVALID


async def test_a_record_that_headers_cannot_tell_does_not_pass(authz: Rig) -> None:
    token, _ = await issue(authz, permissions=("read\r\nX-Auth-Subject: root",))
    answer = await ask(authz, token)
    assert (answer.status_code, told(answer)) == (403, NOBODY)


@pytest.mark.parametrize("path", [AUTHZ, REPORTS, f"{AUTHZ}/nowhere"])
@pytest.mark.parametrize("failure", ["raises", "hangs"])
async def test_without_the_store_nobody_passes_and_nobody_is_called_dead(authz: Rig, path: str, failure: str) -> None:
    token, _ = await issue(authz)
    authz.engine.mirror.table.clear()
    authz.fail_stores(failure)
    answer = await ask(authz, token, path)
    assert (answer.status_code, answer.json(), told(answer)) == (503, BROKEN, NOBODY)
    assert int(answer.headers["retry-after"]) >= 1
    assert (await ask(authz, GARBAGE, path)).status_code == 401
    counted = authz.app.state.metrics.registry.get_sample_value("tessera_store_errors_total", {"call": "authz"})
    assert failure == "hangs" or counted >= 1


@pytest.mark.parametrize("path", [AUTHZ, REPORTS, f"{AUTHZ}/nowhere"])
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE"])
async def test_other_methods_are_refused_with_every_header(authz: Rig, path: str, method: str) -> None:
    token, _ = await issue(authz)
    answer = await ask(authz, token, path, method=method)
    assert (answer.status_code, told(answer)) == (405, NOBODY)
    assert answer.headers["allow"] in ("GET, POST", "GET", "POST")


@pytest.mark.parametrize("path", [f"{AUTHZ}/", f"{AUTHZ}/reports/", f"{AUTHZ}/a/b", f"{AUTHZ}/a%2fb"])
async def test_other_paths_are_refused_with_every_header(authz: Rig, path: str) -> None:
    token, _ = await issue(authz)
    answer = await ask(authz, token, path)
    assert (answer.status_code, answer.json()["allowed"], told(answer)) == (404, False, NOBODY)


async def test_an_error_of_ours_lets_nobody_pass(authz: Rig) -> None:
    token, _ = await issue(authz)
    with mock.patch("tessera_service.engine.authz.Authz._judge", side_effect=RuntimeError):
        answer = await ask(authz, token)
    assert (answer.status_code, answer.json(), told(answer)) == (500, BROKEN, NOBODY)
