# SPDX-License-Identifier: Apache-2.0
import json
import pickle

import pytest
from typer.testing import CliRunner

from tessera_service.cli import app
from tessera_service.engine import AuthzPolicy
from tessera_service.engine.names import MAX_NAMES
from tessera_service.setting_policies import MAX_POLICIES
from tessera_service.settings import Settings, SettingsError, load_settings

CANARY = "canary-4711"
TEXT = (
    '{"reports": {"permissions": ["report.read"], "scopes": ["read"]}, "any.body-1": {}, "w": {"scopes": ["a", "a"]}}'
)
POLICIES = {
    "reports": AuthzPolicy(frozenset({"report.read"}), frozenset({"read"})),
    "any.body-1": AuthzPolicy(),
    "w": AuthzPolicy(scopes=frozenset({"a"})),
}


@pytest.mark.parametrize("name", ["AUTHZ_POLICIES", "TESSERA__AUTHZ__POLICIES"])
def test_policies_reach_the_engine_by_either_name(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, TEXT)
    settings = load_settings()
    assert settings.engine_config().authz_policies == POLICIES
    assert pickle.loads(pickle.dumps(settings)).authz_policies == POLICIES


def test_without_the_setting_there_is_no_policy() -> None:
    assert load_settings().engine_config().authz_policies == {}


def test_code_passes_policies_as_they_are() -> None:
    assert Settings(authz_policies=POLICIES).authz_policies == POLICIES


@pytest.mark.parametrize(
    "text",
    [
        *("{", "[]", '"x"', "null", "NaN", f"{CANARY}=1", f'{{"{CANARY}": []}}', f'{{"{CANARY}": null}}'),
        f'{{"{CANARY}": {{}}, "{CANARY}": {{"scopes": ["read"]}}}}',
        f'{{"a": {{"permission": ["{CANARY}"]}}}}',
        f'{{"a": {{"permissions": "{CANARY}"}}}}',
        '{"a": {"permissions": [1]}}',
        '{"a": {"scopes": null}}',
        f'{{"a": {{"scopes": ["{CANARY} {CANARY}"]}}}}',
        '{"a": {"scopes": [""]}}',
        f'{{"a": {{"scopes": ["{"x" * 65}"]}}}}',
        json.dumps({"a": {"scopes": [f"s{n}" for n in range(MAX_NAMES + 1)]}}),
        json.dumps({f"p{n}": {} for n in range(MAX_POLICIES + 1)}),
        *(
            '{"": {}}',
            f'{{"a/{CANARY}": {{}}}}',
            '{"a b": {}}',
            '{"\u00e4": {}}',
            f'{{"{"x" * 65}": {{}}}}',
            '{"a\\n": {}}',
        ),
    ],
)
def test_what_is_no_policy_stops_the_start_in_one_line_that_repeats_nothing(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("AUTHZ_POLICIES", text)
    with pytest.raises(SettingsError, match=r"^AUTHZ_POLICIES: ") as caught:
        load_settings()
    assert CANARY not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_bounds_are_included(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"s{n}" for n in range(MAX_NAMES)]
    monkeypatch.setenv(
        "AUTHZ_POLICIES", json.dumps({f"p{n}": {} for n in range(MAX_POLICIES - 1)} | {"a": {"scopes": names}})
    )
    policies = load_settings().authz_policies
    assert len(policies) == MAX_POLICIES
    assert policies["a"].scopes == frozenset(names)


def test_config_check_names_the_policies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHZ_POLICIES", TEXT)
    result = CliRunner().invoke(app, ["config", "check", "--json"])
    shown = {row["name"]: row["value"] for row in json.loads(result.stdout)["settings"]}
    assert shown["AUTHZ_POLICIES"] == "reports,any.body-1,w"
    assert shown["LEGACY_QUERY_TOKEN"] == "True"


@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", False), ("0", False)])
def test_tokens_in_queries_can_be_switched_off(monkeypatch: pytest.MonkeyPatch, text: str, value: bool) -> None:
    assert load_settings().engine_config().legacy_query_token is True
    monkeypatch.setenv("LEGACY_QUERY_TOKEN", text)
    assert load_settings().engine_config().legacy_query_token is value


def test_a_switch_that_is_none_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEGACY_QUERY_TOKEN", CANARY)
    with pytest.raises(SettingsError, match=r"^LEGACY_QUERY_TOKEN: ") as caught:
        load_settings()
    assert CANARY not in str(caught.value)
