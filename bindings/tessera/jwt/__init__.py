# SPDX-License-Identifier: Apache-2.0
"""PyJWT's functions for RS256, over the compiled core: `from tessera import jwt` takes the place of `import jwt`.

    token = jwt.encode({"sub": "alice"}, private_pem, algorithm="RS256")
    claims = jwt.decode(token, public_pem, algorithms=["RS256"])

Arguments, options, results and exceptions are PyJWT's. Keys are PEM text, keys of tessera or of `cryptography`, or
objects like PyJWK. Stricter than PyJWT: another algorithm than RS256 is never acceptable; keys have 2048..4096 bit and
an exponent of 65537 or more; one token has one spelling (no padding, no duplicate members, strict JSON, 64 KiB);
headers that change the meaning of a token or bring a key (crit, b64, jwk, jku, x5u, x5c, x5t, zip, enc) are refused; a
typ is a string, a kid has 1..128 bytes and no control characters, a time is a JSON number.

Not here: PyJWT, PyJWS, PyJWK, PyJWKClient, register_algorithm.
"""

from tessera.jwt import exceptions, warnings
from tessera.jwt.api import decode, decode_complete, encode, get_unverified_header
from tessera.jwt.exceptions import (
    DecodeError,
    ExpiredSignatureError,
    ImmatureSignatureError,
    InvalidAlgorithmError,
    InvalidAudienceError,
    InvalidIssuedAtError,
    InvalidIssuerError,
    InvalidJTIError,
    InvalidKeyError,
    InvalidSignatureError,
    InvalidSubjectError,
    InvalidTokenError,
    MissingCryptographyError,
    MissingRequiredClaimError,
    PyJWKClientConnectionError,
    PyJWKClientError,
    PyJWKError,
    PyJWKSetError,
    PyJWTError,
)
from tessera.jwt.warnings import InsecureKeyLengthWarning, RemovedInPyjwt3Warning

__all__ = [
    "DecodeError",
    "ExpiredSignatureError",
    "ImmatureSignatureError",
    "InsecureKeyLengthWarning",
    "InvalidAlgorithmError",
    "InvalidAudienceError",
    "InvalidIssuedAtError",
    "InvalidIssuerError",
    "InvalidJTIError",
    "InvalidKeyError",
    "InvalidSignatureError",
    "InvalidSubjectError",
    "InvalidTokenError",
    "MissingCryptographyError",
    "MissingRequiredClaimError",
    "PyJWKClientConnectionError",
    "PyJWKClientError",
    "PyJWKError",
    "PyJWKSetError",
    "PyJWTError",
    "RemovedInPyjwt3Warning",
    "decode",
    "decode_complete",
    "encode",
    "exceptions",
    "get_unverified_header",
    "warnings",
]
