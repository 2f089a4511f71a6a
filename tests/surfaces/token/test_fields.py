# SPDX-License-Identifier: Apache-2.0
"""The limits of every member of a body, at their bounds."""

import pytest

from surfaces.service_rig import Rig
from tessera_service.surfaces.token.operations import ISSUE, PATHS, REFRESH, REVOKE

pytestmark = pytest.mark.asyncio(loop_scope="module")

ASCII_128 = "".join(chr(0x21 + n % 0x5E) for n in range(128))
NAME_64 = "Ab9._:/*-" + "x" * 55
WRONG_TYPES: tuple[object, ...] = (None, 1, 1.5, True, [], {})
NO_NAMES: tuple[object, ...] = (None, 1, "p", {}, [1], [None], [["p"]])
NO_OBJECTS: tuple[object, ...] = (None, 1, "web", [], [{}])
TEXTS = ("device_model", "os_version", "app_version", "location")
NO_ADDRESSES = ("", "localhost", "192.0.2.256", "1.2.3", "fe80::1%eth0", "192.0.2.1 ", "192.0.2.0/24", "0x7f.1")

GOOD: list[tuple[str, object]] = [
    ("sub", "!"), ("sub", ASCII_128), ("client_id", ASCII_128), ("scope", ""), ("scope", NAME_64),
    ("scope", " ".join(f"s{n}" for n in range(64))), ("permissions", []), ("permissions", [NAME_64]),
    ("permissions", [f"p{n}" for n in range(64)]), ("roles", [NAME_64]), ("roles", ["r", "r"]),
    ("grant_type", "jwt_bearer"),
    ("session_metadata", {}), ("session_metadata", {"unknown": 1}),
    ("session_metadata", {"user_agent": "ü" * 512}), ("session_metadata", {"location": "ü" * 128}),
    *(("session_metadata", {"ip_address": text}) for text in ("192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1")),
    *(("session_metadata", {"device_type": text}) for text in ("web", "android", "ios")),
    *(("session_metadata", {name: ""}) for name in (*TEXTS, "user_agent")),
]  # fmt: skip
OUT_OF_RANGE: list[tuple[str, object]] = [
    *(("sub", text) for text in ("", ASCII_128 + "x", "a b", "a\x00", "a\n", "ü", "\x7f")),
    *(("client_id", text) for text in ("", "x" * 129, "a b")),
    *(("scope", text) for text in (" ", "a ", " a", "a  b", "a\tb", "a,b", "ü", "x" * 65, " ".join(["s"] * 65))),
    *((name, value) for name in ("permissions", "roles") for value in ([""], ["a b"], ["x" * 65], ["p"] * 65, ["ü"])),
    *(("session_metadata", {"ip_address": text}) for text in NO_ADDRESSES),
    *(("session_metadata", {"device_type": text}) for text in ("", "Web", "desktop", "web ")),
    *(("session_metadata", {name: "x" * 129}) for name in TEXTS),
    ("session_metadata", {"user_agent": "x" * 513}), ("session_metadata", {"user_agent": "a\x00"}),
    ("session_metadata", {"location": "a\nb"}),
]  # fmt: skip
WRONG: list[tuple[str, object]] = [
    *((name, value) for value in WRONG_TYPES for name in ("sub", "client_id", "scope", "grant_type")),
    *((name, value) for value in NO_NAMES for name in ("permissions", "roles")),
    *(("session_metadata", value) for value in NO_OBJECTS),
    *(("session_metadata", {"device_type": value}) for value in WRONG_TYPES),
    *(("session_metadata", {"ip_address": value}) for value in WRONG_TYPES),
    ("grant_type", "implicit"), ("grant_type", ""),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), GOOD)
async def test_a_member_within_its_bounds_is_taken(shared: Rig, name: str, value: object) -> None:
    bearer = await shared.service_bearer("token.generate")
    answer = await shared.post(PATHS[ISSUE], {"sub": "alice", name: value}, bearer=bearer)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(("name", "value"), OUT_OF_RANGE)
async def test_a_member_out_of_its_bounds_is_unprocessable(shared: Rig, name: str, value: object) -> None:
    bearer = await shared.service_bearer("token.generate")
    answer = await shared.post(PATHS[ISSUE], {"sub": "alice", name: value}, bearer=bearer)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "common.validation_error")
    assert answer.json()["error"]["data"]["field"].split(".")[0] == name


@pytest.mark.parametrize(("name", "value"), WRONG)
async def test_a_member_of_a_wrong_type_is_a_bad_request(shared: Rig, name: str, value: object) -> None:
    bearer = await shared.service_bearer("token.generate")
    answer = await shared.post(PATHS[ISSUE], {"sub": "alice", name: value}, bearer=bearer)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "common.validation_error")
    assert answer.json()["error"]["data"]["field"].split(".")[0] == name


@pytest.mark.parametrize("name", ["session_id", "sub", "jti"])
@pytest.mark.parametrize("value", ["", "x" * 129, "a b", "ü"])
async def test_ids_out_of_their_bounds_are_unprocessable(shared: Rig, name: str, value: str) -> None:
    bearer = await shared.service_bearer("token.revoke")
    assert (await shared.post(PATHS[REVOKE], {name: value}, bearer=bearer)).status_code == 422
    if name == "session_id":
        assert (await shared.post(PATHS[REFRESH], {name: value, "refresh_token": "x"})).status_code == 422


@pytest.mark.parametrize("name", ["session_id", "sub", "jti", "token", "all"])
@pytest.mark.parametrize("value", [None, 1, [], {}])
async def test_targets_of_a_wrong_type_are_bad_requests(shared: Rig, name: str, value: object) -> None:
    bearer = await shared.service_bearer("token.revoke")
    answer = await shared.post(PATHS[REVOKE], {name: value}, bearer=bearer)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "auth.revoke.invalid")
