# SPDX-License-Identifier: Apache-2.0
"""A standard client, which knows nothing of this service but its issuer and an access key."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from authlib.integrations.httpx_client import OAuth2Client  # type: ignore[import-untyped]
from authlib.oauth2.rfc6750 import InsufficientScopeError, InvalidTokenError  # type: ignore[import-untyped]
from authlib.oauth2.rfc7662 import IntrospectTokenValidator  # type: ignore[import-untyped]
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url  # type: ignore[import-untyped]

from e2e.process import ALL, Client, ServiceProcess

pytestmark = pytest.mark.slow

GRANTS = ("oauth2:token.introspect", "oauth2:token.revoke")
Open = Callable[..., OAuth2Client]


def make_key(service: ServiceProcess, *grants: str, user: str = "portal") -> dict[str, str]:
    given = [argument for grant in grants for argument in ("--grant", grant)]
    done = service.command("access-keys", "create", "--tenant", "default", "--user", user, "--json", *given)
    assert done.returncode == 0, done.stderr
    key: dict[str, str] = json.loads(done.stdout)
    return key


@pytest.fixture(scope="module")
def client(service: ServiceProcess) -> Client:
    """Who issues tokens."""
    return Client(service, service.mint(*ALL))


@pytest.fixture(scope="module")
def metadata(service: ServiceProcess) -> dict[str, Any]:
    """What the client discovers."""
    found = httpx.get(get_well_known_url(service.url, external=True), timeout=10)
    assert found.status_code == 200
    told: dict[str, Any] = found.json()
    return told


@pytest.fixture(scope="module")
def open_client() -> Iterator[Open]:
    opened: list[OAuth2Client] = []

    def make(key: dict[str, str], **options: Any) -> OAuth2Client:
        opened.append(OAuth2Client(key["access_key_id"], key["secret_access_key"], timeout=10, **options))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@pytest.fixture(scope="module")
def portal(service: ServiceProcess, open_client: Open) -> OAuth2Client:
    """A program with a key that may introspect and revoke."""
    return open_client(make_key(service, *GRANTS))


def introspect(portal: OAuth2Client, metadata: dict[str, Any], token: str, **options: str) -> dict[str, Any]:
    answer = portal.introspect_token(metadata["introspection_endpoint"], token=token, **options)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_the_metadata_are_what_a_client_expects(
    service: ServiceProcess, metadata: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")  # TLS ends in front of the service
    assert metadata["issuer"] == service.url
    checked = AuthorizationServerMetadata(metadata)
    # Two more demand what an issuer of standard grants would have.
    for name in set(checked.REGISTRY_KEYS) - {"token_endpoint", "response_types_supported"}:
        getattr(checked, f"validate_{name}")()
    assert set(metadata) <= set(checked.REGISTRY_KEYS)
    kids = [key["kid"] for key in httpx.get(metadata["jwks_uri"], timeout=10).json()["keys"]]
    assert len(kids) >= 1


def test_a_client_introspects_and_revokes_both_tokens_of_a_session(
    client: Client, portal: OAuth2Client, metadata: dict[str, Any]
) -> None:
    pair = client.issue("alice")
    told = introspect(portal, metadata, pair["access_token"], token_type_hint="access_token")
    assert (told["active"], told["sub"], told["token_type"]) == (True, "alice", "Bearer")
    assert told["iss"] == metadata["issuer"]
    assert introspect(portal, metadata, pair["refresh_token"], token_type_hint="refresh_token")["active"] is True

    answer = portal.revoke_token(
        metadata["revocation_endpoint"], token=pair["access_token"], token_type_hint="access_token"
    )
    assert (answer.status_code, answer.content) == (200, b"")
    assert introspect(portal, metadata, pair["access_token"]) == {"active": False}
    assert client.introspect(pair["refresh_token"])["active"] is True

    answer = portal.revoke_token(metadata["revocation_endpoint"], token=pair["refresh_token"])
    assert answer.status_code == 200
    assert introspect(portal, metadata, pair["refresh_token"]) == {"active": False}
    assert client.refresh(pair["refresh_token"]).status_code == 403


def test_a_resource_server_judges_by_what_it_is_told(
    client: Client, portal: OAuth2Client, metadata: dict[str, Any]
) -> None:
    validator = IntrospectTokenValidator()
    issued = client.post("/v1/token", {"sub": "alice", "scope": "read write"}).json()["data"]
    told = introspect(portal, metadata, issued["access_token"])
    validator.validate_token(told, ["read"], None)
    with pytest.raises(InsufficientScopeError):
        validator.validate_token(told, ["admin"], None)
    client.revoke(session_id=issued["session_id"])
    with pytest.raises(InvalidTokenError):
        validator.validate_token(introspect(portal, metadata, issued["access_token"]), [], None)


def test_a_client_with_another_secret_or_a_lesser_key_is_told_so_in_the_words_of_the_standard(
    service: ServiceProcess, metadata: dict[str, Any], open_client: Open
) -> None:
    key = make_key(service, *GRANTS)
    wrong = open_client({**key, "secret_access_key": make_key(service)["secret_access_key"]})
    lesser = open_client(make_key(service, "doc*:view"))
    in_form = open_client(key, token_endpoint_auth_method="client_secret_post")
    for one, status, code in (
        (wrong, 401, "invalid_client"),
        (lesser, 403, "unauthorized_client"),
        (in_form, 401, "invalid_client"),
    ):
        answer = one.introspect_token(metadata["introspection_endpoint"], token="x")
        assert (answer.status_code, answer.json()["error"]) == (status, code)


def test_a_disabled_key_is_refused_at_once(
    service: ServiceProcess, metadata: dict[str, Any], open_client: Open
) -> None:
    key = make_key(service, *GRANTS)
    portal = open_client(key)
    assert introspect(portal, metadata, "x") == {"active": False}
    assert service.command("access-keys", "disable", key["access_key_id"]).returncode == 0
    answer = portal.introspect_token(metadata["introspection_endpoint"], token="x")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_what_a_client_revoked_every_process_refuses_within_a_second(
    service: ServiceProcess, client: Client, portal: OAuth2Client, metadata: dict[str, Any], tmp_path: Any
) -> None:
    other = ServiceProcess(tmp_path, data_dir=service.data_dir)
    try:
        other.start()
        elsewhere = Client(other, client.bearer)
        pair = client.issue("alice")
        assert elsewhere.introspect(pair["access_token"])["active"] is True
        assert portal.revoke_token(metadata["revocation_endpoint"], token=pair["refresh_token"]).status_code == 200
        time.sleep(1)
        assert elsewhere.introspect(pair["access_token"]) == {"active": False}
    finally:
        other.clean_up()


def test_no_credential_of_a_client_reaches_the_log(
    service: ServiceProcess, client: Client, metadata: dict[str, Any], open_client: Open
) -> None:
    key, pair = make_key(service, *GRANTS), client.issue("alice")
    portal = open_client(key)
    introspect(portal, metadata, pair["access_token"])
    portal.revoke_token(metadata["revocation_endpoint"], token=pair["refresh_token"])
    written = service.log_text + service.output_text
    assert "/oauth2/introspect" in written
    for secret in (key["secret_access_key"], pair["access_token"], pair["refresh_token"]):
        assert secret[-40:] not in written
