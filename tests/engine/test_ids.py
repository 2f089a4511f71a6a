# SPDX-License-Identifier: Apache-2.0
import threading
import time
import uuid

import pytest

from tessera_service.engine.ids import partition_of, uuid7


def test_an_id_is_a_uuid_of_version_7_and_rfc_variant() -> None:
    value = uuid.UUID(uuid7())
    assert (value.version, value.variant) == (7, uuid.RFC_4122)


def test_an_id_is_written_in_lower_case_with_hyphens() -> None:
    name = uuid7()
    assert name == str(uuid.UUID(name))


def test_the_first_48_bits_are_the_milliseconds() -> None:
    before = time.time_ns() // 1_000_000
    stamp = uuid.UUID(uuid7()).int >> 80
    after = time.time_ns() // 1_000_000
    assert before <= stamp <= after + 1000  # an overflowing counter may have borrowed


def test_every_id_is_greater_than_all_before_it() -> None:
    made = [uuid7() for _ in range(20_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_ids_go_on_growing_when_the_clock_goes_back() -> None:
    now_ms = time.time_ns() // 1_000_000 + 5000
    late = uuid7(now_ms=now_ms)
    early = uuid7(now_ms=now_ms - 60_000)
    assert early > late


def test_threads_never_get_the_same_id() -> None:
    made: list[str] = []
    threads = [threading.Thread(target=lambda: made.extend(uuid7() for _ in range(2000))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 16_000


@pytest.mark.parametrize("partition", [0, 1, 255])
def test_the_last_byte_carries_the_partition(partition: int) -> None:
    assert partition_of(uuid7(partition=partition)) == partition


def test_without_a_partition_the_last_byte_is_random() -> None:
    assert len({partition_of(uuid7()) for _ in range(200)}) > 50


@pytest.mark.parametrize("partition", [-1, 256])
def test_a_partition_that_is_no_byte_is_refused(partition: int) -> None:
    with pytest.raises(ValueError, match="0 to 255"):
        uuid7(partition=partition)
