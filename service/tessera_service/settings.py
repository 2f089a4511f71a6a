# SPDX-License-Identifier: Apache-2.0
"""The one reader of the environment. A wrong setting raises SettingsError with one line that names it."""

import itertools
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote

from pydantic import AfterValidator, BeforeValidator, Field, SecretBytes, SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from tessera_service.engine.config import EngineConfig
from tessera_service.engine.policies import AuthzPolicy
from tessera_service.setting_names import read_setting, setting_names, unknown_names
from tessera_service.setting_policies import parse_policies
from tessera_service.setting_types import (
    DurationRange,
    Network,
    RateLimit,
    check_name,
    check_tenant_id,
    parse_database_url,
    parse_master_key,
    parse_networks,
    parse_origins,
    parse_rate_limit,
    parse_webhook_url,
)

_REDIS_SCHEMES = tuple(
    [f"{scheme}{kind}://" for scheme in ("redis", "rediss") for kind in ("", "+cluster", "+sentinel")] + ["unix://"]
)


class SettingsError(ValueError):
    """A setting is wrong. The text is one line, begins with the setting's name and repeats no value."""


def _storage(value: object) -> object:
    if value not in ("database", "memory", "redis"):
        raise ValueError("has to be database, memory or redis")
    return value


def _master_keys(value: object) -> tuple[SecretBytes, ...] | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError("is not a key of 32 bytes in base64 or hexadecimal digits")
    return tuple(SecretBytes(parse_master_key(part)) for part in value.split(","))


def _secret(value: SecretStr | None) -> SecretStr | None:
    if value is not None:
        check_name(value.get_secret_value())
    return value


def _signing_secret(value: SecretStr | None) -> SecretStr | None:
    if value is not None and len(value.get_secret_value()) < 16:
        raise ValueError("has to be 16 to 256 printable ASCII characters without spaces")
    return _secret(value)


def _redis_url(value: SecretStr | None) -> SecretStr | None:
    if value is not None and not value.get_secret_value().startswith(_REDIS_SCHEMES):
        raise ValueError("is not a URL of Redis, like redis://127.0.0.1:6379/0")
    return value


def _stream(value: str | None) -> str | None:
    if value is not None:
        check_name(value)
    return value


class Settings(BaseSettings):
    """All settings with their defaults. Durations are `int` seconds unless the name says otherwise."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    data_dir: Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())] = Field(
        default=Path(".tessera")
    )
    database: Annotated[SecretStr | None, BeforeValidator(parse_database_url)] = None
    session_storage_type: Annotated[Literal["database", "memory", "redis"], BeforeValidator(_storage)] = "database"
    redis_url: Annotated[SecretStr | None, AfterValidator(_redis_url)] = Field(
        default=None, description="for SESSION_STORAGE_TYPE=redis and EVENT_STREAM"
    )
    redis_partitions: int = Field(default=1, ge=1, le=256)  # for good, from the first start on
    master_key: Annotated[tuple[SecretBytes, ...] | None, BeforeValidator(_master_keys)] = None
    master_key_file: Path | None = None

    issuer: Annotated[str, AfterValidator(check_name)] = "http://127.0.0.1:8081"
    audience: Annotated[str, AfterValidator(check_name)] = "dx-vas"
    default_tenant: Annotated[str, AfterValidator(check_tenant_id)] = "default"
    access_token_ttl: Annotated[int, DurationRange("1s", "24h")] = 900
    refresh_token_ttl: Annotated[int, DurationRange("1s", "87600h")] = 2_592_000
    session_max_lifetime: Annotated[int, DurationRange("1s", "87600h")] = 7_776_000
    refresh_reuse_grace: Annotated[int, DurationRange("0s", "5m", unit_ms=1)] = 10_000  # milliseconds
    key_rotation_interval: Annotated[int, DurationRange("2h", "87600h")] = 2_592_000
    session_retention: Annotated[int, DurationRange("1s", "87600h")] = 2_592_000  # at least `refresh_token_ttl`
    session_cleanup_interval: Annotated[int, DurationRange("1s", "24h")] = 600
    clock_skew: Annotated[int, DurationRange("0s", "5m")] = 5

    rate_limit: Annotated[RateLimit | None, BeforeValidator(parse_rate_limit)] = RateLimit(6000, 60)
    trusted_proxies: Annotated[tuple[Network, ...], BeforeValidator(parse_networks)] = ()
    cors_origins: Annotated[tuple[str, ...], BeforeValidator(parse_origins)] = ()
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    session_default_expiration: Annotated[int, DurationRange("1s", "87600h")] = 1800
    session_remember_me_expiration: Annotated[int, DurationRange("1s", "87600h")] = 604_800
    jwt_refresh_threshold: Annotated[int, DurationRange("0s", "24h")] = 300
    session_max_concurrent: int = Field(default=5, ge=1, le=1000)
    session_limit_policy: Literal["evict", "reject"] = "evict"
    session_limit_scope: Literal["gateway", "all"] = "gateway"
    gateway_api_key: Annotated[SecretStr | None, AfterValidator(_secret)] = None
    gateway_allow_loopback: bool = False  # `serve --dev` sets it unless the environment says otherwise
    legacy_query_token: bool = True
    authz_policies: Annotated[Mapping[str, AuthzPolicy], BeforeValidator(parse_policies)] = Field(default_factory=dict)

    login_max_attempts: int = Field(default=5, ge=1, le=1000)
    otp_provider: Literal["none", "file", "webhook"] = "none"
    otp_webhook_url: Annotated[SecretStr | None, BeforeValidator(parse_webhook_url)] = None  # may hold a token
    otp_webhook_secret: Annotated[SecretStr | None, AfterValidator(_secret)] = None
    otp_tenant_limit: int = Field(default=1000, ge=1, le=1_000_000)  # codes in an hour

    audit_log: bool = True
    event_webhook_url: Annotated[SecretStr | None, BeforeValidator(parse_webhook_url)] = None
    event_webhook_secret: Annotated[SecretStr | None, AfterValidator(_signing_secret)] = None
    webhook_timeout: Annotated[int, DurationRange("50ms", "1m", unit_ms=1)] = 5000  # milliseconds
    event_stream: Annotated[str | None, AfterValidator(_stream)] = None
    outbox_retention: Annotated[int, DurationRange("1m", "87600h")] = 604_800

    dev: bool = Field(default=False, exclude=True)  # `serve --dev`; not in the environment
    migrate: bool = Field(default=True, exclude=True)  # `serve --no-migrate`; not in the environment

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        order = ("access_token_ttl", "refresh_token_ttl", "session_max_lifetime")
        for shorter, longer in itertools.pairwise(order):
            if getattr(self, shorter) > getattr(self, longer):
                raise ValueError(f"{setting_names(shorter).documented}: may not be longer than {longer.upper()}")
        if self.session_retention < self.refresh_token_ttl and "session_retention" in self.model_fields_set:
            raise ValueError("SESSION_RETENTION: may not be shorter than REFRESH_TOKEN_TTL, which tokens can live")
        if self.refresh_reuse_grace >= self.refresh_token_ttl * 1000:
            raise ValueError("REFRESH_REUSE_GRACE: has to be shorter than REFRESH_TOKEN_TTL")
        if self.master_key and self.master_key_file:
            raise ValueError("TESSERA_MASTER_KEY: TESSERA_MASTER_KEY_FILE is set too; set one of the two")
        if self.otp_provider == "webhook" and not (self.otp_webhook_url and self.otp_webhook_secret):
            raise ValueError("OTP_PROVIDER: webhook needs OTP_WEBHOOK_URL and OTP_WEBHOOK_SECRET")
        if (self.event_webhook_url is None) != (self.event_webhook_secret is None):
            raise ValueError("EVENT_WEBHOOK_URL: goes with EVENT_WEBHOOK_SECRET, which signs what is sent; set both")
        if self.event_stream is not None and self.redis_url is None:
            raise ValueError("EVENT_STREAM: needs REDIS_URL")
        if self.session_storage_type == "redis" and self.redis_url is None:
            raise ValueError("SESSION_STORAGE_TYPE: redis needs REDIS_URL")
        self.engine_config()  # which has its own opinion of values that cannot work together
        return self

    @property
    def database_url(self) -> str:
        """The directory's database, and the sessions' where they live there too; may hold a password."""
        if self.database is not None:
            return self.database.get_secret_value()
        return "sqlite:///" + quote(str(self.data_dir / "tessera.db"))

    @property
    def database_is_shared(self) -> bool:
        """Whether other machines can use the same database: what they have to agree on cannot be made here."""
        return self.database_url.startswith("postgresql:")

    def engine_config(self) -> EngineConfig:
        """What the engine has to know."""
        return EngineConfig(
            issuer=self.issuer,
            audience=self.audience,
            default_tenant=self.default_tenant,
            access_token_ttl=self.access_token_ttl,
            refresh_token_ttl=self.refresh_token_ttl,
            session_max_lifetime=self.session_max_lifetime,
            refresh_reuse_grace_ms=self.refresh_reuse_grace,
            key_rotation_interval=self.key_rotation_interval,
            session_retention=max(self.session_retention, self.refresh_token_ttl),
            session_cleanup_interval=self.session_cleanup_interval,
            clock_skew=self.clock_skew,
            session_default_expiration=self.session_default_expiration,
            session_remember_me_expiration=self.session_remember_me_expiration,
            jwt_refresh_threshold=self.jwt_refresh_threshold,
            session_max_concurrent=self.session_max_concurrent,
            session_limit_policy=self.session_limit_policy,
            session_limit_scope=self.session_limit_scope,
            gateway_api_key=self.gateway_api_key.get_secret_value() if self.gateway_api_key else None,
            gateway_allow_loopback=self.allows_loopback,
            legacy_query_token=self.legacy_query_token,
            login_max_attempts=self.login_max_attempts,
            authz_policies=self.authz_policies,
            otp_tenant_limit=self.otp_tenant_limit,
            outbox_retention=self.outbox_retention,
        )

    @property
    def doubts(self) -> Mapping[str, str]:
        """Settings that work and are hardly meant, each with the reason."""
        spans = ("session_default_expiration", "session_remember_me_expiration")
        reason = "is not longer than JWT_REFRESH_THRESHOLD, so that its gateway tokens are due for a successor at once"
        return {
            setting_names(name).documented: reason
            for name in spans
            if getattr(self, name) <= self.jwt_refresh_threshold
        }

    @property
    def allows_loopback(self) -> bool:
        """Whether a gateway on this machine needs no key: as it is set, else in development only."""
        return self.gateway_allow_loopback if "gateway_allow_loopback" in self.model_fields_set else self.dev

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- the base class calls by name
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What code passes, then the environment; no files."""
        return init_settings, _Environment(settings_cls)


class _Environment(PydanticBaseSettingsSource):
    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        found = None if field.exclude else read_setting(os.environ, field_name)
        if found is None:
            return None, field_name, False
        name, value = found
        if not value and field_name in ("database", "master_key"):
            raise ValueError(f"{name}: is set but empty")  # a template that failed; the default would hide it
        return value or None, field_name, False

    def __call__(self) -> dict[str, Any]:
        found = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in found.items() if value is not None}


def load_settings(**given: Any) -> Settings:
    """Settings from the environment; what is given by field name (a command's options) goes first. SettingsError."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise SettingsError(_line(error)) from None
    except ValueError as error:  # from reading the environment
        raise SettingsError(str(error)) from None


def environment_name(field: str) -> str | None:
    """The name under which the environment sets that field; None if it does not."""
    found = read_setting(os.environ, field)
    return found[0] if found and found[1] else None


def unknown_settings() -> dict[str, str | None]:
    """Names in the environment that look meant for this service but are no setting, with the one probably meant."""
    return unknown_names(os.environ, Settings.model_fields)


@contextmanager
def given_to_children(variables: Mapping[str, str]) -> Iterator[None]:
    """Processes that are started meanwhile find these in their environment: what a library of theirs reads there."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _line(error: ValidationError) -> str:
    """The first cause, named as the environment names it."""
    first = error.errors(include_url=False, include_input=False)[0]
    cause = first.get("ctx", {}).get("error")
    reason = str(cause) if isinstance(cause, ValueError) else first["msg"].replace("Input should be", "has to be")
    if not first["loc"]:
        return reason
    field = str(first["loc"][0])
    return f"{environment_name(field) or setting_names(field).documented}: {reason}"
