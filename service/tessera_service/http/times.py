# SPDX-License-Identifier: Apache-2.0
"""How times stand in bodies: RFC 3339 in UTC, whole seconds."""

from datetime import UTC, datetime
from functools import lru_cache


@lru_cache(maxsize=64)
def format_time(seconds: int) -> str:
    """RFC 3339 in UTC, whole seconds."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
