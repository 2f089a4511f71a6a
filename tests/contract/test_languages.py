# SPDX-License-Identifier: Apache-2.0
"""Every answer of every endpoint, asked for in Vietnamese: its text is the table's, and nothing else is another than
in English."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from contract.description import JSON_TYPE, Description
from contract.rows import ROWS, Row
from contract.test_rows import without_the_request
from surfaces.service_rig import Rig
from tessera_service.messages import MESSAGES, Text

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONFIG = {"session_limit_policy": "reject"}
TEXT_MEMBERS = ("message", "error_message", "error_description")
EVERY = [text for texts in MESSAGES.values() for text in texts.values()]
PERMISSIONS = ("view", "edit")  # that the causes put into texts


@pytest.fixture(scope="module")
def description(repository: Path) -> Description:
    return Description(repository / "openapi.yaml")


@pytest.fixture
def vietnamese(shared: Rig) -> Iterator[Rig]:
    """A client who likes Vietnamese better."""
    shared.client.headers["Accept-Language"] = "vi-VN, vi;q=0.9, en;q=0.5"
    yield shared
    del shared.client.headers["Accept-Language"]


def texts_in(body: object) -> list[str]:
    """What is there to be read by people, at any depth."""
    if not isinstance(body, dict):
        return []
    own = [body[name] for name in TEXT_MEMBERS if isinstance(body.get(name), str)]
    return own + [text for value in body.values() for text in texts_in(value)]


def is_one_of(text: str, language: str) -> bool:
    spoken = [one.in_language(language) for one in EVERY]
    return any(text == one.format(permission=name, resource="doc456") for one in spoken for name in PERMISSIONS)


def in_english(value: Any) -> Any:
    """The same body with the English of each Vietnamese text."""
    if not isinstance(value, dict):
        return value
    back = {text.vi: text.en for text in EVERY}
    return {
        name: back[member] if name in TEXT_MEMBERS and isinstance(member, str) else in_english(member)
        for name, member in value.items()
    }


def check_head(answer: httpx.Response, language: str | None) -> None:
    """An answer with a text says in which language, and that another could have come; one without says neither."""
    assert answer.headers.get("content-language") == language
    assert ("Accept-Language" in answer.headers.get("vary", "")) is (language is not None)


@pytest.mark.parametrize("row", ROWS, ids=[f"{row.endpoint} {row.status} {row.case}" for row in ROWS])
async def test_each_answer_speaks_vietnamese_to_who_asks_for_it(
    vietnamese: Rig, description: Description, row: Row
) -> None:
    answer = await row.cause(vietnamese)
    assert answer.status_code == row.status, answer.text
    body = answer.json() if answer.headers.get("content-type") == JSON_TYPE else None
    texts = texts_in(body)
    check_head(answer, "vi" if texts else None)
    assert [text for text in texts if not is_one_of(text, "vi")] == []
    if row.code and body:
        example = description.example(row.endpoint, row.status, row.case)
        assert texts != []
        assert in_english(without_the_request(body)) == without_the_request(example)


async def test_english_is_told_as_well(shared: Rig) -> None:
    answer = await shared.client.get("/v1/authz", headers={"Accept-Language": "fr"})
    check_head(answer, "en")
    assert is_one_of(answer.json()["message"], "en")


async def test_a_path_that_nobody_has_speaks_vietnamese(vietnamese: Rig) -> None:
    answer = await vietnamese.client.get("/nowhere")
    check_head(answer, "vi")
    text: Text = MESSAGES["token"]["common.not_found"]
    assert answer.json()["error"]["message"] == text.vi
