"""Rows C5 to C8 and C12 of the seeds, with `rocust.AsyncClient`: the examples of these rows, run against a server that counts."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import demo_target
from support.script import Route
from support.server import ScriptedServer

EXAMPLES = Path(__file__).parents[3] / "examples" / "asyncio"

pytestmark = pytest.mark.ours("has no asynchronous client")


@pytest.fixture(scope="module")
def target() -> Iterator[str]:
    with demo_target() as url:
        yield url


def output_of(name: str, *arguments: str) -> str:
    """What an example says on its way to a good end, with warnings as errors."""
    command = [sys.executable, "-W", "error", str(EXAMPLES / name), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stderr == ""
    return ended.stdout


def test_c5_time_limits_are_told_apart_and_what_failed_is_tried_again(target: str) -> None:
    assert output_of("time_limits.py", target).splitlines() == [
        "read: the server was silent for too long",
        "total: the request took too long",
        "asyncio: called off",
        "retries: 503 after 3 attempts",
    ]


def test_c6_a_slow_target_stops_its_producers(target: str) -> None:
    queue, mapped = output_of("back_pressure.py", target).splitlines()
    fullest = re.fullmatch(r"queue: 1000 answered, never more than (\d+) waited", queue)
    assert fullest is not None
    assert 0 < int(fullest[1]) <= 200
    beyond = re.fullmatch(r"map: 1000 answered, (\d+) of a million taken beyond them", mapped)
    assert beyond is not None
    assert int(beyond[1]) <= 40


def test_c7_a_pool_has_limits_and_keeps_its_connections() -> None:
    with ScriptedServer({"/": Route()}) as server:
        said = output_of("connection_pool.py", server.url)
        server.settle()
        assert "1000 answered over at most 5 connections" in said
        assert server.count("/") == 1000
        # Those of the client, and the fence of `settle`, which the server does not count.
        assert server.connection_count() == 5


def test_c8_batches_with_progress_and_a_rate(target: str) -> None:
    *batches, rate = output_of("batches.py", target).splitlines()
    assert [re.match(r"([\d,]+) of 3,500, 0 failed, [\d,]+ a second$", line)[1] for line in batches] == [  # type: ignore[index]
        "1,000", "2,000", "3,000", "3,500",
    ]  # fmt: skip
    took = re.fullmatch(r"rate: 100 a second made 101 requests take ([\d.]+) s", rate)
    assert took is not None
    assert float(took[1]) >= 1.0


def test_c12_a_hundred_thousand_requests_side_by_side(target: str) -> None:
    """The experiment at a hundredth of its size; the whole is `benches/hundred_thousand.py`."""
    said = output_of("hundred_thousand.py", "--requests", "1000", "--concurrency", "100", "--url", f"{target}/")
    expected = ["aiohttp on asyncio", "aiohttp on uvloop", "Rocust on asyncio"]
    results = re.findall(r"^(.+): 100\.00% good, [\d,]+ requests/s, mean [\d.]+ ms$", said, re.MULTILINE)
    assert results == expected
    for tenth in range(1, 11):
        progress = rf"^  {tenth * 100:,} of 1,000: 100\.0% good, [\d,]+ requests/s$"
        assert len(re.findall(progress, said, re.MULTILINE)) == len(expected)


def test_c12_starts_a_target_of_its_own() -> None:
    assert "Rocust on asyncio: 100.00% good" in output_of(
        "hundred_thousand.py", "--requests", "100", "--concurrency", "10"
    )


def test_every_script_of_the_examples_is_run_here() -> None:
    scripts = {path.name for path in EXAMPLES.glob("*.py")}
    assert scripts == {
        "back_pressure.py", "batches.py", "connection_pool.py", "hundred_thousand.py", "time_limits.py",
    }  # fmt: skip
