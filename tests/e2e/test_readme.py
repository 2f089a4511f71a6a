# SPDX-License-Identifier: Apache-2.0
"""What the README says, done as it says it."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tessera
from e2e.conftest import Start
from e2e.process import ServiceProcess, environment
from tessera_service.quickstart import STEPS

README = (Path(__file__).parents[2] / "README.md").read_text()


def block(language: str, containing: str) -> str:
    """The one code block of that language with that text."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    [found] = [text for text in blocks if containing in text]
    return str(found)


def test_the_lines_of_the_first_walk_are_those_that_make_serve_prints() -> None:
    shell = block("sh", "tokens mint")

    for title, command in STEPS:
        assert f"# {title}\n{command}\n" in shell


def paste(lines: str, service: ServiceProcess, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a shell block in a folder, against that service."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed: the lines need it")
    lines = lines.replace("http://127.0.0.1:8081", service.url)
    lines = lines.replace("--data-dir .tessera", f"--data-dir {service.data_dir}")
    lines = lines.replace(".venv/bin/tessera", f"{sys.executable} -m tessera_service")
    return subprocess.run(
        ["bash", "-eu"], input=lines, capture_output=True, text=True, cwd=folder, env=environment(), timeout=60
    )


@pytest.mark.slow
def test_a_session_token_is_made_asked_about_and_revoked_as_pasted(start_service: Start, tmp_path: Path) -> None:
    done = paste(block("sh", "access-keys create"), start_service(), tmp_path)

    validated, revoked = map(json.loads, done.stdout.splitlines())
    assert (validated["is_valid"], validated["has_permission"]) == (True, True)
    assert revoked["status"] == "success"


@pytest.mark.slow
def test_the_first_walk_works_as_pasted(start_service: Start, tmp_path: Path) -> None:
    done = paste(block("sh", "tokens mint"), start_service(), tmp_path)

    assert done.stderr == ""
    issued, alive, exchanged, status, dead, keys = done.stdout.splitlines()
    assert json.loads(issued)["data"]["token_type"] == "Bearer"
    assert json.loads(alive)["active"] is True
    assert json.loads(exchanged)["data"]["session_id"] == json.loads(issued)["data"]["session_id"]
    assert (status, json.loads(dead)) == ("204", {"active": False})
    assert len(json.loads(keys)["keys"]) == 1


def test_the_python_example_signs_verifies_and_revokes_in_at_most_ten_lines(
    capsys: pytest.CaptureFixture[str],
) -> None:
    example = block("python", "revoke_jti")

    with pytest.raises(tessera.RevokedTokenError, match="revoked") as refused:
        exec(compile(example, "README.md", "exec"), {})

    assert refused.value.code == "token_revoked"
    assert capsys.readouterr().out == "alice\n"
    assert sum(1 for line in example.splitlines() if line.strip()) <= 10
