# SPDX-License-Identifier: Apache-2.0
"""Settings come from the environment: no test may see the one it was started in."""

import os
from pathlib import Path

import pytest

from tessera_service.setting_names import setting_names
from tessera_service.settings import Settings, unknown_settings


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting is set; the working directory is empty."""
    for field in Settings.model_fields:
        for name in setting_names(field):
            monkeypatch.delenv(name, raising=False)
    for name in unknown_settings():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    assert "DATABASE_URL" not in os.environ
