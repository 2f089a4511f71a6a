# SPDX-License-Identifier: Apache-2.0
"""The last line of defence of the logs: what looks like a secret is taken out. Nothing relies on it."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

REDACTED = "[redacted]"

_SECRET_NAMES = frozenset(
    {"authorization", "proxy_authorization", "cookie", "set_cookie", "bearer", "jwt", "token", "access_token"}
    | {"refresh_token", "session_token", "id_token", "password", "passwd", "secret", "secret_access_key"}
    | {"client_secret", "master_key", "private_key", "private_pem", "otp_code", "accesstoken", "refreshtoken"}
)
# A JOSE segment that begins like {" in base64url, alone or with what follows it; PEM; a password inside a URL.
_SECRETS = re.compile(
    r"eyJ[A-Za-z0-9_-]{8,}(?:(?:\.|%2[eE])[A-Za-z0-9_-]*)*"
    r"|-----BEGIN [A-Z ]+-----[\s\S]*?(?:-----END [A-Z ]+-----|\Z)"
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"
)


def redact_text(text: str) -> str:
    """The text without anything that looks like a token, a PEM block or a URL's password."""
    if "eyJ" in text or "-----BEGIN" in text or "://" in text:  # the rest is most of all text, and every request logs
        return _SECRETS.sub(REDACTED, text)
    return text


def redact(value: Any) -> Any:
    """The value with every text in it redacted; what stands under a secret's name is dropped."""
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, bytes | bytearray):
        return redact_text(bytes(value).decode("utf-8", "replace"))
    if isinstance(value, Mapping):
        return {key: redact_item(str(key), item) for key, item in value.items()}
    if isinstance(value, Sequence | set | frozenset):
        return [redact(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float) else redact_text(str(value))


def redact_item(name: str, value: Any) -> Any:
    """The value of that name."""
    if value is None:
        return None
    if _is_secret(name):
        return REDACTED
    kind = type(value)
    if kind is str:
        return redact_text(value)
    return value if kind is int or kind is float or kind is bool else redact(value)


@lru_cache(maxsize=1024)
def _is_secret(name: str) -> bool:
    return name.lower().replace("-", "_") in _SECRET_NAMES
