# SPDX-License-Identifier: Apache-2.0
"""What the directory holds."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant; its id is `[A-Za-z0-9._-]{1,64}`."""

    tenant_id: str
    created_at: int


@dataclass(frozen=True, slots=True)
class ServiceToken:
    """The directory's record of a service token; the token lives only while this does."""

    jti: str
    tenant_id: str
    subject: str
    client_id: str
    permissions: tuple[str, ...]
    all_tenants: bool
    created_ms: int
    expires_at: int
    revoked_at: int | None = None


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A signing key's row. State follows from the times; `private_pem` is encrypted PKCS#8, None once it is gone."""

    kid: str
    public_jwk: str
    private_pem: str | None = field(repr=False)
    master_key_id: str
    created_at: int
    activates_at: int
    revoked_at: int | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """One right of an access key: a permission on the resources that a pattern names."""

    resource: str
    permission: str


@dataclass(frozen=True, slots=True)
class AccessKeyRecord:
    """An access key: opens session tokens for its subject. `secret_hash` is keyed with what `master_key_id` gave."""

    access_key_id: str
    tenant_id: str
    subject: str
    secret_hash: bytes = field(repr=False)
    master_key_id: str
    grants: tuple[Grant, ...]
    created_at: int
    disabled_at: int | None = None


@dataclass(frozen=True, slots=True)
class GatewayKey:
    """A gateway's key: may create sessions in its tenant and read their statistics."""

    key_id: str
    tenant_id: str
    secret_hash: bytes = field(repr=False)
    master_key_id: str
    created_at: int
    disabled_at: int | None = None
