# SPDX-License-Identifier: Apache-2.0
# `id` and `type` are the words of the tables and of the header, though builtins have them too.
# ruff: noqa: A002
"""Types of the compiled core. Times are integer seconds since 1970 unless a name says otherwise."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, final

__version__: Final[str]

class Error(Exception):
    """Anything that the core refuses. `code` is stable; the text never contains a piece of the input."""

    code: str

class TokenError(Error):
    """A token that is not accepted. `code` is one of the causes of `tessera/error.h`."""

class ExpiredTokenError(TokenError):
    """The token is genuine and everything else is right, but its time is over (`token_expired`)."""

class RevokedTokenError(TokenError):
    """Token, session or subject were revoked (`token_revoked`, `session_revoked`, `subject_cut_off`)."""

class JsonError(Error, ValueError):
    """Text that is not strict JSON (`json_*`)."""

class InvalidKeyError(Error, ValueError):
    """A key that is malformed or against the policy (`key_*`)."""

class LimitError(Error, ValueError):
    """An argument is over its documented limit (`limit_exceeded`)."""

class StateError(Error):
    """Saved state, files or the crypto library failed (`snapshot_malformed`, `io_failed`, `crypto_failed`)."""

class _Type(type):
    """The metaclass of the classes below."""

def check_json(data: bytes | str, *, max_bytes: int = 65536, max_depth: int = 32) -> None:
    """Raises JsonError unless `data` is one strict JSON value (RFC 8259, without duplicates, lone surrogates, NaN)."""

@final
class PublicKey(metaclass=_Type):
    """RSA public key, 2048..4096 bit. Immutable; may be shared between threads."""

    @staticmethod
    def from_pem(pem: bytes | str, *, kid: str | None = None) -> PublicKey: ...
    @staticmethod
    def from_jwk(jwk: bytes | str, *, kid: str | None = None) -> PublicKey: ...
    @property
    def kid(self) -> str: ...
    @property
    def bits(self) -> int: ...
    @property
    def thumbprint(self) -> str: ...
    def to_pem(self) -> str: ...
    def to_jwk(self) -> str: ...

@final
class PrivateKey(metaclass=_Type):
    """RSA private key. Immutable; may be shared between threads. Its repr shows the kid only."""

    @staticmethod
    def generate(*, bits: int = 2048, kid: str | None = None) -> PrivateKey: ...
    @staticmethod
    def from_pem(pem: bytes | str, *, password: bytes | str | None = None, kid: str | None = None) -> PrivateKey: ...
    @staticmethod
    def from_jwk(jwk: bytes | str, *, kid: str | None = None) -> PrivateKey: ...
    @property
    def kid(self) -> str: ...
    @property
    def bits(self) -> int: ...
    @property
    def public_key(self) -> PublicKey: ...
    def to_pem(self, *, password: bytes | str | None = None) -> str: ...

@final
class KeySet(metaclass=_Type):
    """The keys that count and the one that signs; replaced as a whole while other threads verify."""

    def __init__(self, keys: Iterable[PublicKey] = (), *, signing_key: PrivateKey | None = None) -> None: ...
    @staticmethod
    def from_jwks(jwks: bytes | str) -> KeySet: ...
    def replace(self, keys: Iterable[PublicKey], *, signing_key: PrivateKey | None = None) -> None: ...
    def jwks(self) -> str: ...
    @property
    def generation(self) -> int: ...
    @property
    def kids(self) -> list[str]: ...
    @property
    def signing_kid(self) -> str | None: ...
    def __len__(self) -> int: ...
    def __contains__(self, kid: str) -> bool: ...

@final
class Policy(metaclass=_Type):
    """What is expected of a token. Immutable. Strict by default; each loosening is a visible word."""

    def __init__(
        self,
        *,
        issuer: str = ...,
        audience: str | Sequence[str] = ...,
        types: Sequence[str] = ["at+jwt"],
        required_claims: Sequence[str] = ["sub", "iat", "jti"],
        leeway_seconds: int = 0,
        skew_seconds: int = 5,
        max_lifetime_seconds: int = 0,
        max_token_bytes: int = 8192,
        ignore_expiry: bool = False,
        ignore_issuer: bool = False,
        ignore_audience: bool = False,
        allow_any_type: bool = False,
    ) -> None:
        """`issuer` and `audience` are demanded unless `ignore_issuer` / `ignore_audience` is set (ValueError)."""

@final
class Signer(metaclass=_Type):
    """Makes RS256 tokens with a key, or with the signing key of a set. Threads may share it; sign releases the GIL."""

    def __init__(self, key: PrivateKey | KeySet) -> None: ...
    def sign(self, claims: Mapping[str, Any] | bytes, *, type: str = "at+jwt") -> str:
        """`claims`: a mapping, or the exact payload bytes (a strict JSON object). Same bytes, same key: same token."""

@final
class Verifier(metaclass=_Type):
    """Verifies tokens against a policy. Threads may share it; verify and verify_many release the GIL."""

    def __init__(
        self,
        keys: KeySet | PublicKey,
        policy: Policy,
        *,
        cache: TokenCache | None = None,
        revocations: RevocationSet | None = None,
    ) -> None: ...
    def verify(self, token: str | bytes, *, now: int | None = None) -> dict[str, Any]:
        """The claims, or TokenError. With `revocations`, a revoked jti or sid raises RevokedTokenError."""
    def verify_bytes(self, token: str | bytes, *, now: int | None = None) -> bytes:
        """As verify, but the payload as it was signed."""
    def verify_many(
        self, tokens: Sequence[str | bytes], *, now: int | None = None
    ) -> list[dict[str, Any] | TokenError]:
        """One entry per token, in order: its claims, or the error (returned, not raised)."""

@final
class TokenCache(metaclass=_Type):
    """Verified tokens by their exact bytes; bounded in bytes. Threads may share it."""

    def __init__(self, *, max_bytes: int = 67108864) -> None: ...
    def clear(self) -> None: ...
    @property
    def bytes_used(self) -> int: ...
    def __len__(self) -> int: ...

@final
class RevocationSet(metaclass=_Type):
    """Revoked token ids and sessions, cut-offs of subjects, each until an expiry in seconds. Threads may share it."""

    def __init__(self) -> None: ...
    def revoke_jti(self, jti: str, *, expires_at: int) -> None: ...
    def revoke_session(self, session_id: str, *, expires_at: int) -> None: ...
    def cut_off(self, tenant_id: str, subject: str, *, cutoff_ms: int, expires_at: int) -> None: ...
    def is_jti_revoked(self, jti: str) -> bool: ...
    def is_session_revoked(self, session_id: str) -> bool: ...
    def is_cut_off(self, tenant_id: str, subject: str, *, created_ms: int) -> bool: ...
    def purge(self, *, now: int | None = None) -> int: ...
    def save(self, path: str) -> None: ...
    def load(self, path: str) -> None: ...
    @property
    def bytes_used(self) -> int: ...
    def __len__(self) -> int: ...

@final
class SessionTable(metaclass=_Type):
    """Snapshots of live sessions by id; bounded. Take a ticket before reading the store, pass it to put."""

    def __init__(self, *, max_entries: int = 1_000_000) -> None: ...
    def ticket(self) -> int: ...
    def put(
        self,
        ticket: int,
        *,
        id: str,
        tenant_id: str,
        subject: str,
        created_ms: int,
        expires_at: int,
        data: bytes,
    ) -> bool: ...
    def find(self, id: str, *, now: int | None = None) -> bytes | None: ...
    def drop(self, id: str) -> None: ...
    def drop_subject(self, tenant_id: str, subject: str) -> None: ...
    def clear(self) -> None: ...
    def __len__(self) -> int: ...

@final
class Verdict(metaclass=_Type):
    """What Checker.check found: `status` is "alive", "dead", "no_record" or "ask_store"."""

    @property
    def status(self) -> str: ...
    @property
    def cause(self) -> str | None:
        """The cause of "dead", for example "token_expired"; else None."""
    @property
    def claims(self) -> bytes | None:
        """The payload as it was signed, when signature and claims were right."""
    @property
    def type(self) -> str | None:
        """Header typ, when signature and claims were right."""
    @property
    def session(self) -> bytes | None:
        """The snapshot's own bytes, when alive."""

@final
class Checker(metaclass=_Type):
    """The hot path in one call; keeps the GIL. Threads may share it."""

    def __init__(self, verifier: Verifier, *, revocations: RevocationSet, sessions: SessionTable) -> None: ...
    def check(self, token: str | bytes, *, now: int | None = None) -> Verdict: ...
    def keep_fresh_for(self, milliseconds: int, *, since_boottime_ns: int) -> None:
        """It may answer until `since_boottime_ns` (boottime_ns() when the poll was sent) plus `milliseconds`."""
    def close(self) -> None: ...
    @property
    def is_fresh(self) -> bool: ...

@final
class AccessKey(metaclass=_Type):
    """A key pair for programs. Immutable; its repr shows the id only."""

    @staticmethod
    def generate() -> AccessKey: ...
    @staticmethod
    def is_well_formed_id(id: str) -> bool: ...
    @property
    def id(self) -> str: ...
    @property
    def secret(self) -> str: ...

@final
class AccessKeyHasher(metaclass=_Type):
    """Keyed HMAC-SHA-256 of access-key secrets; `pepper` has at least 32 bytes. Threads may share it."""

    def __init__(self, pepper: bytes) -> None: ...
    def hash(self, id: str, secret: str) -> bytes: ...
    def verify(self, id: str, secret: str, *, expected: bytes) -> bool: ...

def sign_jws(key: PrivateKey, header: bytes, payload: bytes) -> str:
    """Plain JWS: any payload under the caller's own header (strict JSON, alg RS256). Releases the GIL."""

def verify_jws(token: str | bytes, key: PublicKey, *, max_bytes: int = 65536) -> tuple[bytes, bytes]:
    """Header and payload of a JWS with a right signature; no claim is checked. Releases the GIL."""

def boottime_ns() -> int:
    """CLOCK_BOOTTIME in nanoseconds."""
