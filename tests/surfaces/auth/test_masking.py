# SPDX-License-Identifier: Apache-2.0
"""What is left of a session's origin for who may not read every session."""

import pytest

from tessera_service.models import SessionMetadata
from tessera_service.surfaces.auth.masking import mask, mask_address, name_family

WINDOWS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.113.12.1", "203.113.12.0/24"),
        ("203.113.12.0", "203.113.12.0/24"),
        ("255.255.255.255", "255.255.255.0/24"),
        ("::ffff:203.113.12.1", "203.113.12.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("2001:db8::1", "2001:db8::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("::1", "::/48"),
        ("unknown", None),
        ("", None),
        ("203.113.12", None),
        (None, None),
    ],
)
def test_of_an_address_the_network_is_left(address: str | None, network: str | None) -> None:
    assert mask_address(address) == network


@pytest.mark.parametrize(
    ("user_agent", "family"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox"),
        (f"{IPHONE} FxiOS/127.0 Mobile/15E148 Safari/605.1.15", "Firefox"),
        (WINDOWS, "Chrome"),
        (f"{IPHONE} CriOS/126.0 Mobile/15E148 Safari/604.1", "Chrome"),
        (f"{WINDOWS} Edg/126.0.2592.87", "Edge"),
        (f"{WINDOWS} Edge/18.19041", "Edge"),
        (f"{WINDOWS} OPR/111.0.0.0", "Opera"),
        ("Opera/9.80 (Windows NT 6.1) Presto/2.12 Version/12.16", "Opera"),
        (f"{IPHONE} Version/17.5 Mobile/15E148 Safari/604.1", "Safari"),
        ("Mozilla/5.0 (Linux; Android 13) SamsungBrowser/23.0 Chrome/115.0 Mobile Safari/537.36", "Samsung Internet"),
        ("curl/8.5.0", "curl"),
        ("okhttp/4.12.0", "okhttp"),
        ("School/12 CFNetwork/1410.1 Darwin/22.6.0", "CFNetwork"),
        ("python-requests/2.32.3", "Python"),
        ("Go-http-client/2.0", "Go"),
        ("alice's own client, call 203.113.12.1", "Other"),
        ("Notchrome/1.0", "Other"),
        ("x" * 512, "Other"),
        ("", None),
        (None, None),
    ],
)
def test_of_a_user_agent_the_family_is_left(user_agent: str | None, family: str | None) -> None:
    assert name_family(user_agent) == family


def test_the_location_goes_and_the_kind_of_device_stays() -> None:
    whole = SessionMetadata(
        ip_address="203.113.12.1", user_agent=WINDOWS, device_type="web", location="Ho Chi Minh, VN"
    )
    assert mask(whole) == SessionMetadata(ip_address="203.113.12.0/24", user_agent="Chrome", device_type="web")
    assert mask(SessionMetadata()) == SessionMetadata()
