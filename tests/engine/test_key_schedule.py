# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
from typing import Any

import pytest

from engine.world import config
from tessera_service.engine.key_schedule import KeySchedule, KeyState
from tessera_service.models import SigningKey

DAY = 86_400
INTERVAL = 30 * DAY
LEAD = 3600 + 1200
PUBLISHED = 1200 + 5 + 90 * DAY + 3600  # after its retirement: as long as a session may slide
SPENT = 1200 + 5 + 300  # the threshold, inside which the newest token is signed again


def row(kid: str, activates_at: int, *, created_at: int | None = None, revoked_at: int | None = None) -> SigningKey:
    return SigningKey(
        kid, "{}", "pem", "id", activates_at if created_at is None else created_at, activates_at, revoked_at
    )


def schedule(*rows: SigningKey, **changes: Any) -> KeySchedule:
    return KeySchedule(rows, config(**changes))


def active(keys: KeySchedule, now: int) -> str | None:
    found = keys.active(now)
    return None if found is None else found.kid


def test_without_rows_nothing_signs_and_nothing_is_published() -> None:
    keys = schedule()
    assert (keys.active(0), keys.newest, keys.published(0), keys.announcement_due(0)) == (None, None, [], None)


def test_a_key_signs_from_the_second_of_its_activation_until_its_successors() -> None:
    keys = schedule(row("b", 200, created_at=150), row("a", 100))
    assert [active(keys, now) for now in (100, 199, 200, 10**9)] == ["a", "a", "b", "b"]
    assert [key.kid for key in keys.published(160)] == ["a", "b"]


def test_the_first_key_signs_a_skew_early_and_no_other_does() -> None:
    keys = schedule(row("a", 100), row("b", 200))
    assert [active(keys, now) for now in (94, 95, 199)] == [None, "a", "a"]


def test_states_follow_from_the_time() -> None:
    keys = schedule(row("a", 100), row("b", 200, created_at=150), row("c", 120, revoked_at=130))
    states = {info.kid: (info.state, info.retires_at) for info in keys.infos(160)}
    assert states == {
        "a": (KeyState.ACTIVE, 200),
        "b": (KeyState.ANNOUNCED, None),
        "c": (KeyState.REVOKED, None),
    }
    assert {info.kid: info.state for info in keys.infos(200)}["a"] is KeyState.RETIRED


def test_a_retired_key_is_published_until_its_last_token_is_dead_plus_the_max_age() -> None:
    keys = schedule(row("a", 0), row("b", 1000))
    last_token_dies = 1000 + 30 * DAY
    assert last_token_dies + 3600 <= 1000 + PUBLISHED
    assert not keys.is_over(keys.rows[0], 1000 + PUBLISHED - 1)
    assert keys.is_over(keys.rows[0], 1000 + PUBLISHED)
    assert [key.kid for key in keys.published(1000 + PUBLISHED)] == ["b"]


def test_the_private_half_is_kept_while_a_successor_may_need_it() -> None:
    keys = schedule(row("a", 0), row("b", 1000))
    assert not keys.is_spent(keys.rows[0], 1000 + SPENT - 1)
    assert keys.is_spent(keys.rows[0], 1000 + SPENT)
    assert not keys.is_spent(keys.rows[1], 10**10)


def test_a_revoked_key_is_not_published_but_its_row_stays_until_its_tokens_are_dead() -> None:
    keys = schedule(row("a", 0, revoked_at=500), row("b", 400))
    assert [key.kid for key in keys.published(500)] == ["b"]
    assert not keys.is_over(keys.rows[0], 500 + PUBLISHED - 1)
    assert keys.is_over(keys.rows[0], 500 + PUBLISHED)


def test_a_key_that_signs_again_because_its_successor_was_revoked_is_not_retired() -> None:
    keys = schedule(row("a", 0), row("b", 1000, revoked_at=1500))
    assert active(keys, 2000) == "a"
    assert not keys.is_spent(keys.rows[0], 10**10)
    keys = schedule(row("a", 0), row("b", 1000, revoked_at=1500), row("c", 3000))
    assert {info.kid: info.retires_at for info in keys.infos(4000)}["a"] == 3000


def test_a_successor_is_announced_the_lead_before_the_interval_is_over() -> None:
    keys = schedule(row("a", 0))
    assert keys.announcement_due(INTERVAL - LEAD - 1) is None
    assert keys.announcement_due(INTERVAL - LEAD) == INTERVAL


def test_a_late_announcement_still_leaves_the_whole_lead() -> None:
    keys = schedule(row("a", 0))
    assert keys.announcement_due(INTERVAL + 5) == INTERVAL + 5 + LEAD


def test_one_announcement_is_enough() -> None:
    keys = schedule(row("a", 0), row("b", INTERVAL, created_at=INTERVAL - LEAD))
    assert keys.announcement_due(INTERVAL - 1) is None
    assert keys.announcement_due(INTERVAL) is None
    assert keys.announcement_due(2 * INTERVAL - LEAD) == 2 * INTERVAL


def test_an_interval_shorter_than_the_lead_announces_at_once() -> None:
    keys = schedule(
        row("a", 0), key_rotation_interval=7200, refresh_token_ttl=7200, session_max_lifetime=7200, jwks_max_age=7000
    )
    assert keys.announcement_due(0) == 7000 + 1200


def test_the_jwks_may_be_cached_for_an_hour_or_until_the_next_planned_change() -> None:
    keys = schedule(row("a", 0))
    announcement = INTERVAL - LEAD
    assert [keys.max_age(now) for now in (0, announcement - 3600, announcement - 3599, announcement - 100)] == [
        3600,
        3600,
        3599,
        100,
    ]
    assert keys.max_age(announcement + 50) == 30
    keys = schedule(row("a", 0), row("b", 1000), key_rotation_interval=10 * INTERVAL)
    assert keys.max_age(1000 + PUBLISHED - 60) == 60


@pytest.mark.parametrize(
    ("rows", "now", "expected"),
    [
        ([row("a", 100)], 5000, 100),
        ([row("a", 100), row("b", 9000, created_at=4000)], 5000, 4000),
        ([row("a", 100, revoked_at=4500), row("b", 200)], 5000, 4500),
        ([row("a", 0), row("b", 1000)], 1000 + PUBLISHED + 7, 1000 + PUBLISHED),
    ],
)
def test_the_last_change_is_a_new_a_revoked_or_a_removed_key(rows: list[SigningKey], now: int, expected: int) -> None:
    assert schedule(*rows).changed_at(now) == expected


def test_a_key_that_signs_at_once_comes_after_the_active_one() -> None:
    assert schedule().immediately(100) == 100
    assert schedule(row("a", 100)).immediately(100) == 101
    assert schedule(row("a", 100)).immediately(500) == 500


def test_the_newest_key_is_the_last_unrevoked_one() -> None:
    assert schedule(row("a", 100), row("b", 200), replace(row("c", 300), revoked_at=1)).newest == "b"
