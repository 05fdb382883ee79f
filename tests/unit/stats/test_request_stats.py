"""The statistics of a run: entries, failures and the total, which the ledger fills."""

from __future__ import annotations

import threading

import pytest
import rocust.stats
from rocust._errors import CatchResponseError
from rocust._events import Events
from rocust.stats import RequestStats, StatsEntry, StatsError


def test_entries_appear_with_their_first_request() -> None:
    stats = RequestStats()
    assert dict(stats.entries) == {}
    stats.log_request("GET", "/a", 5, 1)
    assert list(stats.entries) == [("/a", "GET")]
    assert stats.entries[("/a", "GET")] is stats.get("/a", "GET")
    assert stats.entries[("/new", "POST")].num_requests == 0
    assert ("/new", "POST") in stats.entries


def test_a_held_entry_sees_what_comes_later() -> None:
    stats = RequestStats()
    entry, total = stats.get("/a", "GET"), stats.total
    for _ in range(3_000):
        stats.log_request("GET", "/a", 5, 1)
    assert (entry.num_requests, total.num_requests, stats.num_requests) == (3_000, 3_000, 3_000)


def test_an_assigned_entry_is_the_one_that_counts() -> None:
    stats = RequestStats()
    stats.log_request("GET", "/a", 5, 1)
    mine = StatsEntry(stats, "/a", "GET")
    stats.entries[("/a", "GET")] = mine
    stats.log_request("GET", "/a", 5, 1)
    assert stats.entries[("/a", "GET")] is mine
    assert (mine.num_requests, stats.total.num_requests) == (1, 2)


def test_a_deleted_entry_begins_anew() -> None:
    stats = RequestStats()
    for name in ("/a", "/b"):
        stats.log_request("GET", name, 5, 1)
    old = stats.entries.pop(("/a", "GET"))
    assert list(stats.entries) == [("/b", "GET")]
    stats.log_request("GET", "/a", 5, 1)
    assert stats.entries[("/a", "GET")] is not old
    assert stats.entries[("/a", "GET")].num_requests == 1
    stats.entries.clear()
    assert dict(stats.entries) == {}


def test_resetting_keeps_entries_and_clearing_drops_them() -> None:
    stats = RequestStats()
    stats.log_request("GET", "/a", 5, 1)
    stats.log_error("GET", "/a", "boom")
    stats.history.append({})
    entry, total = stats.get("/a", "GET"), stats.total
    stats.reset_all()
    assert stats.entries[("/a", "GET")] is entry
    assert (entry.num_requests, entry.response_times, len(stats.errors), stats.history) == (0, {}, 0, [])
    assert stats.total is total
    stats.log_request("GET", "/a", 5, 1)
    stats.clear_all()
    assert dict(stats.entries) == {}
    assert (stats.num_requests, stats.last_request_timestamp) == (0, None)
    assert stats.total is not total
    assert stats.total.name == "Aggregated"
    assert stats.total.method == ""


def test_failures_are_grouped_by_their_text() -> None:
    stats = RequestStats()
    for error in (ValueError("a"), ValueError("a"), ValueError("b"), "a", CatchResponseError("said"), object()):
        stats.log_error("GET", "/", error)  # type: ignore[arg-type]
    stats.log_error("GET", "/", object())  # type: ignore[arg-type]
    assert [failure.occurrences for failure in stats.errors.values()] == [2, 1, 1, 1, 2]
    names = [failure.to_name() for failure in stats.errors.values()]
    assert names[:4] == ["GET /: ValueError('a')", "GET /: ValueError('b')", "GET /: a", "GET /: said"]
    assert names[4] == "GET /: <object object at 0x....>"
    first = next(iter(stats.errors.values()))
    assert isinstance(first.error, ValueError)
    assert StatsError.create_key("GET", "/", ValueError("a")) in stats.errors
    assert stats.total.num_failures == 7


def test_failures_that_the_engine_records_read_as_those_of_python() -> None:
    stats = RequestStats()
    stats.ledger.record("GET", "/", 1.0, 1, 5.0, "CatchResponseError('said')")
    stats.ledger.record("GET", "/", 1.0, 1, 7.0, "CatchResponseError('said')")
    (failure,) = stats.errors.values()
    assert failure.to_name() == "GET /: said"
    assert (failure.occurrences, failure.first_seen, failure.last_seen) == (2, 5.0, 7.0)
    assert (stats.num_requests, stats.num_failures) == (2, 2)
    sent = StatsError.unserialize(failure.serialize())
    assert sent.to_name() == "GET /: 'said'", "as Locust's master shows it"


def test_failures_can_be_assigned_and_go_on_counting() -> None:
    stats = RequestStats()
    mine = StatsError("GET", "/", "boom", occurrences=5)
    stats.errors[StatsError.create_key("GET", "/", "boom")] = mine
    stats.log_error("GET", "/", "boom")
    assert list(stats.errors.values()) == [mine]
    assert mine.occurrences == 6
    stats.errors = {}
    assert len(stats.errors) == 0
    stats.log_error("GET", "/", "boom")
    assert [failure.occurrences for failure in stats.errors.values()] == [1]
    assert stats.num_failures == 2


def test_tables_are_of_one_moment_while_others_record() -> None:
    stats = RequestStats()
    is_over = threading.Event()

    def record() -> None:
        while not is_over.is_set():
            for name in ("/a", "/b", "/c"):
                stats.ledger.record("GET", name, 5, 1, 5.0)

    recording = threading.Thread(target=record)
    recording.start()
    try:
        for _ in range(50):
            with stats.still():
                total = stats.num_requests
                assert sum(entry.num_requests for entry in stats.entries.values()) == total
                assert stats.num_requests == total
    finally:
        is_over.set()
        recording.join()


def test_requests_called_off_are_counted_apart() -> None:
    stats = RequestStats()
    stats.ledger.abort()
    assert (stats.num_aborted, stats.num_requests) == (1, 0)
    stats.clear_all()
    assert stats.num_aborted == 0


@pytest.mark.parametrize("is_stock_shaped", [False, True])
def test_workers_report_differences_and_a_master_adds_them(is_stock_shaped: bool) -> None:
    worker, master = RequestStats(use_response_times_cache=False), RequestStats()
    worker_events, master_events = Events(), Events()
    rocust.stats.setup_distributed_stats_event_listeners(worker_events, worker)
    rocust.stats.setup_distributed_stats_event_listeners(master_events, master)
    for turn in range(3):
        worker.log_request("GET", "/", 147, 10)
        worker.log_error("GET", "/", f"boom {turn % 2}")
        data: dict[str, object] = {}
        worker_events.report_to_master.fire(client_id="w", data=data)
        if is_stock_shaped:
            for error in data["errors"].values():  # type: ignore[attr-defined]
                del error["first_seen"], error["last_seen"]
        master_events.worker_report.fire(client_id="w", data=data)
        assert (worker.num_requests, len(worker.errors)) == (0, 0)
    assert master.num_requests == master.get("/", "GET").num_requests == 3
    assert master.total.response_times == {150: 3}
    assert master.total.median_response_time == 147
    assert master.total.get_response_time_percentile(0.5) == 150
    assert sorted(failure.occurrences for failure in master.errors.values()) == [1, 2]


def test_what_is_recorded_during_a_report_is_in_the_next() -> None:
    stats = RequestStats()
    events = Events()
    rocust.stats.setup_distributed_stats_event_listeners(events, stats)
    stats.log_error("GET", "/", "early")

    class Late(dict[str, object]):
        def __setitem__(self, key: str, value: object) -> None:
            super().__setitem__(key, value)
            stats.ledger.record("GET", "/", 1.0, 1, 5.0, "late")

    first: Late = Late()
    events.report_to_master.fire(client_id="w", data=first)
    second: dict[str, object] = {}
    events.report_to_master.fire(client_id="w", data=second)
    assert [error["error"] for error in first["errors"].values()] == ["early"]  # type: ignore[attr-defined]
    assert [error["occurrences"] for error in second["errors"].values()] == [3]  # type: ignore[attr-defined]
    assert second["stats_total"]["num_requests"] == 3  # type: ignore[index]
