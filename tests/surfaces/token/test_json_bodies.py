# SPDX-License-Identifier: Apache-2.0
"""JSONTestSuite as bodies of every POST: what is no JSON is refused, nothing is ever our error."""

from pathlib import Path

import pytest

from surfaces.service_rig import Rig
from surfaces.token.causes import OWN_CODES
from tessera_service.surfaces.token.operations import INTROSPECT, ISSUE, PATHS, REFRESH, REVOKE

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("operation", [ISSUE, REFRESH, REVOKE, INTROSPECT])
@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded"])
async def test_bodies_of_the_json_suite_are_bad_requests(
    shared: Rig, vectors: Path, operation: str, content_type: str
) -> None:
    files = sorted((vectors / "JSONTestSuite" / "test_parsing").glob("*.json"))
    assert len(files) > 300
    # A service token: with an empty body it is refused too, since it has no current session.
    bearer = await shared.service_bearer("token.generate", "token.introspect", "token.revoke")
    reads_forms = operation in (REVOKE, INTROSPECT) and "form" in content_type
    for file in files:
        content = file.read_bytes()
        headers = {"Content-Type": content_type}
        answer = await shared.post(
            PATHS[operation], content=content, headers=headers, bearer=None if operation == REFRESH else bearer
        )
        if len(content) > 65_536:
            assert answer.status_code == 413, file.name
            continue
        if operation == REFRESH and answer.status_code == 401:  # an object or nothing, but without a token
            assert file.name.startswith(("y_", "i_")) or not content, file.name
            continue
        assert answer.status_code == 400, file.name
        code = answer.json()["error"]["code"]
        assert code == OWN_CODES[operation], file.name
        assert reads_forms or b"\x00" not in answer.content
