# SPDX-License-Identifier: Apache-2.0
"""One text for people, in every language of the service."""

from collections.abc import Mapping
from typing import Final, NamedTuple


class Text(NamedTuple):
    """The fields are named as the language's primary subtag. `{name}` stands for what a surface puts there."""

    en: str
    vi: str

    def in_language(self, language: str) -> str:
        """The text in one of LANGUAGES."""
        return self.vi if language == "vi" else self.en


Texts = Mapping[str, Text]
"""By code, or on surfaces without codes by the name of the case."""

LANGUAGES: Final = Text._fields
