# SPDX-License-Identifier: Apache-2.0
"""From all that PyJWT takes as an RSA key to a key of the core. Nothing but the object itself is asked: no import."""

import base64
import hashlib
import json
from collections.abc import Callable
from functools import lru_cache
from threading import Lock
from typing import Any, NoReturn

from tessera import _core
from tessera.jwt.exceptions import InvalidKeyError

# PEM text, a key of tessera, a key of `cryptography`, or an object like PyJWK.
AnyKey = Any

_EXPECTED = "Expecting a PEM-formatted key."


def algorithm_of(key: AnyKey) -> str | None:
    """The algorithm that an object like PyJWK is bound to; None for any other key."""
    name = getattr(key, "algorithm_name", None)
    return name if isinstance(name, str) and hasattr(key, "key") else None


def public_key(key: AnyKey) -> _core.PublicKey:
    """The key that verifies. TypeError for what is no RSA key, InvalidKeyError for what is a bad or a private one."""
    if isinstance(key, _core.PublicKey):
        return key
    if algorithm_of(key) is not None:
        return public_key(key.key)
    if isinstance(key, _core.PrivateKey) or hasattr(key, "private_numbers"):
        raise InvalidKeyError("A private key was given where a public key verifies.")
    try:
        if isinstance(key, str | bytes):
            return _public_from_pem(key)
        return _public_from_numbers(*_public_numbers(key))
    except _core.InvalidKeyError as error:
        _refuse(error)


def private_key(key: AnyKey) -> _core.PrivateKey:
    """The key that signs; errors as of public_key, TypeError for an encrypted PEM."""
    if isinstance(key, _core.PrivateKey):
        return key
    if algorithm_of(key) is not None:
        return private_key(key.key)
    if isinstance(key, _core.PublicKey) or (hasattr(key, "public_numbers") and not hasattr(key, "private_numbers")):
        raise InvalidKeyError("A public key was given where a private key signs.")
    try:
        if isinstance(key, str | bytes):
            return _private_keys.get(key, _core.PrivateKey.from_pem)
        return _private_keys.get(_jwk(_private_numbers(key)), _core.PrivateKey.from_jwk)
    except _core.InvalidKeyError as error:
        if error.code == "key_password_wrong":
            raise TypeError("Password was not given but private key is encrypted") from None
        _refuse(error)


class _PrivateKeys:
    """The private keys used last: the core checks each number of a key when it reads it, which takes far longer than to
    sign. Known by the digest of their text, which is not kept. Threads share it."""

    MAX_KEYS = 8

    def __init__(self) -> None:
        self._keys: dict[bytes, _core.PrivateKey] = {}
        self._lock = Lock()

    def get(self, text: str | bytes, read: Callable[[str | bytes], _core.PrivateKey]) -> _core.PrivateKey:
        data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        digest = hashlib.sha256(data).digest()
        known = self._keys.get(digest)
        if known is not None:
            return known
        key = read(text)
        with self._lock:
            self._keys[digest] = key
            while len(self._keys) > self.MAX_KEYS:
                del self._keys[next(iter(self._keys))]
        return key


_private_keys = _PrivateKeys()


@lru_cache(maxsize=64)
def _public_from_pem(pem: str | bytes) -> _core.PublicKey:
    """Read once: the same few keys come with every call."""
    return _core.PublicKey.from_pem(pem)


@lru_cache(maxsize=64)
def _public_from_numbers(n: int, e: int) -> _core.PublicKey:
    return _core.PublicKey.from_jwk(_jwk({"n": n, "e": e}))


def _refuse(error: _core.InvalidKeyError) -> NoReturn:
    refused = InvalidKeyError(str(error))
    refused.code = error.code
    raise refused from None


def _public_numbers(key: AnyKey) -> tuple[int, int]:
    numbers: Any = key.public_numbers() if hasattr(key, "public_numbers") else None
    if not hasattr(numbers, "n") or not hasattr(numbers, "e"):
        raise TypeError(_EXPECTED)
    return numbers.n, numbers.e


def _private_numbers(key: AnyKey) -> dict[str, int]:
    numbers: Any = key.private_numbers() if hasattr(key, "private_numbers") else None
    if not hasattr(numbers, "dmp1") or not hasattr(numbers, "iqmp"):
        raise TypeError(_EXPECTED)
    public = numbers.public_numbers
    return {
        "n": public.n,
        "e": public.e,
        "d": numbers.d,
        "p": numbers.p,
        "q": numbers.q,
        "dp": numbers.dmp1,
        "dq": numbers.dmq1,
        "qi": numbers.iqmp,
    }


def _jwk(numbers: dict[str, int]) -> str:
    """RFC 7518 section 6.3: big-endian, without leading zeros, base64url."""
    members = {name: _base64url_number(number) for name, number in numbers.items()}
    return json.dumps({"kty": "RSA", **members})


def _base64url_number(number: int) -> str:
    data = number.to_bytes((number.bit_length() + 7) // 8)
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
