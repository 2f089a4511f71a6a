# SPDX-License-Identifier: Apache-2.0
"""Bodies are read strictly: the core scans the bytes first, then pydantic reads the same bytes."""

from typing import TypeVar
from urllib.parse import unquote_to_bytes

from pydantic import BaseModel, ConfigDict, ValidationError

import tessera
from tessera_service.errors import InvalidInput

M = TypeVar("M", bound="Body")

MAX_FORM_FIELDS = 32

# pydantic's names for "not of this JSON type"; everything else is of the right type but out of bounds.
_WRONG_TYPE = frozenset({"json_invalid", "json_type", "model_attributes_type", "recursion_loop"})


class Body(BaseModel):
    """A request body: strict types; unknown members are ignored; no error of it shows input."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", hide_input_in_errors=True)


def parse_json(model: type[M], data: bytes) -> M:
    """InvalidInput unless `data` is strict JSON and what the model asks for."""
    try:
        tessera.check_json(data)
        return model.model_validate_json(data)
    except tessera.Error:
        raise InvalidInput from None
    except ValidationError as error:
        raise as_invalid_input(error) from None


def parse_form(model: type[M], data: bytes) -> M:
    """The same for application/x-www-form-urlencoded: each field once, UTF-8."""
    fields: dict[str, str] = {}
    pairs = [pair for pair in data.split(b"&") if pair]
    if len(pairs) > MAX_FORM_FIELDS:
        raise InvalidInput
    for pair in pairs:
        name, _, value = (_decode_form(part) for part in pair.partition(b"="))
        if name in fields:
            raise InvalidInput
        fields[name] = value
    try:
        return model.model_validate_strings(fields)
    except ValidationError as error:
        raise as_invalid_input(error) from None


def _decode_form(part: bytes) -> str:
    try:
        return unquote_to_bytes(part.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidInput from None


def as_invalid_input(error: ValidationError) -> InvalidInput:
    """What is worst in it: a wrong type, then an absent field, then a value out of bounds. Names fields of the model,
    never what was sent."""
    found = [
        (_rank(detail["type"]), ".".join(part for part in detail["loc"] if isinstance(part, str)))
        for detail in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    rank, field = min(found)
    return InvalidInput(field or None, missing=rank == 1, out_of_range=rank == 2)


def _rank(kind: str) -> int:
    if kind == "missing":
        return 1
    return 0 if kind in _WRONG_TYPE or kind.endswith("_type") else 2
