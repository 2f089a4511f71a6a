# SPDX-License-Identifier: Apache-2.0
import re
from email.utils import formatdate, parsedate_to_datetime

import pytest

from surfaces.service_rig import Rig
from tessera_service.surfaces.token.operations import JWKS, PATHS

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_keys_are_public_and_nothing_else(shared: Rig) -> None:
    answer = await shared.client.get(PATHS[JWKS])
    assert (answer.status_code, set(answer.json())) == (200, {"keys"})
    for key in answer.json()["keys"]:
        assert set(key) == {"kty", "kid", "use", "alg", "n", "e"}
        assert (key["kty"], key["use"], key["alg"], key["e"]) == ("RSA", "sig", "RS256", "AQAB")


async def test_the_headers_make_it_cacheable(shared: Rig) -> None:
    headers = (await shared.client.get(PATHS[JWKS])).headers
    seconds = re.fullmatch(r"public, max-age=(\d+)", headers["cache-control"])
    assert seconds is not None
    assert 0 < int(seconds[1]) <= 3600
    assert re.fullmatch(r'"[\x21\x23-\x7e]+"', headers["etag"])
    assert parsedate_to_datetime(headers["last-modified"]).timestamp() <= shared.clock.now()
    assert headers["access-control-allow-origin"] == "*"
    assert headers["content-type"] == "application/json"
    assert "ratelimit-limit" not in headers


async def test_no_header_is_demanded_and_a_request_id_is_echoed(shared: Rig) -> None:
    assert (await shared.client.get(PATHS[JWKS], headers={"X-Request-ID": "r.1"})).headers["x-request-id"] == "r.1"
    answer = await shared.client.get(PATHS[JWKS], headers={"X-Request-ID": "bad id", "X-Tenant-ID": "unknown"})
    assert answer.status_code == 200
    assert answer.headers["x-request-id"] != "bad id"


async def test_head_is_get_without_a_body(shared: Rig) -> None:
    get, head = await shared.client.get(PATHS[JWKS]), await shared.client.head(PATHS[JWKS])
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-length", "content-type", "etag", "last-modified", "cache-control"):
        assert head.headers[name] == get.headers[name]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
async def test_an_etag_that_is_known_is_not_modified(shared: Rig, method: str, form: str) -> None:
    etag = (await shared.client.get(PATHS[JWKS])).headers["etag"]
    answer = await shared.client.request(method, PATHS[JWKS], headers={"If-None-Match": form.format(etag)})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
    assert {"cache-control", "last-modified", "access-control-allow-origin"} <= set(answer.headers)
    assert "content-length" not in answer.headers


async def test_a_date_counts_only_without_an_etag(shared: Rig) -> None:
    modified = (await shared.client.get(PATHS[JWKS])).headers["last-modified"]
    earlier = formatdate(parsedate_to_datetime(modified).timestamp() - 1, usegmt=True)
    for headers, status in (
        ({"If-Modified-Since": modified}, 304),
        ({"If-Modified-Since": earlier}, 200),
        ({"If-Modified-Since": "nonsense"}, 200),
        ({"If-Modified-Since": modified, "If-None-Match": '"other"'}, 200),
    ):
        assert (await shared.client.get(PATHS[JWKS], headers=headers)).status_code == status


async def test_a_new_key_changes_the_etag(rig_of_one_store: Rig) -> None:
    before = (await rig_of_one_store.client.get(PATHS[JWKS])).headers["etag"]
    await rig_of_one_store.engine.keys.rotate()
    answer = await rig_of_one_store.client.get(PATHS[JWKS], headers={"If-None-Match": before})
    assert (answer.status_code, len(answer.json()["keys"])) == (200, 2)
