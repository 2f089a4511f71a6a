# SPDX-License-Identifier: Apache-2.0
"""Where a request that signs somebody in comes from."""

import re
from typing import Final

from tessera_service.errors import InvalidInput
from tessera_service.http.exchange import Exchange
from tessera_service.http.peer import show_address
from tessera_service.models import SessionMetadata

DEVICE_TYPE: Final = "X-Device-Type"
DEVICE_TYPES: Final = ("web", "android", "ios")
MAX_USER_AGENT: Final = 512
MAX_LOCATION: Final = 128

_DEVICE_HEADER: Final = b"x-device-type"
_IOS: Final = re.compile(r"\b(iPhone|iPad|iPod|iOS|CFNetwork)\b")
_ANDROID: Final = re.compile(r"\b(Android|Dalvik|okhttp)\b")


def read_metadata(exchange: Exchange) -> SessionMetadata:
    """The peer's address, the user agent, the kind of device, and the location if a proxy of ours tells it.
    InvalidInput for a device type that is none."""
    user_agent = _read_user_agent(exchange)
    return SessionMetadata(
        ip_address=show_address(exchange.peer),
        user_agent=user_agent,
        device_type=_read_device_type(exchange) or guess_device_type(user_agent or ""),
        location=_read_location(exchange),
    )


def guess_device_type(user_agent: str) -> str:
    """What a user agent runs on; "web" unless it names a phone's system."""
    if _IOS.search(user_agent):
        return "ios"
    return "android" if _ANDROID.search(user_agent) else "web"


def _read_device_type(exchange: Exchange) -> str | None:
    if not exchange.has_header(_DEVICE_HEADER):
        return None
    value = (exchange.header(_DEVICE_HEADER) or b"").decode("latin-1").strip().lower()
    if value not in DEVICE_TYPES:
        raise InvalidInput(DEVICE_TYPE)
    return value


def _read_user_agent(exchange: Exchange) -> str | None:
    value = (exchange.header(b"user-agent") or b"").decode("utf-8", "replace")
    return "".join(letter for letter in value[:MAX_USER_AGENT] if letter.isprintable()).strip() or None


def _read_location(exchange: Exchange) -> str | None:
    """Nobody's word but a proxy's: what cannot be read, or is too long for a place, is none."""
    if not exchange.from_proxy:
        return None
    try:
        value = (exchange.header(b"x-location") or b"").decode("utf-8").strip()
    except UnicodeDecodeError:
        return None
    return value if value and len(value) <= MAX_LOCATION and value.isprintable() else None
