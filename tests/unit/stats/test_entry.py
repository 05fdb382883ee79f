"""Entries: figures that plugins read and assign, and what is computed from them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from unittest import mock

import pytest
import rocust.stats
from rocust.stats import CachedResponseTimes, RequestStats, StatsEntry

NOW = 1_700_000_000.5
SECOND = int(NOW)


@pytest.fixture
def clock() -> Iterator[mock.Mock]:
    with mock.patch("time.time", return_value=NOW) as clock:
        yield clock


def entry_with(*response_times: float | None, uses_cache: bool = False) -> StatsEntry:
    entry = StatsEntry(RequestStats(), "x", "GET", use_response_times_cache=uses_cache)
    for response_time in response_times:
        entry.log(response_time, 10)
    return entry


def test_entry_counts_requests_failures_and_sizes(clock: mock.Mock) -> None:
    entry = entry_with(45, None, 147)
    entry.log_error("boom")
    assert (entry.num_requests, entry.num_none_requests, entry.num_failures) == (3, 1, 1)
    assert (entry.min_response_time, entry.max_response_time, entry.total_response_time) == (45, 147, 192)
    assert (entry.total_content_length, entry.avg_content_length) == (30, 10)
    assert entry.response_times == {45: 1, 150: 1}
    assert (entry.num_reqs_per_sec, entry.num_fail_per_sec) == ({1_700_000_000: 3}, {1_700_000_000: 1})
    assert (entry.start_time, entry.last_request_timestamp) == (NOW, NOW)
    assert (entry.avg_response_time, entry.fail_ratio) == (96, 1 / 3)


def test_integers_stay_integers_and_floats_are_added_as_python_adds_them() -> None:
    whole, loose = entry_with(1, 2), entry_with(1.1, 1.99, 3.1)
    assert json.dumps([whole.total_response_time, whole.min_response_time, whole.max_response_time]) == "[3, 1, 2]"
    assert loose.avg_response_time == (1.1 + 1.99 + 3.1) / 3
    assert (loose.min_response_time, loose.max_response_time) == (1.1, 3.1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("num_requests", 7),
        ("num_none_requests", 3),
        ("num_failures", 2),
        ("total_response_time", 12.5),
        ("min_response_time", None),
        ("max_response_time", 99.5),
        ("total_content_length", 1 << 40),
        ("start_time", 12.25),
        ("last_request_timestamp", None),
        ("response_times", {1: 2, 30: 4}),
        ("num_reqs_per_sec", {SECOND: 2, SECOND - 7: 1}),
        ("num_fail_per_sec", {SECOND: 1}),
    ],
)
def test_figures_can_be_assigned(name: str, value: object, clock: mock.Mock) -> None:
    stats = RequestStats()
    stats.log_request("GET", "x", 5, 1)
    entry = stats.get("x", "GET")
    setattr(entry, name, value)
    assert getattr(entry, name) == value
    assert getattr(stats.get("x", "GET"), name) == value


def test_dictionaries_write_through() -> None:
    entry = entry_with(5, 5)
    held = entry.response_times
    held[5] += 1
    held[70] += 2
    assert entry.response_times == {5: 3, 70: 2}
    del entry.response_times[5]
    entry.num_reqs_per_sec.clear()
    assert entry.response_times == {70: 2}
    assert entry.num_reqs_per_sec == {}
    assert entry.num_requests == 2
    entry.reset()
    held[1] = 9
    assert entry.response_times == {}, "what was handed out before a reset is of the time before"


def test_percentiles_of_a_run_are_exact_and_those_of_a_handmade_entry_locusts(monkeypatch: pytest.MonkeyPatch) -> None:
    stats = RequestStats()
    for response_time in (122, 147, 6_034):
        stats.log_request("GET", "/", response_time, 0)
    handmade = entry_with(122, 147, 6_034)
    shares = (0.0, 0.5, 1.0)
    assert [stats.get("/", "GET").get_response_time_percentile(share) for share in shares] == [122, 147, 6_034]
    assert [handmade.get_response_time_percentile(share) for share in shares] == [120, 150, 6_000]
    assert stats.get("/", "GET").exact_percentiles([0.5]) == [147.0]
    monkeypatch.setattr(rocust.stats, "LOCUST_ROUNDING", True)
    assert [stats.get("/", "GET").get_response_time_percentile(share) for share in shares] == [120, 150, 6_000]


def test_assigned_counts_are_what_percentiles_are_taken_from() -> None:
    stats = RequestStats()
    stats.log_request("GET", "/", 500, 0)
    entry = stats.get("/", "GET")
    entry.response_times = {10: 50, 20: 50}
    entry.num_requests = 100
    assert entry.get_response_time_percentile(0.4) == 10
    assert entry.get_response_time_percentile(0.9) == 20
    assert entry.exact_percentiles([0.9]) is None


def test_median_stays_between_minimum_and_maximum() -> None:
    assert entry_with(6_034).median_response_time == 6_034
    assert entry_with(6_099).median_response_time == 6_099
    assert entry_with(None).median_response_time == 0


def test_rates_are_of_the_seconds_locust_takes(clock: mock.Mock) -> None:
    stats = RequestStats()
    for second in range(20):
        clock.return_value = NOW + second
        for _ in range(second + 1):
            stats.log_request("GET", "/", 1, 0)
        stats.log_error("GET", "/", "boom")
    # The last second is 19: from 7 up to, not including, 17.
    assert stats.total.current_rps == sum(range(8, 18)) / 10
    assert stats.get("/", "GET").current_fail_per_sec == 1
    assert stats.total.total_rps == sum(range(1, 21)) / 19
    assert stats.total.total_fail_per_sec == 20 / 19


def test_rates_before_anything_happened() -> None:
    entry = entry_with()
    assert (entry.current_rps, entry.total_rps, entry.fail_ratio, entry.avg_response_time) == (0, 0, 0, 0)


def test_serialising_is_an_identity(clock: mock.Mock) -> None:
    entry = entry_with(10, 20.5, None, 4_321)
    data = json.loads(json.dumps(entry.serialize()), object_hook=_integer_keys)
    again = StatsEntry.unserialize(data, RequestStats())
    assert again.serialize() == entry.serialize()
    assert again.median_response_time == entry.median_response_time
    clock.return_value = NOW + 9
    report = entry.get_stripped_report()
    assert report == again.serialize()
    assert (entry.num_requests, entry.response_times, entry.start_time) == (0, {}, NOW + 9)


def _integer_keys(data: dict[str, object]) -> dict[object, object]:
    return {int(key) if key.isdigit() else key: value for key, value in data.items()}


def test_current_percentiles_look_ten_seconds_back(clock: mock.Mock) -> None:
    entry = entry_with(uses_cache=True)
    for second in range(30):
        clock.return_value = NOW + second
        entry.log(10 if second < 24 else 90, 0)
    assert entry.get_current_response_time_percentile(0.05) == 10
    assert entry.get_current_response_time_percentile(0.5) == 90
    clock.return_value = NOW + 100
    assert entry.get_current_response_time_percentile(0.5) is None
    with pytest.raises(ValueError, match="use_response_times_cache"):
        entry_with().get_current_response_time_percentile(0.5)


def test_cache_of_response_times_is_locusts(clock: mock.Mock) -> None:
    entry = entry_with(11, uses_cache=True)
    assert list(entry.response_times_cache or ()) == [int(NOW)]
    assert entry.last_request_timestamp is not None
    entry.last_request_timestamp -= 1
    entry.log(666, 0)
    cache = entry.response_times_cache
    assert cache is not None
    assert cache[int(NOW) - 1] == CachedResponseTimes({11: 1}, 1, 0)
    assert entry_with(11).response_times_cache is None


def test_cache_of_response_times_can_be_written(clock: mock.Mock) -> None:
    entry = entry_with(uses_cache=True)
    assert entry.response_times_cache is not None
    before = CachedResponseTimes(dict.fromkeys(range(100), 1), num_requests=200, num_none_requests=100)
    entry.response_times_cache[int(NOW) - 10] = before
    entry.response_times = dict.fromkeys(range(100), 2)
    entry.num_requests, entry.num_none_requests = 400, 200
    assert entry.get_current_response_time_percentile(0.95) == 95
    entry.response_times_cache = {}  # type: ignore[assignment]
    assert entry.get_current_response_time_percentile(0.95) is None


def test_own_bucketing_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rocust.stats, "bucket_response_time", lambda response_time: int(response_time) // 7 * 7)
    assert entry_with(147, 3_432).response_times == {147: 1, 3_430: 1}
    stats = RequestStats()
    # As the engine does: past Python.
    stats.ledger.record("GET", "/", 20.5, 1, NOW)
    assert stats.get("/", "GET").response_times == {14: 1}
    assert stats.total.response_times == {14: 1}
    stats.log_request("GET", "/", 30.0, 1)
    assert stats.total.response_times == {14: 1, 28: 1}
