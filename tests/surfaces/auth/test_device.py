# SPDX-License-Identifier: Apache-2.0
"""Where somebody signs in from, as far as headers can be believed."""

from ipaddress import ip_network

import pytest

from surfaces.edge.asgi import make_exchange
from tessera_service.errors import InvalidInput
from tessera_service.surfaces.auth.device import guess_device_type, read_metadata

PROXIES = (ip_network("10.0.0.0/8"),)
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Safari/604.1"
PIXEL = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36"


@pytest.mark.parametrize(
    ("user_agent", "device_type"),
    [
        (IPHONE, "ios"),
        ("School/12 CFNetwork/1410.1 Darwin/22.6.0", "ios"),
        (PIXEL, "android"),
        ("okhttp/4.12.0", "android"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "web"),
        ("curiosity/1.0 (studIOS)", "web"),
        ("curl/8.5.0", "web"),
        ("", "web"),
    ],
)
async def test_the_device_is_guessed_from_the_user_agent(user_agent: str, device_type: str) -> None:
    assert guess_device_type(user_agent) == device_type
    assert read_metadata(make_exchange(("User-Agent", user_agent))).device_type == device_type


@pytest.mark.parametrize(("said", "device_type"), [("ios", "ios"), ("ANDROID", "android"), (" web ", "web")])
async def test_the_header_counts_more_than_the_guess(said: str, device_type: str) -> None:
    exchange = make_exchange(("X-Device-Type", said), ("User-Agent", PIXEL))
    assert read_metadata(exchange).device_type == device_type


@pytest.mark.parametrize("said", [("toaster",), ("",), ("web,ios",), ("web", "web"), (b"\xff",), ("web\u0000",)])
async def test_a_device_type_that_is_none_is_refused(said: tuple[str | bytes, ...]) -> None:
    exchange = make_exchange(*(("X-Device-Type", value) for value in said))
    with pytest.raises(InvalidInput) as caught:
        read_metadata(exchange)
    assert (caught.value.field, caught.value.missing) == ("X-Device-Type", False)


async def test_without_headers_there_is_an_address_and_a_web_browser() -> None:
    found = read_metadata(make_exchange(client="::ffff:192.0.2.7"))
    assert (found.ip_address, found.user_agent, found.device_type, found.location) == ("192.0.2.7", None, "web", None)
    assert read_metadata(make_exchange(client=None)).ip_address is None


async def test_the_address_is_the_peers_and_nobodys_word_but_a_proxys() -> None:
    said = ("X-Forwarded-For", "198.51.100.7")
    assert read_metadata(make_exchange(said)).ip_address == "192.0.2.1"
    assert read_metadata(make_exchange(said, client="10.0.0.1", trusted=PROXIES)).ip_address == "198.51.100.7"


@pytest.mark.parametrize(
    ("client", "location", "kept"),
    [
        ("10.0.0.1", "Ho Chi Minh, VN", "Ho Chi Minh, VN"),
        ("10.0.0.1", "Hà Nội", "Hà Nội"),
        ("10.0.0.1", "x" * 128, "x" * 128),
        ("10.0.0.1", "x" * 129, None),
        ("10.0.0.1", "two\nlines", None),
        ("10.0.0.1", "nul\u0000", None),
        ("10.0.0.1", "\u202eesrever", None),
        ("10.0.0.1", b"\xff\xfe", None),
        ("10.0.0.1", "  ", None),
        ("192.0.2.1", "Ho Chi Minh, VN", None),  # everybody may say so
    ],
)
async def test_a_location_is_the_word_of_a_trusted_proxy(client: str, location: str | bytes, kept: str | None) -> None:
    exchange = make_exchange(("X-Location", location), client=client, trusted=PROXIES)
    assert read_metadata(exchange).location == kept


async def test_a_location_that_is_told_through_a_trusted_hop_only_is_nobodys_word() -> None:
    headers = [("X-Location", "Ho Chi Minh, VN"), ("X-Forwarded-For", "10.0.0.2")]
    assert read_metadata(make_exchange(*headers, client="192.0.2.1", trusted=PROXIES)).location is None
    twice = [("X-Location", "a"), ("X-Location", "b")]
    assert read_metadata(make_exchange(*twice, client="10.0.0.1", trusted=PROXIES)).location is None


async def test_a_user_agent_is_bounded_and_printable() -> None:
    found = read_metadata(make_exchange(("User-Agent", "A\tgent\u0000 " + "x" * 10_000))).user_agent
    assert found is not None
    assert found.startswith("Agent x")
    assert len(found) <= 512
    assert read_metadata(make_exchange(("User-Agent", b"\xff\xfe"))).user_agent == "\ufffd\ufffd"
