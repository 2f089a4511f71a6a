# SPDX-License-Identifier: Apache-2.0
"""A machine that slept: CLOCK_BOOTTIME went on, CLOCK_MONOTONIC did not, and nobody polled meanwhile."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# In place of libc's: as if the machine had slept for as many seconds as the file holds.
SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec* now) {
  static int (*real)(clockid_t, struct timespec*);
  if (!real) real = (int (*)(clockid_t, struct timespec*))dlsym(RTLD_NEXT, "clock_gettime");
  const int result = real(clock, now);
  FILE* file = clock == CLOCK_BOOTTIME ? fopen(getenv("SLEPT"), "r") : NULL;
  if (file) {
    long seconds = 0;
    if (fscanf(file, "%ld", &seconds) == 1) now->tv_sec += seconds;
    fclose(file);
  }
  return result;
}
"""
PROGRAM = """
import os, pathlib, time, tessera
key = tessera.PrivateKey.generate()
verifier = tessera.Verifier(key.public_key, tessera.Policy(issuer="i", audience="a"))
checker = tessera.Checker(verifier, revocations=tessera.RevocationSet(), sessions=tessera.SessionTable())
asked = tessera.boottime_ns()
checker.keep_fresh_for(60_000, since_boottime_ns=asked)
print(checker.is_fresh)
before = time.monotonic()
pathlib.Path(os.environ["SLEPT"]).write_text("61")
print(checker.is_fresh, time.monotonic() - before < 30)
checker.keep_fresh_for(60_000, since_boottime_ns=asked)  # a poll that was sent before it slept
print(checker.is_fresh)
checker.keep_fresh_for(60_000, since_boottime_ns=tessera.boottime_ns())
print(checker.is_fresh)
"""


def test_who_wakes_up_is_stale_at_once(tmp_path: Path) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("needs Linux and a C compiler: a clock is put in place of the machine's")
    source, shim = tmp_path / "shim.c", tmp_path / "shim.so"
    source.write_text(SHIM)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(shim), str(source), "-ldl"], check=True, timeout=60)
    given = {**os.environ, "LD_PRELOAD": str(shim), "SLEPT": str(tmp_path / "slept")}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=given, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines() == ["True", "False True", "False", "True"], done.stderr
