# SPDX-License-Identifier: Apache-2.0
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from unittest import mock

import pytest

from surfaces.auth.codes import Sent
from surfaces.service_rig import Rig, open_rig
from tessera_service.engine.code_delivery import CodeDelivery

CHEAP = {"password_memory_kib": 64, "password_passes": 1}  # what a password costs is tested where it is hashed


@pytest.fixture
async def rig(store: str, folder: Path) -> AsyncIterator[Rig]:
    """A service of one's own in which passwords cost little."""
    async with open_rig(store, folder, config=CHEAP) as opened:
        yield opened


@pytest.fixture
def sent() -> Iterator[Sent]:
    """The numbers and codes that are handed to the provider."""
    kept: Sent = []

    def post(_: CodeDelivery, _key: bytes, phone_number: str, code: str, *, tenant_id: str) -> None:
        assert tenant_id
        kept.append((phone_number, code))

    with mock.patch.object(CodeDelivery, "post", post):
        yield kept
