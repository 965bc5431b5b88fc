"""However the requests come, no more pass in any time than the bucket holds and gets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.token_buckets import TokenBuckets


@given(
    pauses=st.lists(st.floats(0, 30, allow_nan=False), max_size=80),
    capacity=st.integers(1, 5),
    refill=st.sampled_from([0.5, 1.0, 10.0]),
)
def test_never_more_than_the_bucket_holds_and_gets(pauses: list[float], capacity: int, refill: float) -> None:
    buckets = TokenBuckets(capacity, refill)
    now, passed = 0.0, []
    for pause in pauses:
        now += pause
        wait = buckets.wait("app", now)
        assert wait <= refill + 1e-6
        if not wait:
            passed.append(now)
    for first in passed:
        for span in (refill, 10 * refill):
            within = [at for at in passed if first <= at <= first + span]
            assert len(within) <= capacity + span / refill + 1


def test_after_the_wait_there_is_a_token() -> None:
    buckets = TokenBuckets(1, 10.0)
    assert buckets.wait("app", 0.0) == 0
    assert buckets.wait("app", 1.0) == 9.0
    assert buckets.wait("other", 1.0) == 0
    assert buckets.wait("app", 10.0) == 0
