# SPDX-License-Identifier: Apache-2.0
"""The lines that `tessera serve --quickstart` prints, pasted into a shell as they stand."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from e2e.conftest import Start
from e2e.process import environment

pytestmark = pytest.mark.slow


def test_the_printed_lines_work_as_pasted(start_service: Start, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed: the printed lines need it")
    service = start_service("--quickstart", data_dir=tmp_path / "data")
    lines = service.output_text

    done = subprocess.run(
        ["bash", "-eu"], input=lines, capture_output=True, text=True, cwd=tmp_path, env=environment(), timeout=60
    )

    assert done.stderr == ""
    issued, alive, exchanged, status, dead, keys = done.stdout.splitlines()
    assert json.loads(issued)["data"]["expires_in"] == 900
    assert json.loads(alive)["active"] is True
    assert json.loads(alive)["sub"] == "alice"
    assert json.loads(exchanged)["data"]["session_id"] == json.loads(issued)["data"]["session_id"]
    assert status == "204"
    assert json.loads(dead) == {"active": False}
    assert len(json.loads(keys)["keys"]) == 1
    assert list(tmp_path.glob("*.json")) == []


def test_only_the_quickstart_prints_a_token(start_service: Start) -> None:
    service = start_service()
    assert service.stop() == 0

    assert service.output_text == ""
    assert "eyJ" not in service.log_text
