# SPDX-License-Identifier: Apache-2.0
from typing import Any

import pytest

import tessera

SNAPSHOT: dict[str, Any] = {
    "id": "s1",
    "tenant_id": "tenant-a",
    "subject": "alice",
    "created_ms": 1_000,
    "expires_at": 100,
    "data": b"\x00 any bytes",
}


@pytest.fixture
def table() -> tessera.SessionTable:
    return tessera.SessionTable()


def put(table: tessera.SessionTable, ticket: int | None = None, **changes: Any) -> bool:
    return table.put(table.ticket() if ticket is None else ticket, **{**SNAPSHOT, **changes})


def test_a_snapshot_is_found_until_its_expiry(table: tessera.SessionTable) -> None:
    assert put(table)
    assert table.find("s1", now=99) == b"\x00 any bytes"
    assert table.find("s1", now=100) is None
    assert table.find("s2", now=1) is None
    assert len(table) == 1


def test_the_latest_snapshot_counts(table: tessera.SessionTable) -> None:
    put(table)
    put(table, data=b"new")
    assert (table.find("s1", now=1), len(table)) == (b"new", 1)


def test_without_a_time_it_is_now(table: tessera.SessionTable) -> None:
    put(table)
    assert table.find("s1") is None
    put(table, expires_at=2**40)
    assert table.find("s1") == b"\x00 any bytes"


@pytest.mark.parametrize(
    "drop", [lambda it: it.drop("s1"), lambda it: it.drop_subject("tenant-a", "alice"), lambda it: it.clear()]
)
def test_a_fill_that_began_before_a_drop_is_refused(table: tessera.SessionTable, drop: Any) -> None:
    put(table)
    ticket = table.ticket()
    drop(table)
    assert table.find("s1", now=1) is None
    assert not put(table, ticket)
    assert table.find("s1", now=1) is None
    assert put(table, table.ticket())
    assert table.find("s1", now=1) == b"\x00 any bytes"


def test_a_drop_of_another_subject_disturbs_no_fill(table: tessera.SessionTable) -> None:
    ticket = table.ticket()
    table.drop_subject("tenant-b", "alice")
    table.drop("s2")
    assert put(table, ticket)


def test_a_table_keeps_to_its_entries() -> None:
    table = tessera.SessionTable(max_entries=100)
    for number in range(1000):
        put(table, id=str(number))
        assert len(table) <= 100
    assert len(table) > 0


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("id", b"s1"),
        ("tenant_id", None),
        ("subject", 1),
        ("created_ms", 1.5),
        ("expires_at", "100"),
        ("data", "text"),
        ("data", bytearray(b"x")),
        ("data", memoryview(b"x")),
    ],
)
def test_a_snapshot_of_wrong_types_is_refused(table: tessera.SessionTable, member: str, value: Any) -> None:
    with pytest.raises(TypeError, match=f"{member} must be"):
        put(table, **{member: value})
    assert len(table) == 0


def test_a_ticket_and_a_size_are_whole_numbers(table: tessera.SessionTable) -> None:
    wrong: Any = "1"
    with pytest.raises(TypeError):
        put(table, wrong)
    with pytest.raises(ValueError, match="at least 0"):
        put(table, -1)
    with pytest.raises(ValueError, match="at least 1"):
        tessera.SessionTable(max_entries=0)
