# SPDX-License-Identifier: Apache-2.0
"""docs/operations.md: what it says to type and to watch is there."""

import re
from pathlib import Path

import pytest
import typer

from tessera_service.app import create_app
from tessera_service.cli import app
from tessera_service.settings import Settings

DOCUMENT = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
COMMANDS = sorted(set(re.findall(r"`tessera ((?:[a-z][a-z-]* ?)+)", DOCUMENT)))
METRICS = sorted(set(re.findall(r"`(tessera_[a-z_]+)", DOCUMENT)))


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_is_there(line: str) -> None:
    command = typer.main.get_command(app)
    for word in line.split():
        known = getattr(command, "commands", {})
        assert word in known
        command = known[word]


def test_every_metric_is_there(tmp_path: Path) -> None:
    service = create_app(Settings(data_dir=tmp_path, session_storage_type="memory"))
    told = service.state.metrics.render().decode()
    assert METRICS
    assert [name for name in METRICS if f"# HELP {name} " not in told] == []
