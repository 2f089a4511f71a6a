# SPDX-License-Identifier: Apache-2.0
import pytest
from pydantic import Field

from tessera_service.errors import InvalidInput
from tessera_service.http.strict import Body, parse_form, parse_json


class Inner(Body):
    size: int = Field(default=1, ge=1, le=3)


class Example(Body):
    name: str = Field(max_length=3)
    inner: Inner = Field(default_factory=Inner)
    names: list[str] = Field(default_factory=list, max_length=2)
    flag: bool = False


def refusal(data: bytes) -> tuple[str | None, str]:
    with pytest.raises(InvalidInput) as caught:
        parse_json(Example, data)
    error = caught.value
    return error.field, "missing" if error.missing else "out of range" if error.out_of_range else "wrong"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"{}", ("name", "missing")),
        (b'{"name":1}', ("name", "wrong")),
        (b'{"name":null}', ("name", "wrong")),
        (b'{"name":"abcd"}', ("name", "out of range")),
        (b'{"name":"a","inner":[]}', ("inner", "wrong")),
        (b'{"name":"a","inner":{"size":"2"}}', ("inner.size", "wrong")),
        (b'{"name":"a","inner":{"size":2.0}}', ("inner.size", "wrong")),
        (b'{"name":"a","inner":{"size":4}}', ("inner.size", "out of range")),
        (b'{"name":"a","names":["a","b","c"]}', ("names", "out of range")),
        (b'{"name":"a","names":["a",2]}', ("names", "wrong")),
        (b'{"name":"a","flag":1}', ("flag", "wrong")),
        (b"[]", (None, "wrong")),
        (b"null", (None, "wrong")),
        (b'"{}"', (None, "wrong")),
        (b"", (None, "wrong")),
        (b"{", (None, "wrong")),
        (b'{"name":"a","name":"a"}', (None, "wrong")),
        (b'{"name":"a","x":NaN}', (None, "wrong")),
        (b'{"name":"\\ud800"}', (None, "wrong")),
        (b'\xef\xbb\xbf{"name":"a"}', (None, "wrong")),
        (b'{"name":"a"}x', (None, "wrong")),
        (b"[" * 60_000, (None, "wrong")),
        (b'{"name":"abcd","flag":1}', ("flag", "wrong")),  # a wrong type before a value out of bounds
        (b'{"flag":1}', ("flag", "wrong")),
        (b'{"inner":{"size":4}}', ("name", "missing")),
    ],
)
def test_a_bad_body_is_refused_by_field_and_kind(data: bytes, expected: tuple[str | None, str]) -> None:
    assert refusal(data) == expected


def test_unknown_members_are_ignored() -> None:
    assert parse_json(Example, b'{"name":"a","other":{"deep":[1e9]}}').name == "a"


def test_a_field_is_never_named_in_words_of_the_sender() -> None:
    assert refusal(b'{"name":"a","inner":{"canary":1,"size":9}}')[0] == "inner.size"


def test_a_form_is_decoded_once() -> None:
    body = parse_form(Example, b"name=a%2B+&flag=true&x=%25zz")
    assert (body.name, body.flag) == ("a+ ", True)


@pytest.mark.parametrize("data", [b"name=a&name=a", b"name=%ff", b"n%61me=a&name=a", b"&".join([b"a=1"] * 40)])
def test_a_form_with_duplicates_bad_utf_8_or_many_fields_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        parse_form(Example, data)


def test_a_form_without_the_field_is_told_so() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_form(Example, b"other=1")
    assert (caught.value.field, caught.value.missing) == ("name", True)
