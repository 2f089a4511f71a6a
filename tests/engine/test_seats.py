# SPDX-License-Identifier: Apache-2.0
"""Seats: who takes as many as it may leaves some to others."""

from contextlib import ExitStack

import pytest

from tessera_service.engine.seats import Seats
from tessera_service.errors import Overloaded


def take_all(seats: Seats, owner: str, stack: ExitStack) -> int:
    """How many there were for that owner."""
    taken = 0
    while True:
        try:
            stack.enter_context(seats.take(owner))
        except Overloaded:
            return taken
        taken += 1


def test_an_owner_has_its_share_and_no_more() -> None:
    with ExitStack() as stack:
        assert take_all(Seats(1024, each=512), "a", stack) == 512


@pytest.mark.parametrize(("total", "each", "few"), [(1024, 512, 32), (8, 2, 1)])
def test_owners_that_take_all_they_may_leave_some_to_those_who_have_few(total: int, each: int, few: int) -> None:
    seats = Seats(total, each=each)
    with ExitStack() as stack:
        greedy = [take_all(seats, f"greedy-{number}", stack) for number in range(3)]
        assert greedy[0] == each
        assert sum(greedy) <= total - total // 4 + few
        assert take_all(seats, "another", stack) == few


def test_there_are_no_more_than_all() -> None:
    seats = Seats(8, each=2)
    with ExitStack() as stack:
        assert sum(take_all(seats, f"owner-{number}", stack) for number in range(100)) == 8


def test_a_seat_that_was_left_is_free() -> None:
    seats = Seats(4, each=1)
    for _ in range(10):
        with seats.take("a"), pytest.raises(Overloaded):
            seats.take("a")
