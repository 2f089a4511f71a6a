# SPDX-License-Identifier: Apache-2.0
"""`store`: each store in turn, open, empty; `directory`: likewise, in each database product."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.stores import PRODUCTS, STORES
from storage.user_examples import directories
from tessera_service.storage.base import SessionStore
from tessera_service.storage.sql import SqlDirectory


@pytest.fixture(params=sorted(STORES))
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SessionStore]:
    """One store; a test that takes it runs once for each."""
    async with STORES[request.param](tmp_path) as opened:
        yield opened


@pytest.fixture(params=PRODUCTS)
def product(request: pytest.FixtureRequest) -> str:
    """The name of a database product; a test that takes it runs once for each."""
    name: str = request.param
    return name


@pytest.fixture
async def directory(product: str, tmp_path: Path) -> AsyncIterator[SqlDirectory]:
    """A directory in a database of that product; with SQLite `tessera.db` in `tmp_path`."""
    async with directories(tmp_path, product=product) as (opened,):
        yield opened
