# SPDX-License-Identifier: Apache-2.0
"""The operation of the revocations surface: its path, its permission, its limits."""

from typing import Final

PATH: Final = "/v1/revocations"
PERMISSION: Final = "token.introspect"

DEFAULT_WAIT: Final = 20  # seconds
MAX_WAIT: Final = 30  # shorter than the time after which proxies give up a silent connection
ANSWER_SECONDS: Final = 300.0  # with the wait; a million entries take a tenth of it, to a reader that reads
PATIENCE_SECONDS: Final = 10.0  # with a reader that takes nothing, or less than this in a second:
SLOWEST_BYTES: Final = 16_384
