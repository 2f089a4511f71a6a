# SPDX-License-Identifier: Apache-2.0
"""Content types that bodies may have."""

from enum import Enum
from functools import lru_cache

from tessera_service.http.errors import UnsupportedMediaType


class Media(Enum):
    """How the bytes of a body are meant."""

    JSON = "application/json"
    FORM = "application/x-www-form-urlencoded"


@lru_cache(maxsize=256)
def parse_content_type(value: bytes) -> Media:
    """The media type; UnsupportedMediaType for any other, or for another charset than UTF-8."""
    essence, *parameters = value.decode("latin-1").lower().split(";")
    for parameter in parameters:
        name, _, setting = parameter.strip().partition("=")
        if name == "charset" and setting.strip('"') not in ("utf-8", "utf8"):
            raise UnsupportedMediaType
    try:
        return Media(essence.strip())
    except ValueError:
        raise UnsupportedMediaType from None
