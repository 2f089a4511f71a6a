# SPDX-License-Identifier: Apache-2.0
import base64
import ipaddress
import pickle
from pathlib import Path

import pytest

from tessera_service.setting_names import setting_names
from tessera_service.setting_types import RateLimit
from tessera_service.settings import Settings, SettingsError, load_settings, unknown_settings

CANARY = "canary-4711"
PUBLIC = [name for name, field in Settings.model_fields.items() if not field.exclude]


def test_the_defaults_are_the_documented_ones() -> None:
    config = load_settings().engine_config()

    assert (config.access_token_ttl, config.refresh_token_ttl, config.session_max_lifetime) == (
        900,
        2_592_000,
        7_776_000,
    )
    assert (config.refresh_reuse_grace_ms, config.clock_skew) == (10_000, 5)
    assert (config.key_rotation_interval, config.session_retention) == (2_592_000, 2_592_000)
    assert (config.audience, config.default_tenant) == ("dx-vas", "default")
    assert load_settings().rate_limit == RateLimit(requests=6000, seconds=60)
    assert load_settings().trusted_proxies == ()


def test_no_two_settings_share_a_name() -> None:
    names = [name for field in PUBLIC for name in setting_names(field)]

    assert len(set(names)) == 2 * len(PUBLIC)


@pytest.mark.parametrize(
    ("field", "documented", "sectioned"),
    [
        ("session_default_expiration", "SESSION_DEFAULT_EXPIRATION", "TESSERA__SESSION__DEFAULT_EXPIRATION"),
        ("access_token_ttl", "ACCESS_TOKEN_TTL", "TESSERA__ACCESS__TOKEN_TTL"),
        ("issuer", "ISSUER", "TESSERA__TOKEN__ISSUER"),
        ("database", "DATABASE_URL", "TESSERA__DATABASE__URL"),
        ("data_dir", "TESSERA_DATA_DIR", "TESSERA__DATA__DIR"),
        ("master_key", "TESSERA_MASTER_KEY", "TESSERA__MASTER__KEY"),
        ("master_key_file", "TESSERA_MASTER_KEY_FILE", "TESSERA__MASTER__KEY_FILE"),
    ],
)
def test_a_setting_has_two_names(field: str, documented: str, sectioned: str) -> None:
    assert setting_names(field) == (documented, sectioned)


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("access_token_ttl", "5m", 300),
        ("refresh_reuse_grace", "500ms", 500),
        ("session_cleanup_interval", "90", 90),
        ("session_storage_type", "memory", "memory"),
        ("rate_limit", "10/s", RateLimit(requests=10, seconds=1)),
        ("rate_limit", "off", None),
        (
            "trusted_proxies",
            "10.0.0.7, 192.168.0.0/16",
            tuple(map(ipaddress.ip_network, ("10.0.0.7", "192.168.0.0/16"))),
        ),
        (
            "cors_origins",
            "https://app.example.org,http://localhost:3000",
            ("https://app.example.org", "http://localhost:3000"),
        ),
        ("issuer", "https://id.example.org", "https://id.example.org"),
        ("session_max_concurrent", "7", 7),
    ],
)
def test_either_name_sets_it(monkeypatch: pytest.MonkeyPatch, field: str, text: str, value: object, which: int) -> None:
    monkeypatch.setenv(setting_names(field)[which], text)

    assert getattr(load_settings(), field) == value


def test_both_names_may_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCESS_TOKEN_TTL", "5m")
    monkeypatch.setenv("TESSERA__ACCESS__TOKEN_TTL", "5m")

    assert load_settings().access_token_ttl == 300


def test_two_names_that_disagree_stop_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCESS_TOKEN_TTL", "5m")
    monkeypatch.setenv("TESSERA__ACCESS__TOKEN_TTL", "6m")

    with pytest.raises(SettingsError, match=r"^ACCESS_TOKEN_TTL: TESSERA__ACCESS__TOKEN_TTL is set too"):
        load_settings()


def test_an_empty_value_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", "")
    monkeypatch.setenv("ACCESS_TOKEN_TTL", "")

    assert load_settings().access_token_ttl == 900


@pytest.mark.parametrize("name", ["DATABASE_URL", "TESSERA_MASTER_KEY", "TESSERA__MASTER__KEY"])
def test_an_empty_secret_stops_the_start(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "")

    with pytest.raises(SettingsError, match=f"^{name}: is set but empty"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ACCESS_TOKEN_TTL", CANARY),
        ("TESSERA__ACCESS__TOKEN_TTL", CANARY),
        ("ACCESS_TOKEN_TTL", "0"),
        ("ACCESS_TOKEN_TTL", "24h1s"),
        ("ACCESS_TOKEN_TTL", "1.5s"),
        ("REFRESH_REUSE_GRACE", "5m1ms"),
        ("KEY_ROTATION_INTERVAL", "1h"),
        ("CLOCK_SKEW", "-1s"),
        ("RATE_LIMIT", "0/1m"),
        ("RATE_LIMIT", "6000/2d"),
        ("RATE_LIMIT", CANARY),
        ("TRUSTED_PROXIES", f"10.0.0.1,{CANARY}"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("CORS_ORIGINS", "https://app.example.org/"),
        ("CORS_ORIGINS", f"ftp://{CANARY}"),
        ("ISSUER", f"{CANARY} x"),
        ("DEFAULT_TENANT", f"{CANARY}/x"),
        ("LOG_LEVEL", CANARY),
        ("SESSION_STORAGE_TYPE", CANARY),
        ("SESSION_STORAGE_TYPE", "postgres"),
        ("REDIS_PARTITIONS", "0"),
        ("REDIS_PARTITIONS", "257"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("DATABASE_URL", "sqlite:///%3Amemory%3A"),
        ("DATABASE_URL", "sqlite:////srv/tessera%00.db"),
        ("DATABASE_URL", f"sqlite:////srv/{CANARY}.db?mode=ro"),
        ("DATABASE_URL", f"sqlite:////srv/{CANARY}.db?"),
        ("DATABASE_URL", f"sqlite://{CANARY}/tessera.db"),
        ("DATABASE_URL", f"sqlite://:{CANARY}@/srv/tessera.db"),
        ("DATABASE_URL", f"postgresql://{CANARY}@db"),
        ("DATABASE_URL", f"postgresql://{CANARY}@db:port/tessera"),
        ("DATABASE_URL", f"postgresql://db/{CANARY}%00"),
        ("DATABASE_URL", f"postgresql://db/tessera?password={CANARY}"),
        ("DATABASE_URL", f"postgresql://db/tessera?sslpassword={CANARY}"),
        ("DATABASE_URL", f"postgresql+asyncpg://{CANARY}@db/tessera"),
        ("DATABASE_URL", f"mysql://{CANARY}@db/tessera"),
        ("DATABASE_URL", f"no url {CANARY}"),
        ("TESSERA_MASTER_KEY", CANARY),
        ("SESSION_MAX_CONCURRENT", "0"),
        ("SESSION_MAX_CONCURRENT", CANARY),
        ("AUDIT_LOG", CANARY),
        ("EVENT_WEBHOOK_URL", f"ftp://{CANARY}/"),
        ("EVENT_WEBHOOK_SECRET", f"{CANARY} with a space in it"),
        ("EVENT_WEBHOOK_SECRET", CANARY + "abcd"),  # 15 characters
        ("EVENT_STREAM", f"{CANARY} {CANARY}"),
        ("REDIS_URL", f"http://:{CANARY}@localhost"),
        ("WEBHOOK_TIMEOUT", "0s"),
        ("OUTBOX_RETENTION", "59s"),
    ],
)
def test_a_wrong_setting_is_named_in_one_line_without_its_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError) as caught:
        load_settings()

    line = str(caught.value)
    assert line.startswith(f"{name}: ")
    assert "\n" not in line
    assert CANARY not in line


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"ACCESS_TOKEN_TTL": "2h", "REFRESH_TOKEN_TTL": "1h"}, "ACCESS_TOKEN_TTL"),
        ({"REFRESH_TOKEN_TTL": "2161h"}, "REFRESH_TOKEN_TTL"),
        ({"SESSION_RETENTION": "719h"}, "SESSION_RETENTION"),
        ({"REFRESH_TOKEN_TTL": "10s", "ACCESS_TOKEN_TTL": "5s", "REFRESH_REUSE_GRACE": "10s"}, "REFRESH_REUSE_GRACE"),
        ({"KEY_ROTATION_INTERVAL": "2h"}, "KEY_ROTATION_INTERVAL"),
        ({"TESSERA_MASTER_KEY": "0" * 64, "TESSERA_MASTER_KEY_FILE": "key"}, "TESSERA_MASTER_KEY"),
        ({"EVENT_WEBHOOK_URL": "https://events.example.org/"}, "EVENT_WEBHOOK_URL"),
        ({"EVENT_WEBHOOK_SECRET": "0123456789abcdef"}, "EVENT_WEBHOOK_URL"),
        ({"EVENT_STREAM": "events"}, "EVENT_STREAM"),
    ],
)
def test_settings_that_cannot_work_together_stop_the_start(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], named: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError, match=f"^{named}: "):
        load_settings()


def test_equal_lifetimes_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ACCESS_TOKEN_TTL", "REFRESH_TOKEN_TTL", "SESSION_MAX_LIFETIME", "SESSION_RETENTION"):
        monkeypatch.setenv(name, "1h")

    assert load_settings().engine_config().session_retention == 3600


def test_retention_follows_longer_tokens_unless_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFRESH_TOKEN_TTL", "1000h")

    assert load_settings().engine_config().session_retention == 3_600_000


def test_the_database_stands_in_the_data_directory(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path / "data")

    assert settings.database_url == f"sqlite:///{tmp_path}/data/tessera.db"


def test_a_data_directory_with_signs_that_mean_something_in_a_url_is_itself(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path / "50%25 of what?")

    assert settings.database_url == f"sqlite:///{tmp_path}/50%2525%20of%20what%3F/tessera.db"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("sqlite:////srv/tessera.db", "sqlite:////srv/tessera.db"),
        ("sqlite+aiosqlite:////srv/tessera.db", "sqlite:////srv/tessera.db"),
        (
            "postgresql://alice:p%40ss@db/tessera?sslmode=require",
            "postgresql://alice:p%40ss@db/tessera?sslmode=require",
        ),
        ("postgresql+psycopg://alice@db:5433/tessera", "postgresql://alice@db:5433/tessera"),
        ("postgres://db/tessera", "postgresql://db/tessera"),
    ],
)
def test_a_database_url_names_no_driver(monkeypatch: pytest.MonkeyPatch, text: str, meant: str) -> None:
    monkeypatch.setenv("DATABASE_URL", text)

    assert load_settings().database_url == meant
    assert load_settings().database_is_shared == meant.startswith("postgresql")


def test_the_data_directory_is_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TESSERA_DATA_DIR", "here")

    assert load_settings().data_dir == tmp_path / "here"


def test_an_option_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TESSERA_DATA_DIR", "here")

    assert load_settings(data_dir=tmp_path / "there").data_dir == tmp_path / "there"
    assert load_settings(data_dir=None).data_dir == tmp_path / "here"


@pytest.mark.parametrize(
    "text",
    [
        "00" * 32,
        "FF" * 32,
        base64.b64encode(b"k" * 32).decode(),
        base64.urlsafe_b64encode(b"\xff" * 32).decode().rstrip("="),
    ],
)
def test_a_master_key_is_hexadecimal_or_base64(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("TESSERA_MASTER_KEY", text)
    keys = load_settings().master_key

    assert keys is not None
    assert [len(key.get_secret_value()) for key in keys] == [32]


def test_older_master_keys_follow_the_current_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESSERA_MASTER_KEY", f"{'01' * 32},{'02' * 32}")
    keys = load_settings().master_key

    assert keys is not None
    assert [key.get_secret_value() for key in keys] == [b"\x01" * 32, b"\x02" * 32]


def test_no_secret_stands_in_the_text_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESSERA_MASTER_KEY", "ab" * 32)
    monkeypatch.setenv("REDIS_URL", f"redis://:{CANARY}@localhost")
    settings = load_settings()

    assert CANARY not in repr(settings) + str(settings)
    assert "abab" not in repr(settings)
    assert CANARY not in settings.model_dump_json()


def test_settings_reach_a_worker_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESSERA_MASTER_KEY", "ab" * 32)
    monkeypatch.setenv("TRUSTED_PROXIES", "::1")
    settings = load_settings(dev=True)

    assert pickle.loads(pickle.dumps(settings)) == settings


def test_names_that_are_no_setting_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESSION_STORAGE_TYP", "memory")
    monkeypatch.setenv("TESSERA__NOTHING__LIKE_IT", "1")
    monkeypatch.setenv("SESSION_MANAGER", "a desktop sets this")
    monkeypatch.setenv("PATH_OF_SOMETHING_ELSE", "1")

    assert unknown_settings() == {"SESSION_STORAGE_TYP": "SESSION_STORAGE_TYPE", "TESSERA__NOTHING__LIKE_IT": None}


@pytest.mark.parametrize(
    ("name", "text", "doubted"),
    [
        ("SESSION_DEFAULT_EXPIRATION", "301s", set()),
        ("SESSION_DEFAULT_EXPIRATION", "300s", {"SESSION_DEFAULT_EXPIRATION"}),
        ("SESSION_REMEMBER_ME_EXPIRATION", "1s", {"SESSION_REMEMBER_ME_EXPIRATION"}),
        ("JWT_REFRESH_THRESHOLD", "24h", {"SESSION_DEFAULT_EXPIRATION"}),
    ],
)
def test_a_span_that_begins_inside_the_threshold_is_doubted(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, doubted: set[str]
) -> None:
    assert load_settings().doubts == {}
    monkeypatch.setenv(name, text)

    assert set(load_settings().doubts) == doubted


def test_the_gateway_begins_with_the_documented_defaults() -> None:
    config = load_settings().engine_config()

    assert (config.session_default_expiration, config.session_remember_me_expiration) == (1800, 604_800)
    assert (config.jwt_refresh_threshold, config.session_max_concurrent) == (300, 5)
    assert (config.session_limit_policy, config.session_limit_scope) == ("evict", "gateway")
    assert (config.gateway_api_key, config.gateway_allow_loopback) == (None, False)


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("SESSION_DEFAULT_EXPIRATION", "45m", "session_default_expiration", 2700),
        ("SESSION_REMEMBER_ME_EXPIRATION", "24h", "session_remember_me_expiration", 86_400),
        ("JWT_REFRESH_THRESHOLD", "0s", "jwt_refresh_threshold", 0),
        ("SESSION_MAX_CONCURRENT", "1", "session_max_concurrent", 1),
        ("SESSION_LIMIT_POLICY", "reject", "session_limit_policy", "reject"),
        ("SESSION_LIMIT_SCOPE", "all", "session_limit_scope", "all"),
        ("GATEWAY_API_KEY", "key-of-a-gateway", "gateway_api_key", "key-of-a-gateway"),
        ("GATEWAY_ALLOW_LOOPBACK", "true", "gateway_allow_loopback", True),
    ],
)
def test_a_setting_of_the_gateway_reaches_the_engine(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, field: str, value: object
) -> None:
    monkeypatch.setenv(name, text)

    assert getattr(load_settings().engine_config(), field) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SESSION_MAX_CONCURRENT", "0"),
        ("SESSION_LIMIT_POLICY", "evicted"),
        ("SESSION_LIMIT_SCOPE", "tenant"),
        ("GATEWAY_API_KEY", "two words"),
        ("GATEWAY_ALLOW_LOOPBACK", "perhaps"),
        ("SESSION_DEFAULT_EXPIRATION", "0s"),
    ],
)
def test_a_wrong_setting_of_the_gateway_is_named(monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    monkeypatch.setenv(name, text)

    with pytest.raises(SettingsError, match=f"^{name}: "):
        load_settings()


@pytest.mark.parametrize(
    ("dev", "text", "allowed"),
    [(False, None, False), (True, None, True), (True, "false", False), (False, "true", True)],
)
def test_development_needs_no_gateway_key_unless_the_environment_says_so(
    monkeypatch: pytest.MonkeyPatch, dev: bool, text: str | None, allowed: bool
) -> None:
    if text is not None:
        monkeypatch.setenv("GATEWAY_ALLOW_LOOPBACK", text)

    assert load_settings(dev=dev).engine_config().gateway_allow_loopback is allowed
