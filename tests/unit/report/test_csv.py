"""The CSV tables: Locust's columns, the last interval, and files that cannot be written."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import rocust.stats
from rocust._kernel.green import sleep, spawn
from rocust._report import csv_files
from rocust.stats import PERCENTILES_TO_REPORT, RequestStats, StatsCSV, StatsCSVFileWriter

SUFFIXES = ("stats", "stats_history", "failures", "exceptions")


@pytest.fixture
def environment() -> Any:
    runner = SimpleNamespace(
        user_count=3, exceptions={1: {"count": 2, "msg": "m", "traceback": "a\nb", "nodes": {"n"}}}
    )
    return SimpleNamespace(stats=RequestStats(), runner=runner)


def rows(path: Path | str) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def written(write: Callable[[Any], None]) -> list[list[str]]:
    text = io.StringIO(newline="")
    write(csv.writer(text))
    assert text.getvalue().endswith("\r\n")
    return list(csv.reader(io.StringIO(text.getvalue(), newline="")))


def test_the_tables_have_locusts_columns(environment: Any) -> None:
    stats = environment.stats
    stats.log_request("GET", 'a "quoted", name', 12.5, 100)
    stats.log_request("POST", "/untimed", None, 0)
    stats.log_error("GET", 'a "quoted", name', "broken")
    assert stats.entries[("/idle", "GET")].num_requests == 0
    tables = StatsCSV(environment, PERCENTILES_TO_REPORT)
    titles, idle, untimed, quoted, total = written(tables.requests_csv)
    assert titles == [
        "Type",
        "Name",
        "Request Count",
        "Failure Count",
        "Median Response Time",
        "Average Response Time",
        "Min Response Time",
        "Max Response Time",
        "Average Content Size",
        "Requests/s",
        "Failures/s",
        "50%",
        "66%",
        "75%",
        "80%",
        "90%",
        "95%",
        "98%",
        "99%",
        "99.9%",
        "99.99%",
        "100%",
    ]
    assert idle[:2] + idle[11:] == ["GET", "/idle", *["N/A"] * 11]
    assert untimed[:2] + untimed[4:7] == ["POST", "/untimed", "0", "0.0", "0"]
    assert quoted[:9] == ["GET", 'a "quoted", name', "1", "1", "12.5", "12.5", "12.5", "12.5", "100.0"]
    assert quoted[11:] == ["12"] * 11
    assert total[:4] == ["", "Aggregated", "2", "1"]
    failures = written(tables.failures_csv)
    assert failures[0] == ["Method", "Name", "Error", "Occurrences", "First Seen", "Last Seen"]
    assert failures[1][:4] == ["GET", 'a "quoted", name', "broken", "1"]
    assert failures[1][4].endswith("Z")
    assert written(tables.exceptions_csv) == [["Count", "Message", "Traceback", "Nodes"], ["2", "m", "a\nb", "n"]]


def test_without_a_runner_there_are_no_exceptions_and_no_users(environment: Any) -> None:
    environment.runner = None
    assert written(StatsCSV(environment, [0.5]).exceptions_csv) == [["Count", "Message", "Traceback", "Nodes"]]


def test_the_last_interval_is_in_all_files(environment: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rocust.stats, "CSV_STATS_INTERVAL_SEC", 1_000)
    base = str(tmp_path / "out")
    writer = StatsCSVFileWriter(environment, PERCENTILES_TO_REPORT, base, full_history=True)
    greenlet = spawn(writer)
    sleep(0)
    assert [(row["Name"], row["50%"]) for row in rows(f"{base}_stats_history.csv")] == [("Aggregated", "N/A")]
    environment.stats.log_request("GET", "/late", 5, 1)
    environment.stats.log_error("GET", "/late", "late")
    greenlet.kill()
    writer.close_files()
    writer.close_files()
    assert [row["Request Count"] for row in rows(f"{base}_stats.csv")] == ["1", "1"]
    assert [row["Error"] for row in rows(f"{base}_failures.csv")] == ["late"]
    assert [row["Message"] for row in rows(f"{base}_exceptions.csv")] == ["m"]
    history = rows(f"{base}_stats_history.csv")
    assert [(row["Name"], row["Total Request Count"]) for row in history[1:]] == [("/late", "1"), ("Aggregated", "1")]
    assert {row["User Count"] for row in history} == {"3"}


def test_closing_adds_no_row_when_nothing_was_counted(environment: Any, tmp_path: Path) -> None:
    writer = StatsCSVFileWriter(environment, [0.5], str(tmp_path / "out"))
    environment.stats.log_request("GET", "/", 5, 1)
    writer.write_all()
    writer.close_files()
    assert len(rows(writer.stats_history_file_name())) == 1


def test_intervals_are_read_when_they_are_used(
    environment: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rocust.stats, "CSV_STATS_INTERVAL_SEC", 7)
    slept = []

    def note_and_end(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            raise KeyboardInterrupt
        monkeypatch.setattr(rocust.stats, "CSV_STATS_INTERVAL_SEC", 9)

    monkeypatch.setattr(csv_files, "sleep", note_and_end)
    writer = StatsCSVFileWriter(environment, [0.5], str(tmp_path / "out"))
    writer()
    writer.close_files()
    assert slept == [7, 9, 9]


def test_a_table_that_shrinks_leaves_nothing_of_the_longer_one(environment: Any, tmp_path: Path) -> None:
    writer = StatsCSVFileWriter(environment, [0.5], str(tmp_path / "out"))
    environment.stats.log_request("GET", "/a/long/name", 5, 1)
    writer.requests_flush()
    environment.stats.clear_all()
    writer.requests_flush()
    assert [row["Name"] for row in rows(tmp_path / "out_stats.csv")] == ["Aggregated"]
    writer.close_files()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_a_full_disk_is_one_warning_for_each_file(
    environment: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for suffix in ("stats", "stats_history"):
        (tmp_path / f"out_{suffix}.csv").symlink_to("/dev/full")
    writer = StatsCSVFileWriter(environment, [0.5], str(tmp_path / "out"))
    for _ in range(3):
        environment.stats.log_request("GET", "/", 5, 1)
        writer.write_all()
    writer.close_files()
    told = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert len(told) == 2
    assert all("No space left on device" in line and "The test goes on" in line for line in told)
    assert rows(tmp_path / "out_exceptions.csv")[0]["Message"] == "m"


def test_what_could_not_be_written_is_written_when_it_can_be(
    environment: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = StatsCSVFileWriter(environment, [0.5], str(tmp_path / "out"))
    raw = writer._history._raw
    is_full = True

    class Disk:
        def write(self, data: bytes) -> int:
            if is_full:
                raise OSError(28, "No space left on device")
            return raw.write(data[:7]) or 0

        def close(self) -> None:
            raw.close()

    monkeypatch.setattr(writer._history, "_raw", Disk())
    for number in range(3):
        is_full = number < 2
        environment.stats.log_request("GET", "/", 5, 1)
        writer.write_all()
    assert [row["Total Request Count"] for row in rows(writer.stats_history_file_name())] == ["1", "2", "3"]
    writer.close_files()


def test_a_directory_that_is_not_there_is_an_oserror(environment: Any, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        StatsCSVFileWriter(environment, [0.5], str(tmp_path / "gone" / "out"))
