# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

from tessera_service.quickstart import PERMISSIONS, STEPS, SUBJECT, render_quickstart


def test_the_readme_shows_the_same_lines(repository: Path) -> None:
    readme = (repository / "README.md").read_text()

    for title, command in STEPS:
        assert f"# {title}\n{command}\n" in readme, f"README.md does not show: {title}"
    assert f"--subject {SUBJECT}" in readme
    for permission in PERMISSIONS:
        assert f"--permission {permission}" in readme


def test_the_lines_are_set_up_for_this_service() -> None:
    lines = render_quickstart(base_url="http://127.0.0.1:4711", token="the-token", tenant="tenant-a").splitlines()

    assert lines[1:4] == ["TESSERA=http://127.0.0.1:4711", "TENANT=tenant-a", "SERVICE=the-token"]
