# SPDX-License-Identifier: Apache-2.0
"""encode and decode with PyJWT's arguments."""

import json
import warnings
from calendar import timegm
from collections.abc import Container, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from tessera import _core
from tessera.jwt import exceptions
from tessera.jwt.claims import Expected, Options
from tessera.jwt.exceptions import DecodeError, InvalidAlgorithmError, InvalidTokenError
from tessera.jwt.keys import AnyKey, algorithm_of, private_key, public_key
from tessera.jwt.token import MAX_BYTES, Parts, read_object, take_apart
from tessera.jwt.warnings import RemovedInPyjwt3Warning

ALGORITHM = "RS256"

# What the core refuses after take_apart has passed; any other cause is an InvalidTokenError.
_REFUSALS: dict[str, type[InvalidTokenError]] = {
    "token_malformed": DecodeError,
    "header_malformed": DecodeError,
    "algorithm_not_allowed": InvalidAlgorithmError,
    "signature_invalid": exceptions.InvalidSignatureError,
}


def encode(
    payload: dict[str, Any],
    key: AnyKey,
    algorithm: str | None = ALGORITHM,
    headers: dict[str, Any] | None = None,
    json_encoder: type[json.JSONEncoder] | None = None,
    sort_headers: bool = True,
) -> str:
    """The signed token, byte for byte what PyJWT makes. datetimes in exp, iat and nbf become seconds.

    Raises TypeError for what is no dict or no key, ValueError for what is no strict JSON or over 64 KiB,
    NotImplementedError for another algorithm, InvalidKeyError, InvalidTokenError for headers that decode would refuse.
    """
    data = json.dumps(_prepared(payload), separators=(",", ":"), cls=json_encoder).encode()
    _core.check_json(data)
    header = _header(algorithm, headers or {})
    header_data = json.dumps(header, separators=(",", ":"), cls=json_encoder, sort_keys=sort_headers).encode()
    if header["alg"] != ALGORITHM:
        raise NotImplementedError("Algorithm not supported")
    try:
        return _core.sign_jws(private_key(key), header_data, data)
    except _core.TokenError as error:
        raise _refusal(error) from None


def decode_complete(
    jwt: str | bytes,
    key: AnyKey = "",
    algorithms: Sequence[str] | None = None,
    options: Options | None = None,
    verify: bool | None = None,
    detached_payload: bytes | None = None,
    audience: str | Iterable[str] | None = None,
    issuer: str | Container[str] | None = None,
    subject: str | None = None,
    leeway: float | timedelta = 0,
    **kwargs: Any,
) -> dict[str, Any]:
    """As decode, but `{"payload": dict, "header": dict, "signature": bytes}`."""
    _warn("decode_complete", kwargs, verify, options)
    if detached_payload is not None:
        raise DecodeError("Detached payloads are not supported.")
    expected = Expected(options, audience=audience, issuer=issuer, subject=subject, leeway=leeway)
    is_verified = bool((options or {}).get("verify_signature", True))
    if is_verified and not algorithms and algorithm_of(key) is None:
        raise DecodeError(
            'It is required that you pass in a value for the "algorithms" argument when calling decode().'
        )
    parts = take_apart(jwt)
    if is_verified:
        _verify(parts, key, algorithms)
    claims = read_object(parts.payload, "payload")
    expected.check(claims)
    return {"payload": claims, "header": parts.header, "signature": parts.signature}


def decode(
    jwt: str | bytes,
    key: AnyKey = "",
    algorithms: Sequence[str] | None = None,
    options: Options | None = None,
    verify: bool | None = None,
    detached_payload: bytes | None = None,
    audience: str | Iterable[str] | None = None,
    subject: str | None = None,
    issuer: str | Container[str] | None = None,
    leeway: float | timedelta = 0,
    **kwargs: Any,
) -> dict[str, Any]:
    """The claims of a token whose signature and claims are right; else the exception that PyJWT raises.

    `algorithms`: has to hold "RS256". `leeway`: seconds or timedelta, for exp, nbf and iat. `options`: see Options.
    """
    _warn("decode", kwargs, verify, options)
    complete = decode_complete(
        jwt,
        key,
        algorithms,
        options,
        detached_payload=detached_payload,
        audience=audience,
        subject=subject,
        issuer=issuer,
        leeway=leeway,
    )
    claims: dict[str, Any] = complete["payload"]
    return claims


def get_unverified_header(jwt: str | bytes) -> dict[str, Any]:
    """The header of a token of which nothing is verified: good for choosing among keys that are trusted anyway."""
    return take_apart(jwt).header


def _prepared(payload: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(payload, dict):
        raise TypeError("Expecting a dict object, as JWT only supports JSON objects as payloads.")
    claims = payload.copy()
    for name in ("exp", "iat", "nbf"):
        if isinstance(claims.get(name), datetime):
            claims[name] = timegm(claims[name].utctimetuple())
    if "iss" in claims and not isinstance(claims["iss"], str):
        raise TypeError("Issuer (iss) must be a string.")
    return claims


def _header(algorithm: str | None, headers: dict[str, Any]) -> dict[str, Any]:
    """typ and alg, then the caller's own: an alg among these counts, an empty typ removes it, b64 true says nothing."""
    if not isinstance(headers.get("kid", ""), str):
        raise InvalidTokenError("Key ID header parameter must be a string")
    header = {"typ": "JWT", "alg": algorithm, **headers}
    header["alg"] = header["alg"] or algorithm
    if not header["typ"]:
        del header["typ"]
    if header.get("b64", False):
        del header["b64"]
    return header


def _verify(parts: Parts, key: AnyKey, algorithms: Sequence[str] | None) -> None:
    if "alg" not in parts.header:
        raise InvalidAlgorithmError("Algorithm not specified")
    if parts.header["alg"] != ALGORITHM:
        raise InvalidAlgorithmError("The specified alg value is not allowed")
    if algorithms is not None and ALGORITHM not in algorithms:
        raise InvalidAlgorithmError("The specified alg value is not allowed")
    if algorithm_of(key) not in (None, ALGORITHM):
        raise InvalidAlgorithmError("Token algorithm does not match the key's algorithm")
    try:
        _core.verify_jws(parts.text, public_key(key), max_bytes=MAX_BYTES)
    except _core.TokenError as error:
        raise _refusal(error) from None


def _refusal(error: _core.TokenError) -> InvalidTokenError:
    refusal = _REFUSALS.get(error.code, InvalidTokenError)(str(error))
    refusal.code = error.code
    return refusal


def _warn(name: str, unknown: dict[str, Any], verify: bool | None, options: Options | None) -> None:
    if unknown:
        text = f"passing additional kwargs to {name}() is deprecated and ignored. Unsupported kwargs: {tuple(unknown)}"
        warnings.warn(text, RemovedInPyjwt3Warning, stacklevel=3)
    if verify is not None and verify != (options or {}).get("verify_signature", True):
        text = "The `verify` argument does nothing: set `verify_signature` in the `options` dictionary."
        warnings.warn(text, DeprecationWarning, stacklevel=3)
