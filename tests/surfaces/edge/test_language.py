# SPDX-License-Identifier: Apache-2.0
"""Accept-Language, as strangers write it."""

import pytest

from surfaces.edge.asgi import make_exchange
from tessera_service.http.language import choose_language
from tessera_service.messages import Text

OFFERED = ("en", "vi")
HEADER = b"accept-language"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("vi", "vi"),
        ("vi-VN", "vi"),
        ("VI-vn", "vi"),
        ("vi-VN,vi;q=0.9,en;q=0.8", "vi"),
        ("en,vi;q=0.9", "en"),
        ("vi;q=0.8, en;q=0.9", "en"),
        ("vi;q=0.8, en;q=0.8", "vi"),  # of equals the first
        ("fr, vi;q=0.1", "vi"),
        ("fr, *;q=0.5, vi;q=0.4", "en"),  # any language is English
        ("vi;q=0", "en"),
        ("vi;q=0.000", "en"),
        ("vi ; q = 1.000", "vi"),
        ("vi;q=2", "en"),
        ("vi;q=-1", "en"),
        ("vi;q=nan", "en"),
        ("vi;q=0.1234", "en"),
        ("vi;q=", "en"),
        ("vi;x=1", "en"),
        ("vie", "en"),
        ("v\u00ef", "en"),
        (";;;,,,;q=1", "en"),
        (", " * 31 + "vi", "vi"),
        (", " * 32 + "vi", "en"),  # nobody reads so many
        ("vi," * 100_000, "vi"),
    ],
)
async def test_the_best_liked_language_is_chosen_and_else_english(header: str | None, language: str) -> None:
    headers = [] if header is None else [("Accept-Language", header)]
    exchange = make_exchange(*headers)
    assert choose_language(exchange.header_values(HEADER), OFFERED) == language
    assert exchange.say(Text("Good.", "Tốt.")) == {"en": "Good.", "vi": "Tốt."}[language]


async def test_several_lines_are_one_list() -> None:
    exchange = make_exchange(("Accept-Language", "en;q=0.1"), ("Accept-Language", "vi;q=0.2"))
    assert choose_language(exchange.header_values(HEADER), OFFERED) == "vi"
