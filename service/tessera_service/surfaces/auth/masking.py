# SPDX-License-Identifier: Apache-2.0
"""What is shown of where a session came from to those who may not read every session."""

import re
from dataclasses import replace
from ipaddress import IPv4Address, ip_network
from typing import Final

from tessera_service.http.peer import parse_address
from tessera_service.models import SessionMetadata

OTHER: Final = "Other"

_V4_BITS: Final = 24
_V6_BITS: Final = 48
# In this order: most browsers also name those that they want to be taken for.
_FAMILIES: Final = tuple(
    (family, re.compile(pattern))
    for family, pattern in (
        ("Edge", r"\b(Edg|EdgA|EdgiOS|Edge)/"),
        ("Opera", r"\b(OPR|OPT|OPiOS|Opera)[/ ]"),
        ("Samsung Internet", r"\bSamsungBrowser/"),
        ("Firefox", r"\b(Firefox|FxiOS)/"),
        ("Chrome", r"\b(Chrome|CriOS|Chromium)/"),
        ("Safari", r"\bSafari/"),
        ("curl", r"^curl/"),
        ("Wget", r"^Wget/"),
        ("okhttp", r"\bokhttp/"),
        ("CFNetwork", r"\bCFNetwork/"),
        ("Dart", r"^Dart/"),
        ("Postman", r"^PostmanRuntime/"),
        ("Python", r"^(python-requests|python-httpx|Python-urllib|aiohttp)\b"),
        ("Go", r"^Go-http-client/"),
    )
)


def mask(metadata: SessionMetadata) -> SessionMetadata:
    """The network of the address, the family of the user agent, no location."""
    return replace(
        metadata,
        ip_address=mask_address(metadata.ip_address),
        user_agent=name_family(metadata.user_agent),
        location=None,
    )


def mask_address(text: str | None) -> str | None:
    """The network that the address lies in, /24 or /48; None for what is no address."""
    address = None if text is None else parse_address(text)
    if address is None:
        return None
    bits = _V4_BITS if isinstance(address, IPv4Address) else _V6_BITS
    return str(ip_network((address.packed, bits), strict=False))  # packed: without the zone of an IPv6 address


def name_family(user_agent: str | None) -> str | None:
    """The product that a user agent names, without version and system; OTHER for one that is not known."""
    if not user_agent:
        return None
    return next((family for family, pattern in _FAMILIES if pattern.search(user_agent)), OTHER)
