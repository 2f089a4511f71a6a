# SPDX-License-Identifier: Apache-2.0
"""The roads by which tessera gets onto a machine: CMake, sdist, wheel, and what they say when something is missing."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

VERSION = (Path(__file__).resolve().parent.parent / "VERSION").read_text(encoding="utf-8").strip()
PACKAGES = {"tessera": "bindings/tessera", "tessera_service": "service/tessera_service"}
BUILD_SECONDS = 900
# What is built here shows that it can be, not how fast it runs: all files of a target at once take a sixth of the time.
QUICKLY = {"CMAKE_CXX_FLAGS_RELEASE": "-O0", "CMAKE_UNITY_BUILD": "ON", "CMAKE_UNITY_BUILD_BATCH_SIZE": "0"}


def run(*command: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    """Both outputs as text in stdout; the status is the caller's to judge."""
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [str(part) for part in command],
        **{"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "timeout": BUILD_SECONDS} | options,
    )


def succeed(*command: str | Path, **options: object) -> str:
    done = run(*command, **options)
    assert done.returncode == 0, done.stdout
    return done.stdout


def said(output: str) -> str:
    """CMake wraps its messages."""
    return " ".join(output.split())


# What is missing is named


@pytest.fixture
def bare_path(tmp_path: Path) -> dict[str, str]:
    """An environment in which cmake and ninja are found, and no compiler."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("cmake", "ninja"):
        (folder / tool).symlink_to(Path(str(shutil.which(tool))).resolve())
    return {name: value for name, value in os.environ.items() if name not in {"CXX", "CC"}} | {"PATH": str(folder)}


def test_a_missing_compiler_is_named_with_its_package(
    repository: Path, tmp_path: Path, bare_path: dict[str, str]
) -> None:
    done = run("cmake", "-S", repository, "-B", tmp_path / "build", "-G", "Ninja", env=bare_path)
    assert done.returncode != 0
    assert "needs a C++20 compiler" in said(done.stdout)
    assert "package g++ (Debian, Ubuntu)" in said(done.stdout)


def test_pip_shows_the_missing_compiler_and_its_package(
    repository: Path, tmp_path: Path, bare_path: dict[str, str]
) -> None:
    build = f"--config-settings=build-dir={tmp_path / 'build'}"
    pip = (sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps", "--no-index")
    done = run(*pip, build, "--wheel-dir", tmp_path, repository, env=bare_path)
    assert done.returncode != 0
    assert "package g++ (Debian, Ubuntu)" in said(done.stdout)


def test_missing_openssl_headers_are_named_with_their_package(repository: Path, tmp_path: Path) -> None:
    nowhere = f"-DOPENSSL_INCLUDE_DIR={tmp_path / 'nowhere'}"
    done = run("cmake", "-S", repository, "-B", tmp_path / "build", "-G", "Ninja", nowhere)
    assert done.returncode != 0
    assert "needs the headers of OpenSSL 3.0 or later" in said(done.stdout)
    assert "install libssl-dev (Debian, Ubuntu)" in said(done.stdout)


# The C++ library


@pytest.fixture(scope="module")
def prefix(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `cmake --install` put the library."""
    folder = tmp_path_factory.mktemp("library")
    quickly = [f"-D{name}={value}" for name, value in QUICKLY.items()]
    succeed("cmake", "-S", repository, "-B", folder / "build", "-G", "Ninja", *quickly)
    succeed("cmake", "--build", folder / "build")
    succeed("cmake", "--install", folder / "build", "--prefix", folder / "prefix")
    return folder / "prefix"


def configure_consumer(repository: Path, build: Path, prefix: Path, *, wanted: str) -> subprocess.CompletedProcess[str]:
    source = repository / "tests" / "consumer"
    return run(
        "cmake", "-S", source, "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}", f"-DTESSERA_WANTED={wanted}"
    )


@pytest.mark.slow
def test_a_program_finds_links_and_uses_the_installed_library(repository: Path, tmp_path: Path, prefix: Path) -> None:
    done = configure_consumer(repository, tmp_path, prefix, wanted=VERSION)
    assert done.returncode == 0, done.stdout
    succeed("cmake", "--build", tmp_path)
    assert succeed(tmp_path / "consumer") == f"{VERSION} alice\n"


@pytest.mark.slow
def test_a_program_that_wants_another_minor_version_is_refused(repository: Path, tmp_path: Path, prefix: Path) -> None:
    major, minor, _ = VERSION.split(".")
    done = configure_consumer(repository, tmp_path, prefix, wanted=f"{major}.{int(minor) + 1}.0")
    assert done.returncode != 0
    assert f"version: {VERSION}" in said(done.stdout)


@pytest.mark.slow
def test_the_installed_headers_are_the_public_ones(repository: Path, prefix: Path) -> None:
    public = {header.name for header in (repository / "cpp" / "include" / "tessera").glob("*.h")} | {"version.h"}
    assert {header.name for header in prefix.rglob("*.h")} == public


# The Python packages


@pytest.fixture(scope="module")
def sdist(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    succeed(sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", folder, repository)
    return folder / f"tessera-{VERSION}.tar.gz"


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the sdist alone."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps", "--no-index")
    quickly = [f"--config-settings=cmake.define.{name}={value}" for name, value in QUICKLY.items()]
    succeed(*pip, *quickly, "--wheel-dir", folder, sdist)
    return next(folder.glob("tessera-*.whl"))


@pytest.fixture(scope="module")
def lone_python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that holds the wheel and nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    succeed(sys.executable, "-m", "venv", "--without-pip", folder)
    python = folder / "bin" / "python"
    succeed(sys.executable, "-m", "pip", "--python", python, "install", "--no-index", wheel)
    return python


def test_the_sdist_holds_no_build_and_no_data(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        rooms = {Path(name).parts[1] for name in archive.getnames() if len(Path(name).parts) > 1}
    assert {"CMakeLists.txt", "VERSION", "LICENSE", "cpp", "bindings", "service"} <= rooms
    assert rooms.isdisjoint({"build", "dist", ".venv", ".tessera", ".git"})


@pytest.mark.slow
def test_the_wheel_holds_both_packages_whole_and_nothing_else(repository: Path, wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    sources = {
        f"{package}/{path.relative_to(repository / folder).as_posix()}"
        for package, folder in PACKAGES.items()
        for path in (repository / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    rest = {name for name in held - sources if not name.startswith(f"tessera-{VERSION}.dist-info/")}
    assert sources - held == set()
    assert [Path(name).name.split(".")[0] for name in rest] == ["_core"]


@pytest.mark.slow
def test_the_wheel_demands_nothing_without_an_extra(wheel: Path) -> None:
    metadata = Parser().parsestr(zipfile.ZipFile(wheel).read(f"tessera-{VERSION}.dist-info/METADATA").decode())
    assert metadata["Version"] == VERSION
    assert metadata["Requires-Python"] == ">=3.11"
    demands = metadata.get_all("Requires-Dist") or []
    assert [demand for demand in demands if "extra ==" not in demand] == []


@pytest.mark.slow
def test_the_compiled_module_exports_its_entry_alone(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        module = next(name for name in archive.namelist() if Path(name).name.startswith("_core."))
        archive.extract(module, tmp_path)
    exported = succeed("nm", "--dynamic", "--defined-only", "--demangle", tmp_path / module)
    assert "PyInit__core" in exported
    assert [line for line in exported.splitlines() if "tessera::" in line] == []


@pytest.mark.slow
def test_the_module_imports_without_any_dependency(lone_python: Path, tmp_path: Path) -> None:
    program = "import tessera, tessera.jwt; print(tessera.__version__)"
    assert succeed(lone_python, "-I", "-c", program, cwd=tmp_path) == f"{VERSION}\n"


@pytest.mark.slow
def test_the_module_runs_as_a_command_and_tells_its_version(lone_python: Path, tmp_path: Path) -> None:
    assert VERSION in succeed(lone_python, "-m", "tessera", "--version", cwd=tmp_path)


@pytest.mark.slow
def test_the_script_without_the_extra_says_what_to_install(lone_python: Path, tmp_path: Path) -> None:
    done = run(lone_python.parent / "tessera", "serve", cwd=tmp_path)
    assert done.returncode != 0
    assert "tessera[service]" in done.stdout
    assert "Traceback" not in done.stdout
