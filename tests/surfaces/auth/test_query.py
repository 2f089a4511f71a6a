# SPDX-License-Identifier: Apache-2.0
"""The query of a list, at its bounds."""

import pytest
from starlette.datastructures import QueryParams

from tessera_service.errors import InvalidInput
from tessera_service.models import SessionStatus
from tessera_service.surfaces.auth.query import SessionQuery, read_query


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("", SessionQuery(None, None, 20, 0)),
        ("limit=1&offset=0", SessionQuery(None, None, 1, 0)),
        ("limit=100&offset=10000", SessionQuery(None, None, 100, 10_000)),
        ("user_id=" + "x" * 128, SessionQuery("x" * 128, None, 20, 0)),
        ("user_id=a%2Fb", SessionQuery("a/b", None, 20, 0)),
        *((f"status={status}", SessionQuery(None, status, 20, 0)) for status in SessionStatus),
        ("page=2&page=3&Limit=0&sort", SessionQuery(None, None, 20, 0)),
    ],
)
def test_what_is_asked_is_read(text: str, query: SessionQuery) -> None:
    assert read_query(QueryParams(text)) == query


BAD = {
    "limit": [
        "0",
        "101",
        "-1",
        "",
        "+5",
        "05",
        "5.0",
        "1e1",
        " 5",
        "5 ",
        "\u0665",
        "9" * 5000,
        "9223372036854775808",
        "x",
    ],
    "offset": ["10001", "-1", "", "00", "9223372036854775808", "0x1", "1_0"],
    "status": ["", "ACTIVE", "live", "active,revoked", "active "],
    "user_id": [
        "",
        "x" * 129,
        "with space",
        "\u0000",
        "\n",
        "\u00fc",
        "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    ],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_what_is_out_of_bounds_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_query(QueryParams({name: value}))
    assert caught.value.field == name


@pytest.mark.parametrize("name", sorted(BAD))
def test_a_member_is_sent_once(name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_query(QueryParams(f"{name}=5&{name}=5"))
    assert caught.value.field == name


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(InvalidInput):
        read_query(QueryParams("user_id=%ff%fe"))
