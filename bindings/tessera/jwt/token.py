# SPDX-License-Identifier: Apache-2.0
"""The compact form (RFC 7515 section 7.1) as PyJWT reads it, with one spelling per token."""

import base64
import binascii
import json
from typing import Any, NamedTuple

from tessera import _core
from tessera.jwt.exceptions import DecodeError, InvalidTokenError

MAX_BYTES = 65536


class Parts(NamedTuple):
    """A token taken apart. Nothing is verified."""

    text: bytes
    header: dict[str, Any]
    payload: bytes
    signature: bytes


def take_apart(token: object) -> Parts:
    """DecodeError for what is no compact JWS or is detached, InvalidTokenError for any crit or a kid that is no str."""
    text = _to_bytes(token)
    if len(text) > MAX_BYTES:
        raise DecodeError("Token too large")
    segments = text.split(b".")
    if len(segments) != 3:
        raise DecodeError("Not enough segments" if len(segments) < 3 else "Too many segments")
    header = read_object(_decode(segments[0], "header"), "header")
    parts = Parts(text, header, _decode(segments[1], "payload"), _decode(segments[2], "crypto"))
    _check_header(header)
    return parts


def read_object(data: bytes, name: str) -> dict[str, Any]:
    """A strict JSON object; DecodeError."""
    try:
        _core.check_json(data)
        value = json.loads(data)
    except ValueError as error:  # the strict scan, or an integer of more digits than Python reads
        raise DecodeError(f"Invalid {name} string: {_reason(error)}") from None
    if not isinstance(value, dict):
        raise DecodeError(f"Invalid {name} string: must be a json object")
    return value


def encode_segment(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _to_bytes(token: object) -> bytes:
    if isinstance(token, bytes):
        return token
    if not isinstance(token, str):
        raise DecodeError("Invalid token type. Token must be str or bytes")
    try:
        return token.encode("ascii")
    except UnicodeEncodeError:
        raise DecodeError("Invalid token: not ASCII") from None


def _decode(segment: bytes, name: str) -> bytes:
    try:
        data = base64.urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))
    except (binascii.Error, ValueError):
        raise DecodeError(f"Invalid {name} padding") from None
    if base64.urlsafe_b64encode(data).rstrip(b"=") != segment:
        raise DecodeError(f"Invalid {name} padding")
    return data


def _check_header(header: dict[str, Any]) -> None:
    if header.get("b64", True) is False:  # RFC 7797: what was signed is not what stands here
        raise DecodeError("Detached payloads are not supported.")
    if not isinstance(header.get("kid", ""), str):
        raise InvalidTokenError("Key ID header parameter must be a string")
    if "crit" in header:
        raise InvalidTokenError("Unsupported critical extension")


def _reason(error: ValueError) -> str:
    return str(error) if isinstance(error, _core.Error) else "a number is too long"
