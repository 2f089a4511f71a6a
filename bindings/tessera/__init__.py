# SPDX-License-Identifier: Apache-2.0
"""RS256 tokens, sessions and revocation over a compiled core.

    import tessera

    key = tessera.PrivateKey.generate()
    claims = {"iss": "issuer", "aud": "api", "sub": "alice", "jti": "1", "iat": now, "exp": now + 900}
    token = tessera.Signer(key).sign(claims)
    claims = tessera.Verifier(key.public_key, tessera.Policy(issuer="issuer", audience="api")).verify(token)

Times are integer seconds since 1970 unless a name says otherwise (`_ms`, `_ns`). Every refusal is a `tessera.Error`
with a stable `code`. `tessera.jwt` has the shape of PyJWT.
"""

from tessera._core import (
    AccessKey,
    AccessKeyHasher,
    Checker,
    Error,
    ExpiredTokenError,
    InvalidKeyError,
    JsonError,
    KeySet,
    LimitError,
    Policy,
    PrivateKey,
    PublicKey,
    RevocationSet,
    RevokedTokenError,
    SessionTable,
    Signer,
    StateError,
    TokenCache,
    TokenError,
    Verdict,
    Verifier,
    __version__,
    boottime_ns,
    check_json,
    sign_jws,
    verify_jws,
)

__all__ = [
    "AccessKey",
    "AccessKeyHasher",
    "Checker",
    "Error",
    "ExpiredTokenError",
    "InvalidKeyError",
    "JsonError",
    "KeySet",
    "LimitError",
    "Policy",
    "PrivateKey",
    "PublicKey",
    "RevocationSet",
    "RevokedTokenError",
    "SessionTable",
    "Signer",
    "StateError",
    "TokenCache",
    "TokenError",
    "Verdict",
    "Verifier",
    "__version__",
    "boottime_ns",
    "check_json",
    "sign_jws",
    "verify_jws",
]
