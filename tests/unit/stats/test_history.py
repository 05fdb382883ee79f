"""What charts are made from stays small, however long the run and however many the names."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest
from rocust._stats import entry_history, history, listing
from rocust.stats import RequestStats, update_stats_history


def runner_of(stats: RequestStats) -> Any:
    return SimpleNamespace(stats=stats, user_count=1)


def test_a_long_run_keeps_its_shape_and_grows_coarser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_MOST_NOTES", 10)
    stats = RequestStats()
    held = stats.history
    for number in range(1_000):
        update_stats_history(runner_of(stats), f"{number:04d}")
        assert len(stats.history) <= 10
    times = [note["time"] for note in held]
    assert held is stats.history
    assert times == sorted(times)
    assert (times[0], times[-1]) == ("0000", "0999")


def test_entries_are_noted_from_when_they_appear(monkeypatch: pytest.MonkeyPatch) -> None:
    stats = RequestStats()
    stats.log_request("GET", "/first", 5, 1)
    update_stats_history(runner_of(stats), "1")
    stats.log_request("GET", "/second", 5, 1)
    update_stats_history(runner_of(stats), "2")
    noted = dict(stats.entry_history.rows())
    assert stats.entry_history.times == ["1", "2"]
    assert list(noted) == [("/first", "GET"), ("/second", "GET")]
    assert noted[("/second", "GET")][0] == [None, 0]
    assert [len(column) for column in noted[("/first", "GET")]] == [2] * 4
    stats.reset_all()
    assert stats.entry_history.times == []


def test_many_names_share_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry_history, "MOST_ENTRIES", 20)
    monkeypatch.setattr(entry_history, "_MOST_POINTS_OF_ALL", 100)
    stats = RequestStats()
    for number in range(60):
        stats.log_request("GET", f"/{number}", 5, 1)
        update_stats_history(runner_of(stats), f"{number:04d}")
    noted = dict(stats.entry_history.rows())
    assert len(noted) == 20
    assert {len(column) for columns in noted.values() for column in columns} == {len(stats.entry_history.times)}
    assert len(stats.entry_history.times) <= 5
    assert (stats.entry_history.times[0], stats.entry_history.times[-1]) == ("0000", "0059")


def test_too_many_names_are_warned_of_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(listing, "_MANY_NAMES", 3)
    caplog.set_level(logging.WARNING, "locust.stats")
    stats = RequestStats()
    for number in range(6):
        stats.log_request("GET", f"/item/{number}", 5, 1)
        assert len(stats.entries) == number + 1
    assert len(caplog.records) == 1
    assert "name='/item/[id]'" in caplog.text
    assert "'/item/3'" in caplog.text
