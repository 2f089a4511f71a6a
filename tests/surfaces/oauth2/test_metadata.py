# SPDX-License-Identifier: Apache-2.0
"""GET /.well-known/oauth-authorization-server: only what is true."""

import httpx
import pytest

from surfaces.oauth2.calls import basic, check_error, check_head
from surfaces.service_rig import ISSUER, Rig
from tessera_service.surfaces.oauth2.metadata import describe_server
from tessera_service.surfaces.oauth2.operations import METADATA, PATHS

pytestmark = pytest.mark.asyncio(loop_scope="module")

EXPECTED = {
    "issuer": ISSUER,
    "jwks_uri": f"{ISSUER}/.well-known/jwks.json",
    "response_types_supported": [],
    "grant_types_supported": [],
    "introspection_endpoint": f"{ISSUER}/oauth2/introspect",
    "introspection_endpoint_auth_methods_supported": ["client_secret_basic", "Bearer"],
    "revocation_endpoint": f"{ISSUER}/oauth2/revoke",
    "revocation_endpoint_auth_methods_supported": ["client_secret_basic"],
}


async def fetch(rig: Rig, url: str, method: str) -> httpx.Response:
    """What is behind a URL of the metadata."""
    assert url.startswith(ISSUER)
    headers = {"Authorization": basic("a:b")}
    return await rig.client.request(method, url.removeprefix(ISSUER), headers=headers)


async def test_the_metadata_are_public_and_name_what_is_there(shared: Rig) -> None:
    answer = await shared.client.get(PATHS[METADATA])
    assert (answer.status_code, answer.json()) == (200, EXPECTED)
    check_head(answer)
    assert (await fetch(shared, answer.json()["jwks_uri"], "GET")).status_code == 200
    for endpoint in ("introspection_endpoint", "revocation_endpoint"):
        check_error(await fetch(shared, answer.json()[endpoint], "POST"), 401, "invalid_client")


async def test_the_issuer_is_that_of_the_tokens_whatever_host_is_asked(shared: Rig) -> None:
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Tenant-ID": "tenant-x"}
    answer = await shared.client.get(PATHS[METADATA], headers=headers)
    assert (answer.status_code, answer.json()) == (200, EXPECTED)


async def test_head_is_answered_with_the_same_head(shared: Rig) -> None:
    answer = await shared.client.head(PATHS[METADATA])
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"


async def test_the_metadata_need_no_store(shared: Rig) -> None:
    shared.fail_stores("hangs")
    assert (await shared.client.get(PATHS[METADATA])).json() == EXPECTED


@pytest.mark.parametrize(
    ("issuer", "endpoint"),
    [
        ("https://id.example", "https://id.example/oauth2/revoke"),
        ("https://id.example/", "https://id.example/oauth2/revoke"),
        ("https://id.example/a/b", "https://id.example/a/b/oauth2/revoke"),
        ("http://127.0.0.1:8081", "http://127.0.0.1:8081/oauth2/revoke"),
        ("http://[::1]:8081", "http://[::1]:8081/oauth2/revoke"),
    ],
)
async def test_the_endpoints_stand_below_the_issuer(issuer: str, endpoint: str) -> None:
    described = describe_server(issuer)
    assert described is not None
    assert (described["issuer"], described["revocation_endpoint"]) == (issuer, endpoint)


@pytest.mark.parametrize(
    "issuer",
    [
        "portal",
        "id.example",
        "urn:a:b",
        "ftp://id.example",
        "https://",
        "https://a?b",
        "https://a#",
        "http://[::1",
        "//a",
    ],
)
async def test_an_issuer_that_is_no_such_url_has_no_metadata(issuer: str) -> None:
    assert describe_server(issuer) is None
