# SPDX-License-Identifier: Apache-2.0
"""A signing key is decrypted once in a process of tests: it takes 80 ms, and most tests open the same few."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import tessera
from tessera_service.engine.key_vault import KeyVault
from tessera_service.models import SigningKey


@contextmanager
def opened_once() -> Iterator[None]:
    """The same row under the same master key gives the same private key without the work; any other is opened."""
    opened: dict[tuple[SigningKey, str], tessera.PrivateKey] = {}
    open_row = KeyVault.open

    def look(vault: KeyVault, row: SigningKey) -> tessera.PrivateKey:
        known = (row, vault._password(row.kid, row.master_key_id))
        if known not in opened:
            opened[known] = open_row(vault, row)
        return opened[known]

    with mock.patch.object(KeyVault, "open", look):
        yield
