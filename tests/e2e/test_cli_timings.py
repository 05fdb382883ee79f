"""`--timings`: where the time went, as a table and in the JSON report."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import run_locust
from support.script import Route
from support.server import ScriptedServer

DELAY_S = 0.05

VISITOR = """
from locust import HttpUser, constant, task

class Visitor(HttpUser):
    wait_time = constant(0.02)

    @task
    def visit(self):
        self.client.get("/slow")
        with self.client.get("/", catch_response=True) as response:
            response.success()
"""

pytestmark = pytest.mark.ours("does not tell the parts of a response time")


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer({"/slow": Route(delay_s=DELAY_S), "/": Route()}) as server:
        yield server


def rows_of(stderr: str) -> dict[str, list[float]]:
    """The figures of the table of timings by name: the number of requests, then the parts."""
    lines = stderr[stderr.index("Timings (average ms)") :].splitlines()
    table = lines[: lines.index(next(line for line in lines if "Aggregated" in line)) + 1]
    rows = [line.partition("|") for line in table[3:] if not line.startswith("-")]
    return {
        names.split()[-2]: [float(figure) for figure in (names.split()[-1], *figures.split())]
        for names, _, figures in rows
    }


@pytest.mark.parametrize("switch", [("--timings",), ()], ids=["option", "variable"])
def test_the_table_is_printed_at_the_end(server: ScriptedServer, switch: tuple[str, ...]) -> None:
    env = {} if switch else {"ROCUST_TIMINGS": "1"}
    result = run_locust(VISITOR, "-H", server.url, "-t", "1", "--only-summary", *switch, env=env)
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("Timings (average ms)") == 1
    rows = rows_of(result.stderr)
    total = result.tables.total
    assert set(rows) == {"/slow", "/", "Aggregated"}
    assert rows["Aggregated"][0] == total.requests == rows["/slow"][0] + rows["/"][0]
    for method, name in (("GET", "/slow"), ("GET", "/"), ("", "Aggregated")):
        _, _queue, *parts = rows[name]
        # The other table shows whole milliseconds, cut off.
        assert int(sum(parts)) - result.tables.rows[method, name].average in (-1, 0, 1)
    assert rows["/slow"][6] >= DELAY_S * 1e3 * 0.9


def test_without_the_option_nothing_is_added(server: ScriptedServer) -> None:
    result = run_locust(VISITOR, "-H", server.url, "-t", "1")
    assert "Timings" not in result.stderr


def test_the_json_report_has_the_sums(server: ScriptedServer, tmp_path: Path) -> None:
    base = tmp_path / "report"
    result = run_locust(VISITOR, "-H", server.url, "-t", "1", "--json-file", str(base))
    assert result.returncode == 0, result.stderr
    entries = {entry["name"]: entry for entry in json.loads(base.with_suffix(".json").read_text())}
    assert set(entries) == {"/slow", "/"}
    for entry in entries.values():
        timings = entry["timings"]
        assert timings["num_requests"] == entry["num_requests"]
        parts_us = sum(total for part, total in timings["total_us"].items() if part != "queue")
        # Each part is rounded to a whole microsecond.
        assert parts_us / 1e3 == pytest.approx(entry["total_response_time"], abs=0.004 * entry["num_requests"])
        assert timings["max_us"].keys() == timings["total_us"].keys()
    assert entries["/slow"]["timings"]["max_us"]["first_byte"] >= DELAY_S * 1e6 * 0.9
