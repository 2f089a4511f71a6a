# SPDX-License-Identifier: Apache-2.0
"""Every text that a client may be told stands in the one table, in every language."""

import re
from collections.abc import Iterator
from importlib import import_module, util
from string import Formatter

import pytest

from tessera_service.messages import LANGUAGES, MESSAGES, Text
from tessera_service.surfaces import SURFACES

# Their errors are those of the paths that no surface claims; beside them they have status words only.
WORDLESS = {surface.name for surface in SURFACES if all(zone.dialect is None for zone in surface.zones)}
VIETNAMESE = re.compile("[ăâđêôơưàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ]", re.IGNORECASE)
TEXTS = [(surface, code) for surface, texts in MESSAGES.items() for code in texts]


def tables(surface: str) -> Iterator[object]:
    """Every row of a surface's table of errors."""
    name = f"tessera_service.surfaces.{surface}.errors"
    if util.find_spec(name) is None:
        return
    module = import_module(name)
    yield from module.ROWS.values()
    yield from getattr(module, "OWN_ROWS", {}).values()
    for code in getattr(module, "BAD_INPUT", {}).values():
        yield module.Row(400, code)


def texts_of(surface: str) -> list[tuple[str, Text | None]]:
    """What each row of a surface says: the row's own text, or that of its code."""
    said: list[tuple[str, Text | None]] = []
    for row in tables(surface):
        text = getattr(row, "text", None)
        name = text if isinstance(text, str) else getattr(row, "code", None)
        if isinstance(text, Text):
            said.append((repr(row), text))
        elif name:  # an empty one stands for a code of the operation
            said.append((name, MESSAGES[surface].get(name)))
    return said


@pytest.mark.parametrize("surface", [surface.name for surface in SURFACES if surface.name not in WORDLESS])
def test_every_row_of_every_error_table_has_its_text_in_the_table(surface: str) -> None:
    said = texts_of(surface)
    assert len(said) >= 5
    known = set(MESSAGES[surface].values())
    assert [name for name, text in said if text not in known] == []


def test_the_table_names_every_surface_with_a_dialect_and_no_other() -> None:
    assert {"ops", "revocations"} == WORDLESS
    assert set(MESSAGES) == {surface.name for surface in SURFACES} - WORDLESS


@pytest.mark.parametrize(("surface", "code"), TEXTS)
def test_each_text_is_there_in_every_language(surface: str, code: str) -> None:
    text = MESSAGES[surface][code]
    assert LANGUAGES == ("en", "vi")
    assert text.en.isascii()
    assert VIETNAMESE.search(text.vi)
    assert {text.in_language(language) for language in LANGUAGES} == {text.en, text.vi}
    for words in text:
        assert words == words.strip()
        assert words[0].isupper()


@pytest.mark.parametrize(("surface", "code"), TEXTS)
def test_each_language_says_the_same(surface: str, code: str) -> None:
    """The same things to be put in, and an end of the same kind."""
    text = MESSAGES[surface][code]
    fields = [sorted(field for _, field, _, _ in Formatter().parse(words) if field) for words in text]
    assert fields[0] == fields[1]
    assert text.en.endswith(".") == text.vi.endswith(".")
