# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

from tessera_service.quickstart import PERMISSIONS, STEPS, SUBJECT, Demo, render_demo, render_quickstart


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


def test_the_lines_of_the_demo_hold_what_was_made_and_nothing_else_that_runs() -> None:
    lines = render_demo(
        Demo("demo", "the-password", "the-id", "the-secret"), base_url="http://127.0.0.1:4711"
    ).splitlines()

    assert lines[1] == "TESSERA=http://127.0.0.1:4711"
    assert {line.split(maxsplit=1)[0] for line in lines if line and line[0] not in "#T"} == {"curl", "-d"}
    assert all(any(secret in line for line in lines) for secret in ("the-password", "the-id", "the-secret"))
