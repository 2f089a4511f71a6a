# SPDX-License-Identifier: Apache-2.0
"""The exceptions of PyJWT, under the same names and in the same tree.

`code` is stable and ours: the cause in the words of `tessera.Error.code` where the core found it.
"""


class PyJWTError(Exception):
    """Everything that this module refuses."""

    code: str = "jwt_refused"


class InvalidTokenError(PyJWTError):
    """The token is not accepted."""

    code = "token_invalid"


class DecodeError(InvalidTokenError):
    """The token cannot be read: its segments, its base64url or its JSON."""

    code = "token_malformed"


class InvalidSignatureError(DecodeError):
    """The signature is not that of the key."""

    code = "signature_invalid"


class ExpiredSignatureError(InvalidTokenError):
    """`exp` is over."""

    code = "token_expired"


class InvalidAudienceError(InvalidTokenError):
    """`aud` names none of the expected audiences."""

    code = "audience_mismatch"


class InvalidIssuerError(InvalidTokenError):
    """`iss` is not the expected issuer."""

    code = "issuer_mismatch"


class InvalidIssuedAtError(InvalidTokenError):
    """`iat` is not a number."""

    code = "claim_invalid"


class ImmatureSignatureError(InvalidTokenError):
    """`nbf` or `iat` lies in the future."""

    code = "token_not_yet_valid"


class InvalidAlgorithmError(InvalidTokenError):
    """The header's `alg` is not among the algorithms, or not RS256."""

    code = "algorithm_not_allowed"


class InvalidSubjectError(InvalidTokenError):
    """`sub` is not a string, or not the expected subject."""

    code = "claim_invalid"


class InvalidJTIError(InvalidTokenError):
    """`jti` is not a string."""

    code = "claim_invalid"


class MissingRequiredClaimError(InvalidTokenError):
    """A demanded claim is absent; `claim` is its name."""

    code = "claim_missing"

    def __init__(self, claim: str) -> None:
        super().__init__(claim)
        self.claim = claim

    def __str__(self) -> str:
        return f'Token is missing the "{self.claim}" claim'


class InvalidKeyError(PyJWTError):
    """The key is malformed, of another kind, or weaker than 2048 bit."""

    code = "key_malformed"


class PyJWKError(PyJWTError):
    """Never raised here; named so that an except clause keeps its meaning."""


class MissingCryptographyError(PyJWKError):
    """Never raised here: the core needs no Python package."""


class PyJWKSetError(PyJWTError):
    """Never raised here; named so that an except clause keeps its meaning."""


class PyJWKClientError(PyJWTError):
    """Never raised here; named so that an except clause keeps its meaning."""


class PyJWKClientConnectionError(PyJWKClientError):
    """Never raised here: nothing is fetched."""
