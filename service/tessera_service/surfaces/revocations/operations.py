# SPDX-License-Identifier: Apache-2.0
"""The operation of the revocations surface: its path, its permission, its limits."""

from typing import Final

PATH: Final = "/v1/revocations"
PERMISSION: Final = "token.introspect"

DEFAULT_WAIT: Final = 20  # seconds
MAX_WAIT: Final = 30  # shorter than the time after which proxies give up a silent connection
MAX_FOLLOWERS: Final = 1024  # requests at a time in this process
MAX_FOLLOWERS_OF_TENANT: Final = 512
MAX_SNAPSHOTS: Final = 4
MAX_SNAPSHOTS_OF_TENANT: Final = 2
ANSWER_SECONDS: Final = 300.0  # with the wait; a million entries take a tenth of it, to a reader that reads
