"""Settings are assigned on the face and read when they are used; what charts note."""

from __future__ import annotations

from types import SimpleNamespace
from unittest import mock

import pytest
import rocust.stats
from rocust._compat.knobs import knob
from rocust._stats import history
from rocust.stats import (
    RequestStats,
    avg,
    diff_response_time_dicts,
    get_readable_percentiles,
)


def test_a_knob_follows_assignment_and_patch() -> None:
    assert knob("stats", "CSV_STATS_INTERVAL_SEC") == 1
    with mock.patch("rocust.stats.CSV_STATS_INTERVAL_SEC", new=9):
        assert knob("stats", "CSV_STATS_INTERVAL_SEC") == 9
    assert knob("stats", "CSV_STATS_INTERVAL_SEC") == 1
    with pytest.raises(KeyError):
        knob("stats", "NO_SUCH_SETTING")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("PERCENTILES_TO_CHART", [0.1] * 7, "should be a maximum of 6 parameters"),
        ("PERCENTILES_TO_CHART", [1.5], "value between. 0 < percentile < 1 Eg 0.95"),
        ("PERCENTILES_TO_STATISTICS", ["a"], "need to be float"),
    ],
)
def test_percentiles_that_cannot_be_used_are_refused(
    name: str, value: object, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rocust.stats.validate_stats_configuration() is None
    monkeypatch.setattr(rocust.stats, name, value)
    with pytest.raises(SystemExit) as refusal:
        rocust.stats.validate_stats_configuration()
    assert refusal.value.code == 1
    assert message in capsys.readouterr().err


def test_assigned_percentiles_are_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rocust.stats, "PERCENTILES_TO_REPORT", [0.5, 0.999])
    monkeypatch.setattr(rocust.stats, "PERCENTILES_TO_STATISTICS", [0.25])
    stats = RequestStats()
    stats.log_request("GET", "/", 5, 1)
    assert stats.get("/", "GET").percentile().split() == ["GET", "/", "5", "5", "1"]
    assert stats.get("/", "GET").to_dict()["response_time_percentile_0.25"] == 5


def test_small_arithmetic() -> None:
    assert get_readable_percentiles([0.5, 0.999, 0.29, 1.0]) == ["50%", "99.9%", "29.0%", "100%"]
    assert diff_response_time_dicts({1: 6, 6: 16, 2: 2}, {1: 1, 6: 8, 2: 2}) == {1: 5, 6: 8}
    assert (avg([]), avg([1, 2])) == (0, 1.5)


def test_history_notes_the_total(monkeypatch: pytest.MonkeyPatch) -> None:
    stats = RequestStats()
    stats.log_request("GET", "/", 5, 1)
    runner = SimpleNamespace(stats=stats, user_count=4, state="running")
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        runner.state = "stopped"
        if len(naps) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(history, "sleep", nap)
    monkeypatch.setattr(rocust.stats, "HISTORY_STATS_INTERVAL_SEC", 3)
    rocust.stats.stats_history(runner)
    assert naps == [3, 3]
    (note,) = stats.history
    assert set(note) == {
        "response_time_percentile_0.5",
        "response_time_percentile_0.95",
        "current_rps",
        "current_fail_per_sec",
        "total_avg_response_time",
        "user_count",
        "time",
    }
    assert note["user_count"] == [note["time"], 4]
    assert note["total_avg_response_time"] == [note["time"], 5.0]
