"""Locust's rounding of response times is Python's `round` on the exact double, and so is ours."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rocust.stats import (
    RequestStats,
    StatsEntry,
    bucket_response_time,
    calculate_response_time_percentile,
)


def reference(response_time: float) -> int:
    """The rule in Python's own arithmetic."""
    digits = 0 if response_time < 100 else -1 if response_time < 1_000 else -2 if response_time < 10_000 else -3
    return int(round(response_time, digits))


ties = st.integers(0, 40_000).map(lambda fives: fives * 5.0)
near_ties = st.builds(lambda tie, up: math.nextafter(tie, math.inf if up else -math.inf), ties, st.booleans())
halves = st.integers(-400, 400_000).map(lambda number: number / 2)
milliseconds = st.one_of(
    ties, near_ties, halves, st.floats(-1_000, 1e6, allow_nan=False), st.floats(0, 2**53), st.integers(0, 2**50)
)


@given(milliseconds)
@example(99.5)
@example(105.0)
@example(1_050.0)
@example(10_500.0)
def test_bucket_equals_pythons_round(response_time: float) -> None:
    assert bucket_response_time(response_time) == reference(response_time)
    assert type(bucket_response_time(response_time)) is int


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_bucket_refuses_what_is_no_number(value: float) -> None:
    with pytest.raises(ValueError, match="cannot be rounded"):
        bucket_response_time(value)


@given(st.lists(st.integers(0, 20_000), min_size=1, max_size=150), st.floats(0, 1))
def test_percentile_of_an_entry_is_within_three_digits(values: list[int], share: float) -> None:
    stats = RequestStats()
    for value in values:
        stats.log_request("GET", "/", value, 0)
    exact = sorted(values)[min(int(len(values) * share), len(values) - 1)]
    found = stats.total.get_response_time_percentile(share)
    assert exact <= found <= math.ceil(exact * 1.001)
    assert stats.total.get_response_time_percentile(1.0) == max(values)


@given(st.lists(st.floats(0, 20_000), min_size=1, max_size=80), st.floats(0, 1))
def test_rounded_percentile_is_locusts_walk(values: list[float], share: float) -> None:
    entry = StatsEntry(RequestStats(), "/", "GET")
    for value in values:
        entry.log(value, 0)
    walked = calculate_response_time_percentile(entry.response_times, len(values), share)
    assert entry.get_response_time_percentile(share) == walked
    assert walked in {reference(value) for value in values}


@given(st.lists(st.lists(st.floats(0, 20_000), max_size=30), min_size=2, max_size=4))
def test_parts_extend_to_the_whole(parts: list[list[float]]) -> None:
    stats = RequestStats()
    merged, whole = StatsEntry(stats, "m", ""), StatsEntry(stats, "w", "")
    for part in parts:
        entry = StatsEntry(stats, "p", "")
        for value in part:
            entry.log(value, 3)
            whole.log(value, 3)
        merged.extend(StatsEntry.unserialize(entry.serialize(), stats))
    assert merged.response_times == whole.response_times
    assert merged.num_requests == whole.num_requests
    assert merged.min_response_time == whole.min_response_time
    assert merged.max_response_time == whole.max_response_time
    assert merged.total_content_length == whole.total_content_length
    assert merged.total_response_time == pytest.approx(whole.total_response_time)
