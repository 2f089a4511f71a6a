# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera_service.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("0", 0),
        ("0s", 0),
        ("900", 900_000),
        ("15m", 900_000),
        ("1h30m", 5_400_000),
        ("168h", 604_800_000),
        ("500ms", 500),
        ("1.5h", 5_400_000),
        ("0.5s", 500),
        ("2h45m30s", 9_930_000),
        ("2000us", 2),
        ("2000µs", 2),
        ("3000000ns", 3),
        ("1s1s", 2000),  # Go adds equal units up too
    ],
)
def test_a_duration_is_read_as_go_reads_it(text: str, milliseconds: int) -> None:
    assert parse_duration(text) == milliseconds


def test_a_duration_finer_than_a_millisecond_is_refused() -> None:
    with pytest.raises(ValueError, match="finer than a millisecond"):
        parse_duration("1500us")


@pytest.mark.parametrize(
    "text",
    "|".join(
        [
            "| |15 m|m|-5m|+5m|1d|1w|1h 30m|1e3s|.5s|5.s|\u0665m|1H|5m\n|nan|inf|0x10s|1,5s|5m;|15min",
            "9" * 70,
        ]
    ).split("|"),
)
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


@given(st.integers(min_value=0, max_value=10**14))
def test_what_is_written_is_read_back(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds)) == milliseconds


@pytest.mark.parametrize(
    ("milliseconds", "text"), [(0, "0s"), (5_400_000, "1h30m"), (500, "500ms"), (61_001, "1m1s1ms")]
)
def test_a_duration_is_written_shortly(milliseconds: int, text: str) -> None:
    assert format_duration(milliseconds) == text
