# SPDX-License-Identifier: Apache-2.0
"""Lists of the directory: a page at a time, from where the one before ended."""

from typing import Any

from sqlalchemy import Column, Select, select, tuple_

from tessera_service.storage.base.users import LISTED


def newest_first(
    created: Column[int], key: Column[str], *, tenant_id: str | None, after: tuple[int, str] | None
) -> Select[Any]:
    """A page of the rows of the columns' table, of that tenant (None: of all), in the order of the columns; `after`:
    what stands in them in the last row of the page before."""
    wanted = select(created.table).order_by(created.desc(), key.desc()).limit(LISTED)
    if tenant_id is not None:
        wanted = wanted.where(created.table.c.tenant_id == tenant_id)
    if after is not None:
        wanted = wanted.where(tuple_(created, key) < after)
    return wanted
