# SPDX-License-Identifier: Apache-2.0
"""A session from its first to its last token, against a running service."""

import httpx
import jwt
import pytest
from joserfc import jwt as joserfc_jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import KeySet

from e2e.process import Client, ServiceProcess

pytestmark = pytest.mark.slow


def test_a_session_lives_from_issue_to_revocation(client: Client) -> None:
    first = client.issue("alice")
    assert client.introspect(first["access_token"])["active"] is True

    second = client.refresh(first["refresh_token"])
    assert second.status_code == 200
    assert second.json()["data"]["session_id"] == first["session_id"]
    assert client.introspect(second.json()["data"]["access_token"])["sub"] == "alice"

    assert client.revoke(session_id=first["session_id"]).status_code == 204
    for token in (first["access_token"], second.json()["data"]["access_token"]):
        assert client.introspect(token) == {"active": False}
    assert client.refresh(second.json()["data"]["refresh_token"]).status_code == 403


def test_a_revoked_bearer_is_refused_at_once(service: ServiceProcess, client: Client) -> None:
    issued = client.issue("bob")
    own = Client(service, issued["access_token"])

    assert own.revoke().status_code == 204
    assert own.revoke().status_code == 401


def test_tokens_verify_in_pyjwt_against_the_served_keys(service: ServiceProcess, client: Client) -> None:
    token = client.issue("alice")["access_token"]
    issuer = client.introspect(token)["iss"]

    key = jwt.PyJWKClient(f"{service.url}/.well-known/jwks.json").get_signing_key_from_jwt(token)
    claims = jwt.decode(token, key, algorithms=["RS256"], audience="dx-vas", issuer=issuer)

    assert claims["sub"] == "alice"
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(_spoil(token), key, algorithms=["RS256"], audience="dx-vas")


def test_tokens_verify_in_joserfc_against_the_served_keys(service: ServiceProcess, client: Client) -> None:
    token = client.issue("alice")["access_token"]

    keys = KeySet.import_key_set(httpx.get(f"{service.url}/.well-known/jwks.json").json())
    decoded = joserfc_jwt.decode(token, keys, algorithms=["RS256"])

    assert decoded.claims["sub"] == "alice"
    assert decoded.header["typ"] == "at+jwt"
    with pytest.raises(BadSignatureError):
        joserfc_jwt.decode(_spoil(token), keys, algorithms=["RS256"])


def test_every_answer_has_its_request_id_and_no_server_name(service: ServiceProcess) -> None:
    for path in ("/livez", "/readyz", "/metrics", "/docs", "/openapi.json", "/nothing", "/v1/token"):
        answer = httpx.get(service.url + path)

        assert answer.headers["x-request-id"]
        assert "server" not in answer.headers


def _spoil(token: str) -> str:
    head, _, signature = token.rpartition(".")
    return f"{head}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"
