# SPDX-License-Identifier: Apache-2.0
"""The checks of examples/gateways: real proxies in front of a small backend, asking a real service."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from e2e.conftest import Start
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


NGINX = """
daemon off; worker_processes 1; pid nginx.pid; error_log stderr; events {{}}
http {{
    access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass {url}; }} }}
}}
"""


def test_nobody_goes_without_a_key_through_an_nginx_that_was_told_nothing(tmp_path: Path, start_service: Start) -> None:
    program = shutil.which("nginx", path=SBIN)
    if program is None:
        pytest.skip("nginx is not installed: script/bootstrap gateways")
    service, port = start_service("--dev"), free_port()
    folder = tmp_path / "nginx"
    folder.mkdir(mode=0o755)
    (folder / "nginx.conf").write_text(NGINX.format(port=port, url=service.url))
    user = {"user_id": "alice", "username": "alice", "role_name": "user", "permissions": []}
    command = [program, "-p", str(folder), "-c", "nginx.conf", "-e", "stderr"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as nginx:
        try:
            wait_for(port)
            through = httpx.post(f"http://127.0.0.1:{port}/api/v1/sessions", json=user)
            counted = httpx.get(f"http://127.0.0.1:{port}/api/v1/sessions/stats")
        finally:
            nginx.terminate()
    assert (through.status_code, counted.status_code) == (403, 403)
    assert httpx.post(f"{service.url}/api/v1/sessions", json=user).status_code == 201


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def wait_for(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise AssertionError(f"nothing listens on port {port}")


def test_a_check_without_its_proxy_says_so_and_is_no_success(repository: Path, tmp_path: Path) -> None:
    for program in ("bash", "dirname", "env"):
        (tmp_path / program).symlink_to(str(shutil.which(program)))
    check = repository / "examples" / "gateways" / "caddy" / "check.sh"
    done = subprocess.run([str(check)], env={"PATH": str(tmp_path)}, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (77, "")
    assert done.stderr == "caddy is not installed: script/bootstrap gateways\n"
