# SPDX-License-Identifier: Apache-2.0
"""Whom an address stands for when failures are counted by it."""

from ipaddress import IPv6Address, ip_address
from typing import Final

_HOST_BITS: Final = 64  # RFC 4291, section 2.5.4: below them a network's holder takes whatever address it likes


def counted_address(address: str) -> str:
    """The address itself, or for IPv6 its /64: one holder has all of it. IPv4 in IPv6 is IPv4; what is no address
    stands for itself."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return f"{IPv6Address(int(found) >> _HOST_BITS << _HOST_BITS)}/{_HOST_BITS}"
