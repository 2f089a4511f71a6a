# SPDX-License-Identifier: Apache-2.0
from surfaces.service_rig import Rig


async def test_issue_introspect_refresh_revoke(rig: Rig) -> None:
    pair = await rig.issue("alice")
    assert (await rig.introspect(pair["access_token"]))["sub"] == "alice"
    answer = await rig.post("/v1/token/refresh", {"refresh_token": pair["refresh_token"]})
    assert answer.status_code == 200, answer.text
    answer = await rig.post("/v1/token/revoke", bearer=answer.json()["data"]["access_token"])
    assert answer.status_code == 204, answer.text
    assert await rig.introspect(pair["access_token"]) == {"active": False}
