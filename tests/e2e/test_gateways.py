# SPDX-License-Identifier: Apache-2.0
"""The checks of examples/gateways: real proxies in front of a small backend, asking a real service."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from e2e.process import environment

pytestmark = pytest.mark.slow

SBIN = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin"))


@pytest.mark.parametrize("proxy", ["nginx", "caddy"])
def test_a_proxy_lets_pass_whom_the_service_lets_pass_and_says_who_it_is(repository: Path, proxy: str) -> None:
    for program in (proxy, "curl", "bash"):
        if shutil.which(program, path=SBIN) is None:
            pytest.skip(f"{program} is not installed: script/bootstrap gateways")

    done = subprocess.run(
        [str(repository / "examples" / "gateways" / proxy / "check.sh")],
        env=environment(PYTHON=sys.executable),
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"{proxy}: all as it should be"


def test_a_check_without_its_proxy_says_so_and_is_no_success(repository: Path, tmp_path: Path) -> None:
    for program in ("bash", "dirname", "env"):
        (tmp_path / program).symlink_to(str(shutil.which(program)))
    check = repository / "examples" / "gateways" / "caddy" / "check.sh"
    done = subprocess.run([str(check)], env={"PATH": str(tmp_path)}, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (77, "")
    assert done.stderr == "caddy is not installed: script/bootstrap gateways\n"
