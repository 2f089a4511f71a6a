# SPDX-License-Identifier: Apache-2.0
from ipaddress import ip_network

import pytest

from tessera_service.http.peer import Peers

PROXIES = Peers([ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")])


@pytest.mark.parametrize(
    ("client", "forwarded", "peer"),
    [
        ("192.0.2.1", [b"198.51.100.7"], "192.0.2.1"),  # the peer is no proxy: its word does not count
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [b""], "10.0.0.1"),
        ("10.0.0.1", [b"198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", [b"203.0.113.9, 198.51.100.7"], "198.51.100.7"),  # what the client put in front is nobody's word
        ("10.0.0.1", [b"203.0.113.9", b"198.51.100.7, 10.9.9.9"], "198.51.100.7"),  # several lines are one list
        ("10.0.0.1", [b"10.1.1.1, 10.2.2.2"], "10.1.1.1"),
        ("10.0.0.1", [b"203.0.113.9, nonsense"], "10.0.0.1"),
        ("10.0.0.1", [b"203.0.113.9, nonsense, 10.2.2.2"], "10.2.2.2"),
        ("10.0.0.1", [b"198.51.100.7:4711"], "198.51.100.7"),
        ("10.0.0.1", [b"[2001:db9::1]:443"], "2001:db9::1"),
        ("10.0.0.1", [b"2001:db9::1"], "2001:db9::1"),
        ("2001:db8::1", [b"198.51.100.7"], "198.51.100.7"),
        ("::ffff:10.0.0.1", [b"::ffff:198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", [b"\xff\xfe"], "10.0.0.1"),
        ("10.0.0.1", [b"," * 100_000], "10.0.0.1"),
    ],
)
def test_the_peer_is_the_rightmost_hop_that_is_no_trusted_proxy(client: str, forwarded: list[bytes], peer: str) -> None:
    assert PROXIES.find((client, 1234), forwarded) == peer


def test_nobody_is_trusted_by_default() -> None:
    assert Peers().find(("10.0.0.1", 1), [b"198.51.100.7"]) == "10.0.0.1"


def test_a_request_without_an_address_has_an_unknown_peer() -> None:
    assert PROXIES.find(None, [b"198.51.100.7"]) == "unknown"


@pytest.mark.parametrize(
    ("client", "trusted"),
    [
        (("10.0.0.1", 1), True),
        (("::ffff:10.0.0.1", 1), True),
        (("2001:db8::9", 1), True),
        (("192.0.2.1", 1), False),
        (("10.0.0.1.example", 1), False),
        (("", 0), False),
        (None, False),
    ],
)
def test_only_the_tcp_peer_makes_a_request_a_proxys(client: tuple[str, int] | None, trusted: bool) -> None:
    assert PROXIES.trusts(client) is trusted
    assert Peers().trusts(client) is False
