# SPDX-License-Identifier: Apache-2.0
"""The user that `serve --dev` makes to begin with."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from e2e.conftest import Start
from e2e.process import environment

pytestmark = pytest.mark.slow


def test_development_makes_a_demo_once_whose_lines_work_as_pasted(start_service: Start, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed: the printed lines need it")
    service = start_service("--dev")
    done = subprocess.run(
        ["bash", "-eu"],
        input=service.output_text,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment(),
        timeout=60,
    )
    assert done.stderr == ""
    signed_in, exchanged = done.stdout.splitlines()
    assert json.loads(signed_in)["data"]["token_type"] == "Bearer"
    assert json.loads(exchanged)["status"] == "success"

    assert service.stop() == 0
    first = service.output_text
    service.start()
    assert service.output_text == first
