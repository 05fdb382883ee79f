"""The console's tables are Locust's, byte for byte: `make_golden.py` writes what the tracked version prints."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import rocust.stats
from rocust.stats import RequestStats

sys.path.insert(0, str(Path(__file__).parent))
from scenario import json_of, tables

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(autouse=True)
def wide_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rocust.stats, "STATS_NAME_WIDTH", 80)
    monkeypatch.setattr(rocust.stats, "STATS_AUTORESIZE", False)


def golden(name: str) -> str:
    return (GOLDEN / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("scenario", ["mixed", "small"])
def test_tables_are_locusts_with_its_rounding(scenario: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rocust.stats, "LOCUST_ROUNDING", True)
    assert "\n".join(tables(rocust.stats, scenario)) + "\n" == golden(f"{scenario}.txt")


def test_tables_are_locusts_where_its_rounding_loses_nothing() -> None:
    assert "\n".join(tables(rocust.stats, "small")) + "\n" == golden("small.txt")


def test_exact_tables_differ_in_percentiles_only() -> None:
    ours, locusts = tables(rocust.stats, "mixed"), golden("mixed.txt").splitlines()
    assert len(ours) == len(locusts)
    for our_line, locust_line in zip(ours, locusts, strict=True):
        assert len(our_line) == len(locust_line)
        if "%)" in our_line:
            # All but the median, the last figure before the rates.
            our_cells, locust_cells = (line.split("|")[1][:-7] for line in (our_line, locust_line))
            assert our_cells == locust_cells


def test_json_holds_what_locusts_holds() -> None:
    ours, locusts = json.loads(json_of(rocust.stats)), json.loads(golden("small.json"))
    assert ours == locusts
    assert json_of(rocust.stats).splitlines()[:12] == golden("small.json").splitlines()[:12]


def test_json_leaves_the_entries_as_they_are(tmp_path: Path) -> None:
    stats = RequestStats()
    stats.log_request("GET", "/", 5, 1)
    for _ in range(2):
        rocust.stats.save_stats_json(stats, str(tmp_path / "out"))
        assert len(json.loads((tmp_path / "out.json").read_text())) == 1
    assert stats.get("/", "GET").num_requests == 1


def test_tables_are_logged_by_locusts_logger(caplog: pytest.LogCaptureFixture) -> None:
    stats = RequestStats()
    stats.log_request("GET", "/", 5, 1)
    caplog.set_level("INFO", "locust.stats_logger")
    rocust.stats.print_stats(stats)
    rocust.stats.print_percentile_stats(stats)
    rocust.stats.print_error_report(stats)
    assert {record.name for record in caplog.records} == {"locust.stats_logger"}
    assert len(caplog.records) == 6 + 7
    stats.log_error("GET", "/", "boom")
    caplog.clear()
    rocust.stats.print_error_report(stats)
    assert [record.message for record in caplog.records][3].split() == ["1", "GET", "/:", "boom"]


def test_width_follows_the_terminal_until_it_is_assigned(monkeypatch: pytest.MonkeyPatch) -> None:
    from rocust._stats import width

    columns = 130
    monkeypatch.setattr(width.os, "get_terminal_size", lambda: (columns, 40))
    monkeypatch.setattr(rocust.stats, "STATS_AUTORESIZE", True)
    monkeypatch.setattr(rocust.stats, "STATS_NAME_WIDTH", width._width_at_start)
    assert width.name_width() == 50
    columns = 300
    assert width.name_width() == 80
    monkeypatch.setattr(rocust.stats, "STATS_NAME_WIDTH", 33)
    assert width.name_width() == 33


def test_stats_printer_prints_and_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    from rocust._report import console

    naps: list[Any] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(console, "sleep", nap)
    monkeypatch.setattr(rocust.stats, "CONSOLE_STATS_INTERVAL_SEC", 7)
    rocust.stats.stats_printer(RequestStats())()
    assert naps == [7, 7]
