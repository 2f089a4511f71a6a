# SPDX-License-Identifier: Apache-2.0
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tessera_service.cli import app
from tessera_service.installation import settle_issuer
from tessera_service.setting_names import setting_names
from tessera_service.settings import Settings, load_settings

CANARY = "canary4711"


def check(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["config", "check", *arguments])


def rows(result: Result) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in json.loads(result.stdout)["settings"]}


def test_every_setting_is_listed_with_both_names() -> None:
    result = check("--json")

    assert result.exit_code == 0, result.stderr
    listed = {(row["name"], row["other_name"]) for row in rows(result).values()}
    assert listed == {setting_names(name) for name, field in Settings.model_fields.items() if not field.exclude}
    assert ("SESSION_DEFAULT_EXPIRATION", "TESSERA__SESSION__DEFAULT_EXPIRATION") in listed


def test_values_are_shown_as_people_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESSERA__ACCESS__TOKEN_TTL", "300")
    monkeypatch.setenv("RATE_LIMIT", "off")
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.0/8,::1")
    shown = rows(check("--json"))

    assert (shown["ACCESS_TOKEN_TTL"]["value"], shown["ACCESS_TOKEN_TTL"]["source"]) == (
        "5m",
        "TESSERA__ACCESS__TOKEN_TTL",
    )
    assert (shown["REFRESH_REUSE_GRACE"]["value"], shown["REFRESH_REUSE_GRACE"]["source"]) == ("10s", "default")
    assert shown["RATE_LIMIT"]["value"] == "off"
    assert shown["TRUSTED_PROXIES"]["value"] == "10.0.0.0/8,::1/128"
    assert shown["CORS_ORIGINS"]["value"] == "-"


def test_an_option_is_told_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCESS_TOKEN_TTL", "")
    shown = rows(check("--json", "--data-dir", str(tmp_path)))

    assert shown["TESSERA_DATA_DIR"]["source"] == "option"
    assert shown["ACCESS_TOKEN_TTL"]["source"] == "default"


def test_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESSERA_MASTER_KEY", "ab" * 32)
    monkeypatch.setenv("REDIS_URL", f"redis://:{CANARY}@localhost")
    monkeypatch.setenv("GATEWAY_API_KEY", CANARY)
    monkeypatch.setenv("EVENT_WEBHOOK_URL", f"https://events.example.org/{CANARY}")
    monkeypatch.setenv("EVENT_WEBHOOK_SECRET", CANARY * 2)
    monkeypatch.setenv("OTP_WEBHOOK_URL", f"https://hooks.example.org/{CANARY}")
    monkeypatch.setenv("OTP_WEBHOOK_SECRET", CANARY)
    monkeypatch.setenv("DATABASE_URL", f"sqlite://user:{CANARY}@/srv/tessera.db")

    for result in (check(), check("--json")):
        assert CANARY not in result.output
        assert "abab" not in result.output


def test_the_password_of_a_server_is_not_shown_and_the_rest_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESSERA_MASTER_KEY", "ab" * 32)
    monkeypatch.setenv("DATABASE_URL", f"postgresql://alice:{CANARY}@db:5433/tessera")

    for result in (check(), check("--json")):
        assert CANARY not in result.output
        assert "postgresql://alice:***@db:5433/tessera" in result.output
        assert result.exit_code == 0, result.output


def test_a_shared_database_without_a_master_key_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://alice:{CANARY}@db/tessera")

    result = check()

    assert result.exit_code == 1
    assert "TESSERA_MASTER_KEY: has to be set" in result.stderr
    assert CANARY not in result.output


def test_a_note_says_what_a_setting_is_for_where_its_name_does_not() -> None:
    shown = rows(check("--json"))

    assert shown["REDIS_URL"]["note"] == "for SESSION_STORAGE_TYPE=redis and EVENT_STREAM"
    assert shown["LOGIN_MAX_ATTEMPTS"]["note"] == ""
    assert shown["SESSION_CLEANUP_INTERVAL"]["note"] == ""


def test_unknown_names_are_told_with_what_was_probably_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESSERA__ACCESS__TOKEN_TTI", "5m")
    monkeypatch.setenv("JWT_SECRET", CANARY)

    result = check()

    assert result.exit_code == 1
    assert "TESSERA__ACCESS__TOKEN_TTI: no such setting; did you mean TESSERA__ACCESS__TOKEN_TTL?" in result.stderr
    assert "JWT_SECRET: no such setting" in result.stderr
    assert CANARY not in result.output


def test_settings_that_nothing_reads_yet_may_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGIN_MAX_ATTEMPTS", "7")
    monkeypatch.setenv("TESSERA__OTP__PROVIDER", "file")
    result = check("--json")

    assert result.exit_code == 0, result.stderr
    assert (rows(result)["LOGIN_MAX_ATTEMPTS"]["value"], rows(result)["OTP_PROVIDER"]["value"]) == ("7", "file")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("tessera__session__retention", "TESSERA__SESSION__RETENTION"),
        ("Tessera_Data_Dir", "TESSERA_DATA_DIR"),
        ("TESSERA__ACCESS_TTL", "TESSERA__ACCESS__TOKEN_TTL"),
        ("ACCESS__TOKEN_TTL", "TESSERA__ACCESS__TOKEN_TTL"),
        ("token__issuer", "TESSERA__TOKEN__ISSUER"),
        ("OTP_PROVIDERS", "OTP_PROVIDER"),
        ("LOGIN_MAX_ATTEMPT", "LOGIN_MAX_ATTEMPTS"),
    ],
)
def test_names_in_another_case_or_without_a_word_are_told(
    monkeypatch: pytest.MonkeyPatch, name: str, meant: str
) -> None:
    monkeypatch.setenv(name, "1h")

    result = check()

    assert result.exit_code == 1
    assert f"{name}: no such setting; did you mean {meant}?" in result.stderr


def test_a_wrong_setting_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCESS_TOKEN_TTL", "soon")

    result = check("--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout)["problems"][0].startswith("ACCESS_TOKEN_TTL: ")


def test_a_setting_that_is_hardly_meant_is_told_and_is_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    assert json.loads(check("--json").stdout)["warnings"] == []
    monkeypatch.setenv("SESSION_DEFAULT_EXPIRATION", "5m")  # as long as the threshold is by itself

    result = check()

    assert result.exit_code == 0
    assert "warning: SESSION_DEFAULT_EXPIRATION: is not longer than JWT_REFRESH_THRESHOLD" in result.stderr
    described = json.loads(check("--json").stdout)
    assert described["problems"] == []
    assert [warning.partition(":")[0] for warning in described["warnings"]] == ["SESSION_DEFAULT_EXPIRATION"]


def test_a_key_file_that_cannot_be_used_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESSERA_MASTER_KEY_FILE", str(tmp_path / "absent"))

    result = check()

    assert result.exit_code == 1
    assert "TESSERA_MASTER_KEY_FILE: " in result.stderr


def test_the_check_makes_nothing(tmp_path: Path) -> None:
    assert check("--data-dir", str(tmp_path / "data")).exit_code == 0

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["sqlite:////absent/data/tessera.db", "sqlite:////srv/x.db?mode=ro", "sqlite://host/x"])
def test_a_database_that_cannot_be_opened_is_told(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", url)

    result = check()

    assert result.exit_code == 1
    assert "tessera: DATABASE_URL: " in result.stderr


def test_the_issuer_that_the_data_directory_remembers_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle_issuer(load_settings(data_dir=tmp_path), "http://127.0.0.1:4711")
    before = sorted(tmp_path.iterdir())

    shown = rows(check("--json", "--data-dir", str(tmp_path)))["ISSUER"]
    assert (shown["value"], shown["source"]) == ("http://127.0.0.1:4711", "data directory")
    monkeypatch.setenv("ISSUER", "https://id.example.org")
    shown = rows(check("--json", "--data-dir", str(tmp_path)))["ISSUER"]
    assert (shown["value"], shown["source"]) == ("https://id.example.org", "ISSUER")
    assert sorted(tmp_path.iterdir()) == before


def test_an_issuer_that_was_damaged_is_told(tmp_path: Path) -> None:
    (tmp_path / "issuer").write_text("two words")

    result = check("--json", "--data-dir", str(tmp_path))

    assert result.exit_code == 1
    assert json.loads(result.stdout)["problems"] == [f"{tmp_path}/issuer: cannot be used; remove it or set ISSUER"]
