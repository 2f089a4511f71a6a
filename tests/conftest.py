# SPDX-License-Identifier: Apache-2.0
"""What every room of the tests may ask for. A fixture that one room needs stands in that room's own conftest."""

import gc
import os
import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from figures import FIGURES, Tell
from opened_keys import opened_once

ROOT = Path(__file__).resolve().parent.parent
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """What was made just now names no test: each process that collects would name it otherwise, and they have to agree.
    None: pytest's own name."""
    is_id = isinstance(val, str) and _UUID.search(val) is not None
    is_time = isinstance(val, int | float) and abs(val - time.time()) < 86_400
    return argname if is_id or is_time else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What builds for minutes, once for its whole file, is begun first: of several processes one does it meanwhile, and
    none takes a part of it over."""
    items.sort(key=lambda item: item.path.name != "test_install.py")


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Tell:
    """Takes what a test counted, in words: the table at the end of the run shows it, of failed tests too."""
    return partial(record_property, FIGURES)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.getreports(outcome)]
    told = {
        report.nodeid: value
        for report in reports
        if report.when == "call"
        for name, value in report.user_properties
        if name == FIGURES
    }
    if told:
        terminalreporter.section("figures")
        for test, figures in sorted(told.items()):
            terminalreporter.write_line(f"{test}\n    {figures}")


def pytest_collection() -> None:
    """Twelve thousand tests, and all that they import, stay until the end: nothing looks through them for garbage."""
    gc.disable()


def pytest_collection_finish() -> None:
    """The rest of it."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def keys_opened_once() -> Iterator[None]:
    """For all tests in this process; who starts another pays there."""
    with opened_once():
        yield


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def vectors() -> Path:
    """The folder of third-party vectors: TESSERA_VECTORS, else beside the checkout. Absent: skipped, aloud."""
    folder = Path(os.environ.get("TESSERA_VECTORS") or ROOT / ".." / "shared" / "vectors").resolve()
    if not folder.is_dir():
        pytest.skip(f"no third-party vectors in {folder}: set TESSERA_VECTORS")
    return folder
