# SPDX-License-Identifier: Apache-2.0
import pytest

from tessera_service.http.errors import UnsupportedMediaType
from tessera_service.http.media import Media, parse_content_type


@pytest.mark.parametrize(
    ("value", "media"),
    [
        (b"application/json", Media.JSON),
        (b"Application/JSON", Media.JSON),
        (b"application/json; charset=utf-8", Media.JSON),
        (b'application/json;charset="UTF-8"', Media.JSON),
        (b"application/json; profile=x", Media.JSON),
        (b"application/x-www-form-urlencoded", Media.FORM),
    ],
)
def test_json_and_forms_are_read(value: bytes, media: Media) -> None:
    assert parse_content_type(value) is media


@pytest.mark.parametrize(
    "value",
    [
        *(b"", b"application/json; charset=utf-16", b"application/json; charset=latin1", b"text/json", b"*/*"),
        *(
            b"application/jsonx",
            b"application/jose",
            b"multipart/form-data; boundary=x",
            b"application/json, text/plain",
        ),
        *(b"text/plain", b"\xff\xfe", b"application/json; charset=utf-8; charset=utf-16"),
    ],
)
def test_everything_else_is_refused(value: bytes) -> None:
    with pytest.raises(UnsupportedMediaType):
        parse_content_type(value)
