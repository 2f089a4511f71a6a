# SPDX-License-Identifier: Apache-2.0
"""One tree of engine errors. A surface renders each by its own table; no text here contains input."""

from typing import ClassVar, Literal


class ServiceError(Exception):
    """Base of everything that a surface renders. `code` is stable and also names the error in logs and metrics."""

    code: ClassVar[str] = "internal_error"


class StoreUnavailable(ServiceError):
    """A store failed or did not answer in time: never "inactive", never success."""

    code = "store_unavailable"


class Overloaded(ServiceError):
    """A bounded queue is full."""

    code = "overloaded"


class InvalidInput(ServiceError):
    """A field is absent or has the wrong shape. `field` is its documented name, never the value."""

    code = "invalid_input"

    def __init__(self, field: str | None = None, *, missing: bool = False, out_of_range: bool = False) -> None:
        super().__init__(field or "body")
        self.field = field
        self.missing = missing  # the field is absent
        self.out_of_range = out_of_range  # right type, but against an enum, a length or a range


class UnknownTenant(ServiceError):
    """X-Tenant-ID names no tenant."""

    code = "unknown_tenant"


class TenantMismatch(ServiceError):
    """A credential of another tenant."""

    code = "tenant_mismatch"


class RateLimited(ServiceError):
    """Over a limit; try again after `retry_after` seconds."""

    code = "rate_limited"

    def __init__(self, retry_after: int) -> None:
        super().__init__("rate limited")
        self.retry_after = retry_after


class Unauthorized(ServiceError):
    """The caller's credential does not count. `reason`: missing, invalid, expired or revoked."""

    code = "unauthorized"

    def __init__(self, reason: str = "invalid") -> None:
        super().__init__(reason)
        self.reason = reason


class Forbidden(ServiceError):
    """The caller lacks a permission."""

    code = "forbidden"


class ClientRefused(ServiceError):
    """No access key with that id and secret that counts."""

    code = "client_refused"


class ClientForbidden(ServiceError):
    """The access key does not grant a permission."""

    code = "client_forbidden"


class RefreshInvalid(ServiceError):
    """The refresh token is malformed, forged, expired, mismatched or superseded. `reason`: invalid or expired."""

    code = "refresh_invalid"

    def __init__(self, reason: str = "invalid") -> None:
        super().__init__(reason)
        self.reason = reason


class SessionEnded(ServiceError):
    """The session is over. `reason`: revoked (the token was revoked or reused) or inactive. `reused`: this very use
    ended it."""

    code = "session_ended"

    def __init__(self, reason: str = "revoked", *, reused: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.reused = reused


class SessionNotFound(ServiceError):
    """No such session in this tenant."""

    code = "session_not_found"


class SessionForbidden(ServiceError):
    """The session belongs to another subject and the caller may not act on others."""

    code = "session_forbidden"


class RevokeInvalid(ServiceError):
    """Nothing that can be revoked was named. `other_kind`: but a genuine token of the tenant, which other surfaces
    revoke."""

    code = "revoke_invalid"

    def __init__(self, *, other_kind: bool = False) -> None:
        super().__init__("revoke invalid")
        self.other_kind = other_kind


class UnknownJti(ServiceError):
    """No token of that id is known."""

    code = "unknown_jti"


class TokenTooLarge(ServiceError):
    """The token to be issued would exceed 4 KiB."""

    code = "token_too_large"


DeathReason = Literal["expired", "inactive", "not_found"]


class TokenDead(ServiceError):
    """A presented access token of a session does not count. `reason`: expired, inactive (revoked, evicted, locked) or
    not_found (forged, malformed, unknown, of a wrong kind or another tenant)."""

    code = "token_dead"

    def __init__(self, reason: DeathReason) -> None:
        super().__init__(reason)
        self.reason = reason


class SessionLimitReached(ServiceError):
    """The subject has as many sessions as it may, and none is to be evicted."""

    code = "session_limit_reached"


class CredentialsRefused(ServiceError):
    """A sign-in that does not count, whatever the cause. `attempts_left`: how many more may fail from that address
    before it is locked out; `lockout_seconds`: for how long it is, None if it is not."""

    code = "credentials_refused"

    def __init__(self, attempts_left: int, lockout_seconds: int | None = None) -> None:
        super().__init__("credentials refused")
        self.attempts_left = attempts_left
        self.lockout_seconds = lockout_seconds


class CodeRefused(ServiceError):
    """A one-time code that does not count. `attempts_left`: how many guesses the code still bears."""

    code = "code_refused"

    def __init__(self, attempts_left: int) -> None:
        super().__init__("code refused")
        self.attempts_left = attempts_left


class CodeExpired(ServiceError):
    """The right one-time code, after its time."""

    code = "code_expired"


class NameTaken(ServiceError):
    """Another user of the tenant has that name already. `field`: "username", "email" or "phone"."""

    code = "name_taken"

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class TokenAlreadyRevoked(ServiceError):
    """The presented token is right in everything but that it, or its session, was revoked before."""

    code = "token_already_revoked"


class StartupError(Exception):
    """The installation cannot work as it is set up. The text is one line that says what to do; for no surface."""


class KeyLimitReached(StartupError):
    """As many signing keys are published as may be: none is made by hand until one goes."""
