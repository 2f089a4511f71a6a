# SPDX-License-Identifier: Apache-2.0
"""The one table of texts for people: surface -> code -> text in each language. A leaf: it imports nothing of ours.

The words that programs read (codes, names of members, status words) stand in the surfaces and are never translated."""

from collections.abc import Mapping
from typing import Final

from tessera_service.messages import auth, authz, gateway, legacy_auth, oauth2, session_token, token
from tessera_service.messages.text import LANGUAGES, Text, Texts

MESSAGES: Final[Mapping[str, Texts]] = {
    "token": token.TEXTS,
    "auth": auth.TEXTS,
    "gateway": gateway.TEXTS,
    "legacy_auth": legacy_auth.TEXTS,
    "session_token": session_token.TEXTS,
    "authz": authz.TEXTS,
    "oauth2": oauth2.TEXTS,
}

__all__ = ["LANGUAGES", "MESSAGES", "Text", "Texts"]
