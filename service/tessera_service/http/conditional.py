# SPDX-License-Identifier: Apache-2.0
"""Conditional requests (RFC 9110 section 13)."""

import re
from email.utils import formatdate, parsedate_to_datetime

_TAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')


def format_http_date(seconds: int) -> str:
    """IMF-fixdate of seconds since 1970."""
    return formatdate(seconds, usegmt=True)


def is_unchanged(*, if_none_match: list[bytes], if_modified_since: bytes | None, etag: str, last_modified: int) -> bool:
    """Whether a GET or HEAD is answered 304. `etag` is quoted and strong. If-None-Match compares weakly and, where it
    is sent, alone counts; a date that cannot be read is ignored."""
    if if_none_match:
        text = b",".join(if_none_match).decode("latin-1").strip()
        return text == "*" or etag in _TAG.findall(text)
    if if_modified_since is None:
        return False
    try:
        since = parsedate_to_datetime(if_modified_since.decode("latin-1"))
        return last_modified <= int(since.timestamp())
    except (ValueError, OverflowError, TypeError):
        return False
