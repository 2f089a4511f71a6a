# SPDX-License-Identifier: Apache-2.0
"""What a setting's text is turned into. Each raises ValueError with a reason that never repeats the text."""

import base64
import binascii
import ipaddress
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import GetCoreSchemaHandler, SecretStr
from pydantic_core import CoreSchema, core_schema
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from tessera_service.durations import format_duration, parse_duration

MASTER_KEY_BYTES = 32

_SQLITE = "sqlite:////var/lib/tessera/tessera.db"
_POSTGRES = "postgresql://tessera@db.example.org/tessera"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class DurationRange:
    """Marks an `int` field as a duration between two bounds (both allowed), kept in units of `unit_ms` milliseconds."""

    low: str
    high: str
    unit_ms: int = 1000

    def parse(self, value: object) -> int:
        """The value in units: from text as people write it, or from a number of units as code passes it."""
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise ValueError("is not a duration")
        milliseconds = parse_duration(value) if isinstance(value, str) else value * self.unit_ms
        if not parse_duration(self.low) <= milliseconds <= parse_duration(self.high):
            raise ValueError(f"has to be from {self.low} to {self.high}")
        if milliseconds % self.unit_ms:
            raise ValueError("has to be in whole seconds")
        return milliseconds // self.unit_ms

    def format(self, value: int) -> str:
        """As people write it."""
        return format_duration(value * self.unit_ms)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.parse)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `requests` in `seconds`, per process and bucket."""

    requests: int
    seconds: int

    def __str__(self) -> str:
        return f"{self.requests}/{format_duration(self.seconds * 1000)}"


def check_name(text: str) -> str:
    """An issuer or audience: 1 to 256 printable ASCII characters without spaces."""
    if not re.fullmatch(r"[\x21-\x7e]{1,256}", text):
        raise ValueError("has to be 1 to 256 printable ASCII characters without spaces")
    return text


def check_tenant_id(text: str) -> str:
    """A tenant's id: 1 to 64 of letters, digits, dot, underscore, hyphen."""
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", text):
        raise ValueError("is not a tenant id: 1 to 64 of letters, digits, dot, underscore, hyphen")
    return text


def parse_database_url(value: object) -> SecretStr | None:
    """A URL of a SQLite file or of a PostgreSQL database, without the name of a driver."""
    if value is None:
        return None
    text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ValueError(f"is not a database URL, like {_SQLITE} or {_POSTGRES}") from None
    if url.drivername in ("postgresql", "postgresql+psycopg", "postgres"):
        if not url.database or "\0" in unquote(text):
            raise ValueError(f"has to name a database, like {_POSTGRES}")
        if not url.query.keys().isdisjoint(("password", "sslpassword")):
            raise ValueError("has to have its password before the host, where it is known as one")
        return SecretStr(url.set(drivername="postgresql").render_as_string(hide_password=False))
    if url.drivername not in ("sqlite", "sqlite+aiosqlite"):
        raise ValueError(f"has to be of SQLite or PostgreSQL, like {_SQLITE} or {_POSTGRES}")
    if not _names_a_file(text.partition("://")[2]):
        raise ValueError(f"has to name a file and nothing else, like {_SQLITE}")
    return SecretStr(url.set(drivername="sqlite").render_as_string(hide_password=False))


def _names_a_file(rest: str) -> bool:
    """Whether what follows `sqlite://` is a path: no host, no user, no options."""
    path = unquote(rest.removeprefix("/"))
    return rest.startswith("/") and "?" not in rest and path != "" and not path.startswith(":") and "\0" not in path


def parse_rate_limit(value: object) -> RateLimit | None:
    """`6000/1m`; `off` is None."""
    if value is None or isinstance(value, RateLimit):
        return value
    if value == "off":
        return None
    match = re.fullmatch(r"([0-9]{1,9})/(\S{1,32})", value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("is not a limit: write it like 6000/1m, or off")
    span = match[2] if match[2][0].isdigit() else f"1{match[2]}"
    limit = RateLimit(requests=int(match[1]), seconds=DurationRange("1s", "24h").parse(span))
    if limit.requests < 1:
        raise ValueError("has to allow at least one request; off switches it off")
    return limit


def parse_networks(value: object) -> tuple[Network, ...]:
    """Addresses and networks, separated by commas: `10.0.0.7, 192.168.0.0/16, ::1`."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        raise ValueError("is not a list of addresses")
    try:
        return tuple(ipaddress.ip_network(part.strip() if isinstance(part, str) else part) for part in parts if part)
    except (TypeError, ValueError):
        raise ValueError("is not a list of addresses or networks, like 10.0.0.7,192.168.0.0/16") from None


def parse_origins(value: object) -> tuple[str, ...]:
    """Origins as browsers send them, separated by commas: `https://app.example.org,http://localhost:3000`; or `*`."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        raise ValueError("is not a list of origins")
    origins = tuple(part.strip() for part in parts if part.strip())
    if any(origin != "*" and not _is_origin(origin) for origin in origins):
        raise ValueError("is not a list of origins, like https://app.example.org,http://localhost:3000")
    return origins


def _is_origin(text: str) -> bool:
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        return False
    host = url.hostname or ""
    spelled = f"{url.scheme}://{f'[{host}]' if ':' in host else host}{'' if port is None else f':{port}'}"
    return url.scheme in ("http", "https") and host != "" and spelled == text


def parse_webhook_url(value: object) -> SecretStr | None:
    """Where messages are posted to: http or https, with a host and without a fragment."""
    if value is None:
        return None
    text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    if not _is_webhook_url(text):
        raise ValueError("is not an address to post to, like https://hooks.example.org/messages")
    return SecretStr(text)


def _is_webhook_url(text: str) -> bool:
    if not re.fullmatch(r"[\x21-\x7e]{1,2048}", text):
        return False
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        return False
    return url.scheme in ("http", "https") and bool(url.hostname) and port != 0 and "#" not in text


def parse_master_key(text: str) -> bytes:
    """32 bytes from 64 hexadecimal digits, or from base64 in either alphabet, with or without padding."""
    text = text.strip()
    if re.fullmatch(r"[0-9A-Fa-f]{64}", text):
        return bytes.fromhex(text)
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        key = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != MASTER_KEY_BYTES:
        raise ValueError(f"is not a key of {MASTER_KEY_BYTES} bytes in base64 or hexadecimal digits")
    return key
