# SPDX-License-Identifier: Apache-2.0
"""script/bootstrap on machines that lack something: an apt-get of ours writes down what it is told to install."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

# What every system has.
BASICS = ("bash", "env", "basename", "dirname", "grep", "head", "sort", "id")
RECORD = '#!/bin/bash\necho "$(basename "$0") $*" >> "$RECORD"\n'


def write_program(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


@dataclass
class Machine:
    """A machine on which BASICS are found, and what else a test puts there."""

    repository: Path
    folder: Path

    def run(
        self, *groups: str, has: tuple[str, ...] = (), user: int = 0, python: str = sys.executable, apt: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """script/bootstrap as the user of that id; `apt`: what apt-get does after it wrote down its arguments."""
        bin_folder = self.folder / "bin"
        bin_folder.mkdir()
        own = {"id": f"#!/bin/bash\necho {user}\n", "apt-get": RECORD + apt, "sudo": RECORD + 'exec "$@"\n'}
        for name in (*BASICS, *has):
            if name in own:
                write_program(bin_folder / name, own[name])
            else:
                (bin_folder / name).symlink_to(str(shutil.which(name)))
        return subprocess.run(
            [str(self.repository / "script" / "bootstrap"), *groups],
            env={"PATH": str(bin_folder), "PYTHON": python, "RECORD": str(self.folder / "record")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )

    def told(self) -> list[str]:
        """The command lines of apt-get and sudo."""
        return (self.folder / "record").read_text(encoding="utf-8").splitlines()


@pytest.fixture
def machine(repository: Path, tmp_path: Path) -> Machine:
    return Machine(repository, tmp_path)


def test_what_is_missing_is_installed_after_one_update(machine: Machine) -> None:
    done = machine.run("build", "build", has=("apt-get",))
    assert done.returncode == 0, done.stdout
    assert done.stdout == "script/bootstrap: installing cmake g++ ninja-build\n"
    assert machine.told() == [
        "apt-get -qq update",
        "apt-get -qq install -y --no-install-recommends cmake g++ ninja-build",
    ]


def test_only_what_is_missing_is_installed(machine: Machine) -> None:
    machine.run("build", has=("apt-get", "cmake", "g++"))
    assert machine.told()[1:] == ["apt-get -qq install -y --no-install-recommends ninja-build"]


def test_who_is_not_root_installs_through_sudo(machine: Machine) -> None:
    done = machine.run("build", has=("apt-get", "sudo", "cmake", "g++"), user=1000)
    assert done.returncode == 0, done.stdout
    assert machine.told()[0] == "sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq update"


def test_who_is_not_root_and_has_no_sudo_is_told_what_is_missing(machine: Machine) -> None:
    done = machine.run("build", has=("apt-get", "cmake", "g++"), user=1000)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == (
        "script/bootstrap: not root, and sudo is not installed. Missing (names as in Debian): ninja-build"
    )


def test_a_system_without_apt_get_is_told_what_is_missing(machine: Machine) -> None:
    done = machine.run("serve", has=("cmake", "ninja"))
    assert done.returncode == 1
    assert "no apt-get" in done.stdout
    assert done.stdout.endswith("Missing (names as in Debian): curl g++\n")


def test_a_failing_installation_fails_the_script(machine: Machine) -> None:
    done = machine.run("build", has=("apt-get", "cmake", "g++"), apt="exit 100")
    assert done.returncode != 0
    assert "apt-get could not update its lists" in done.stdout


def test_a_group_that_is_none_is_refused(machine: Machine) -> None:
    done = machine.run("everything")
    assert done.returncode == 2
    assert done.stdout.startswith("usage: script/bootstrap")


def test_a_python_that_is_too_old_is_named_in_one_line(machine: Machine, tmp_path: Path) -> None:
    old = tmp_path / "python3.10"
    write_program(old, '#!/bin/bash\n[ "$1" = --version ] && echo Python 3.10.9 && exit 0\nexit 1\n')
    done = machine.run("build", has=("apt-get",), python=str(old))
    assert done.returncode == 1
    assert done.stdout == "tessera needs Python 3.11 or later; found: Python 3.10.9\n"


def test_a_machine_that_has_everything_is_left_alone(repository: Path) -> None:
    done = subprocess.run(
        [str(repository / "script" / "bootstrap"), "build", "test"], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
