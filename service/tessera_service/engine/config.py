# SPDX-License-Identifier: Apache-2.0
"""What the engine has to know about its installation."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tessera_service.engine.policies import AuthzPolicy

MAX_PUBLISHED_KEYS = 48  # a key set holds 64; the rest is for keys rotated by hand
CONFIRM_LIMIT = 1200  # a process that has not seen the directory's keys for this long does not sign
_POSITIVE = (
    *("access_token_ttl", "refresh_token_ttl", "session_max_lifetime", "key_rotation_interval"),
    *("session_default_expiration", "session_remember_me_expiration", "session_max_concurrent", "login_max_attempts"),
)


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """Seconds, unless the name says otherwise. Values that cannot work together raise ValueError naming the setting."""

    issuer: str
    audience: str = "dx-vas"
    default_tenant: str = "default"
    access_token_ttl: int = 900
    refresh_token_ttl: int = 2_592_000
    session_max_lifetime: int = 7_776_000
    refresh_reuse_grace_ms: int = 10_000
    key_rotation_interval: int = 2_592_000
    session_retention: int = 2_592_000
    session_cleanup_interval: int = 600
    clock_skew: int = 5
    jwks_max_age: int = 3600
    revocation_margin: int = 300
    max_freshness_ms: int = 1000
    poll_interval_ms: int = 250
    store_timeout_ms: int = 1500
    token_cache_bytes: int = 64 * 1024 * 1024
    session_table_entries: int = 1_000_000
    relay_poll_ms: int = 250
    outbox_retention: int = 604_800
    signing_workers: int = 2
    signing_queue: int = 256
    password_workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    password_queue: int = 256
    password_memory_kib: int = 19_456  # of Argon2id, for each hash that is made; with other costs each is made anew
    password_passes: int = 2
    login_max_attempts: int = 5
    session_default_expiration: int = 1800
    session_remember_me_expiration: int = 604_800
    jwt_refresh_threshold: int = 300
    session_max_concurrent: int = 5
    session_limit_policy: Literal["evict", "reject"] = "evict"
    session_limit_scope: Literal["gateway", "all"] = "gateway"
    gateway_api_key: str | None = field(default=None, repr=False)
    gateway_allow_loopback: bool = False
    legacy_query_token: bool = True
    authz_policies: Mapping[str, AuthzPolicy] = field(default_factory=dict)
    otp_tenant_limit: int = 1000  # one-time codes of a tenant in an hour

    def __post_init__(self) -> None:
        if not self.issuer or not self.audience:
            raise ValueError("ISSUER and AUDIENCE: may not be empty")
        for name in _POSITIVE:
            if getattr(self, name) <= 0:
                raise ValueError(f"{name.upper()}: has to be positive")
        if self.poll_interval_ms >= self.max_freshness_ms:
            raise ValueError("poll_interval_ms: has to be shorter than max_freshness_ms")
        if self.published_seconds // self.key_rotation_interval > MAX_PUBLISHED_KEYS:
            raise ValueError(
                "KEY_ROTATION_INTERVAL: too short for SESSION_MAX_LIFETIME: each key is published until its last token"
                f" is dead, and {MAX_PUBLISHED_KEYS} keys are the limit"
            )

    @property
    def longest_token_ttl(self) -> int:
        """No token lives longer but those of sliding sessions, which may be as old as their session."""
        return max(self.access_token_ttl, self.refresh_token_ttl)

    @property
    def key_lead(self) -> int:
        """How long a new key is published before it signs."""
        return self.jwks_max_age + CONFIRM_LIMIT

    @property
    def published_seconds(self) -> int:
        """How long a retired key stays published: until its last token is dead, plus the JWKS max-age."""
        longest = max(self.longest_token_ttl, self.session_max_lifetime)
        return CONFIRM_LIMIT + self.clock_skew + longest + self.jwks_max_age

    @property
    def signs_again_seconds(self) -> int:
        """How long after its time a key may have to sign the same bytes again: for a pair inside its grace, for the
        newest token of a sliding session until the one before it is dead."""
        return max(-(-self.refresh_reuse_grace_ms // 1000), self.jwt_refresh_threshold)

    @property
    def store_timeout(self) -> float:
        """Seconds that a step may wait for the stores."""
        return self.store_timeout_ms / 1000
