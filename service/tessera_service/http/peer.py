# SPDX-License-Identifier: Apache-2.0
"""Whose address a request came from; forwarding headers count only from trusted proxies."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

UNKNOWN = "unknown"
MAX_HOPS = 64


class Peers:
    """Finds the peer: the TCP peer, or the rightmost hop that is no trusted proxy if a trusted one sent the request."""

    def __init__(self, trusted: Sequence[Network] = ()) -> None:
        self._trusted = tuple(trusted)

    def trusts(self, client: Sequence[object] | None) -> bool:
        """Whether the TCP peer is a trusted proxy. `client`: ASGI's (host, port)."""
        peer = parse_address(str(client[0])) if client else None
        return peer is not None and self._trusts(peer)

    def find(self, client: Sequence[object] | None, forwarded: Iterable[bytes]) -> str:
        """`client`: ASGI's (host, port). `forwarded`: the values of X-Forwarded-For in the order of their lines."""
        host = str(client[0]) if client else UNKNOWN
        if not self._trusted:
            return host
        peer = parse_address(host)
        if peer is None or not self._trusts(peer):
            return host
        hops = b",".join(forwarded).decode("latin-1").split(",")
        for text in reversed(hops[-MAX_HOPS:]):
            hop = parse_address(text.strip())
            if hop is None:
                break  # what stands left of a hop that says nothing was not seen by anyone we trust
            peer = hop
            if not self._trusts(hop):
                break
        return str(peer)

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def show_address(text: str) -> str | None:
    """A peer as records name it: IPv4 in IPv6 is IPv4; None for what is no address."""
    address = parse_address(text)
    return None if address is None else str(address)


def parse_address(text: str) -> Address | None:
    """An address as proxies write it, also `[::1]:80` and `192.0.2.1:80`; IPv4 in IPv6 becomes IPv4."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address
