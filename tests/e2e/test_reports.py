"""The reports in files, as a run from the command line leaves them: whole, and in agreement with each other."""

from __future__ import annotations

import csv
import json
import re
import signal
from pathlib import Path

import pytest
from support.command import IS_STOCK, run_locust, start_locust

SHOP = """
from locust import User, task, constant

class Buyer(User):
    host = "http://shop.example"
    wait_time = constant(0.01)

    @task
    def buy(self):
        self.environment.events.request.fire(
            request_type="BUY", name="piece", response_time=123.4, response_length=3, exception=None, context={}
        )

    @task
    def fail(self):
        self.environment.events.request.fire(
            request_type="BUY", name="gone", response_time=2, response_length=0, exception=ValueError("gone"), context={}
        )
"""
ARGUMENTS = ("-u", "2", "-t", "2", "--exit-code-on-error", "0")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def report_of(path: Path) -> dict[str, object]:
    found = re.search(r"window\.templateArgs = (.*?);\n", path.read_text(encoding="utf-8"))
    assert found is not None
    args: dict[str, object] = json.loads(found[1])
    return args


@pytest.mark.ours("stock loses the last interval, and resets the entries for --json")
def test_all_reports_tell_all_requests(tmp_path: Path) -> None:
    base = tmp_path / "new" / "out"
    run = run_locust(
        SHOP, *ARGUMENTS, "--csv", str(base), "--csv-full-history", "--json", "--html", str(base) + "_{u}_{r}_{t}.html"
    )
    assert run.returncode == 0, run.stderr
    counted = run.total.requests
    by_name = {entry["name"]: entry["num_requests"] for entry in run.stats_json}
    assert sum(by_name.values()) == counted
    table = {row["Name"]: row for row in rows(Path(f"{base}_stats.csv"))}
    assert {name: int(row["Request Count"]) for name, row in table.items()} == {**by_name, "Aggregated": counted}
    history = rows(Path(f"{base}_stats_history.csv"))
    assert int(history[-1]["Total Request Count"]) == counted
    assert [row["Name"] for row in history[-3:]] == ["gone", "piece", "Aggregated"]
    (failure,) = rows(Path(f"{base}_failures.csv"))
    assert (failure["Error"], int(failure["Occurrences"])) == ("ValueError('gone')", run.total.failures)
    assert rows(Path(f"{base}_exceptions.csv")) == []
    report = report_of(Path(f"{base}_2_1_2.html"))
    assert report["requests_statistics"][-1]["num_requests"] == counted  # type: ignore[index]
    assert (report["host"], report["show_download_link"]) == ("http://shop.example", False)
    assert report["tasks"]["per_class"]["Buyer"]["ratio"] == 1.0  # type: ignore[index]


@pytest.mark.ours("stock writes no report after SIGTERM")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_ended_leaves_its_reports(number: signal.Signals, tmp_path: Path) -> None:
    base = tmp_path / "out"
    with start_locust(
        SHOP, "-u", "2", "--exit-code-on-error", "0", "--csv", str(base), "--html", f"{base}.html"
    ) as running:
        running.wait_for_line("All users spawned")
        running.send_signal(number)
        run = running.wait()
    assert run.returncode == 0, run.stderr
    counted = run.total.requests
    assert [int(row["Request Count"]) for row in rows(Path(f"{base}_stats.csv"))][-1] == counted
    assert report_of(Path(f"{base}.html"))["requests_statistics"][-1]["num_requests"] == counted  # type: ignore[index]


@pytest.mark.ours("stock's writer dies of a full disk")
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_a_full_disk_under_csv_is_one_warning_for_each_file_and_the_run_goes_on(tmp_path: Path) -> None:
    for suffix in ("stats", "stats_history", "failures", "exceptions"):
        (tmp_path / f"out_{suffix}.csv").symlink_to("/dev/full")
    (tmp_path / "out.html").symlink_to("/dev/full")
    run = run_locust(SHOP, *ARGUMENTS, "--csv", str(tmp_path / "out"), "--html", str(tmp_path / "out.html"))
    assert len([line for line in run.log_lines("WARNING") if "cannot be written: No space left" in line]) == 4
    assert run.total.requests > 2
    # A report that was asked for and is not there: the run may not look as if all were well.
    assert any("--html cannot be written" in line for line in run.log_lines("ERROR"))
    assert run.returncode == 1


def test_with_locusts_rounding_percentiles_have_two_digits() -> None:
    run = run_locust(SHOP, *ARGUMENTS, *([] if IS_STOCK else ["--locust-rounding"]))
    piece = run.entry("piece", "BUY")
    assert (piece.p99_ms, piece.maximum_ms) == (120, 123.4)
    if not IS_STOCK:
        assert run_locust(SHOP, *ARGUMENTS).entry("piece", "BUY").p99_ms == 123
