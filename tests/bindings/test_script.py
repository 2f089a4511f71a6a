# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys
from pathlib import Path

import pytest

import tessera


@pytest.fixture
def bare(tmp_path: Path) -> list[str]:
    """The script in an interpreter that has tessera and no package of the extra."""
    (tmp_path / "tessera").symlink_to(Path(tessera.__file__).parent)
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from tessera._script import main; sys.exit(main())"
    return [sys.executable, "-I", "-S", "-c", program]


def run(command: list[str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("arguments", [("serve",), (), ("tokens", "mint")])
def test_without_the_service_its_commands_say_what_to_install(bare: list[str], arguments: tuple[str, ...]) -> None:
    done = run(bare, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'tessera[service]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_the_extra_the_service_alone_is_not_enough(bare: list[str], tmp_path: Path) -> None:
    package = tmp_path / "tessera_service" / "cli"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").write_text("")
    (package / "__init__.py").write_text("import typer_that_is_not_there\n")
    assert "pip install 'tessera[service]'" in run(bare, "serve").stderr


def test_a_service_that_is_broken_itself_is_not_called_missing(bare: list[str], tmp_path: Path) -> None:
    package = tmp_path / "tessera_service" / "cli"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").write_text("")
    (package / "__init__.py").write_text("import tessera_service.gone\n")
    done = run(bare, "serve")
    assert done.returncode == 1
    assert "No module named 'tessera_service.gone'" in done.stderr


def test_with_the_service_the_script_starts_it(bare: list[str], tmp_path: Path) -> None:
    package = tmp_path / "tessera_service" / "cli"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").write_text("")
    main = "def main(): print('service', sys.argv[1:], gc.isenabled()); sys.exit(7)"
    (package / "__init__.py").write_text(f"import gc, sys\n{main}\n")
    done = run(bare, "serve", "--port", "1")
    assert (done.returncode, done.stdout) == (7, "service ['serve', '--port', '1'] True\n")


def test_the_commands_of_the_core_need_no_service(bare: list[str]) -> None:
    assert run(bare, "--version").stdout == f"tessera {tessera.__version__}\n"
    assert tessera.PrivateKey.from_pem(run(bare, "keygen").stdout).bits == 2048
    assert "usage: tessera" in run(bare, "--help").stdout
    assert run(bare, "verify", "a.b.c").returncode == 1


def test_the_installed_command_is_this_script() -> None:
    command = Path(sys.executable).parent / "tessera"
    assert run([str(command)], "--version").stdout == f"tessera {tessera.__version__}\n"
