# SPDX-License-Identifier: Apache-2.0
import pytest

from tessera_service.http.limits import Allowance, RateLimiter


class Watch:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def limiter(watch: Watch) -> RateLimiter:
    return RateLimiter(requests=3, seconds=60, max_buckets=10, monotonic=watch)


def test_a_bucket_gives_its_limit_and_no_more(limiter: RateLimiter) -> None:
    taken = [limiter.take("a") for _ in range(4)]
    assert taken == [Allowance(3, 2), Allowance(3, 1), Allowance(3, 0), Allowance(3, 0, retry_after=60)]


def test_a_bucket_is_full_again_exactly_when_its_window_ends(limiter: RateLimiter, watch: Watch) -> None:
    for _ in range(4):
        limiter.take("a")
    watch.now += 59.999
    assert limiter.take("a").retry_after == 1
    watch.now = 160.0
    assert limiter.take("a") == Allowance(3, 2)


def test_a_refused_request_does_not_prolong_the_refusal(limiter: RateLimiter, watch: Watch) -> None:
    for _ in range(50):
        limiter.take("a")
    watch.now += 60
    assert limiter.take("a").retry_after is None


def test_the_wait_is_rounded_up_to_whole_seconds(limiter: RateLimiter, watch: Watch) -> None:
    for _ in range(3):
        limiter.take("a")
    watch.now += 0.5
    assert limiter.take("a").retry_after == 60


def test_buckets_are_apart(limiter: RateLimiter) -> None:
    for _ in range(4):
        limiter.take(("client", "tenant-a", "web"))
    assert limiter.take(("client", "tenant-b", "web")).remaining == 2
    assert limiter.take(("peer", "tenant-a", "web")).remaining == 2


def test_what_is_given_back_can_be_taken_again(limiter: RateLimiter, watch: Watch) -> None:
    for _ in range(3):
        limiter.take("a")
    limiter.give_back("a")
    assert [limiter.take("a").retry_after for _ in range(2)] == [None, 60]
    watch.now += 60
    limiter.give_back("a")  # of a window that is over
    limiter.give_back("never taken")
    assert limiter.take("a").remaining == 2


def test_memory_is_bounded_and_the_oldest_window_goes_first(limiter: RateLimiter, watch: Watch) -> None:
    for number in range(1000):
        watch.now += 0.001
        limiter.take(number)
    assert len(limiter) == 10
    assert limiter.take(999).remaining == 1
    assert limiter.take(0).remaining == 2


def test_buckets_whose_window_is_over_are_forgotten(limiter: RateLimiter, watch: Watch) -> None:
    for number in range(8):
        limiter.take(number)
    watch.now += 60
    for _ in range(8):
        watch.now += 60
        limiter.take("a")
    assert len(limiter) == 1
