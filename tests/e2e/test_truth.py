"""Reported times are the target's times: within 1 ms of the server's own clock, idle and with Python saturated.

The server measures, in a process of its own, from having read a request to having written the answer. A response time
can only be longer: by the way there and back. What it must not hold is the time the load generator's Python was busy.
An idle client beside the run (`support/observer.py`) tells what the machine adds for everybody; that much is forgiven.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import pytest
from support.clock import assert_in_time
from support.command import run_locust
from support.observer import Observer
from support.script import Route
from support.server import ScriptedServer

pytestmark = pytest.mark.timing

TOLERANCE_MS = 1.0
DELAY_S = 0.020

VISITORS = """
import time
from locust import HttpUser, FastHttpUser, User, constant, task

class Visitor(KIND):
    fixed_count = 4

    def on_start(self):
        self.client.get("/connect")  # connecting is time that the server does not see

    @task
    def visit(self):
        self.client.get("/delayed")
"""

BURNER = """
class Burner(User):
    fixed_count = 1
    wait_time = constant(0.001)  # the loop polls its sockets between two chunks
    burnt = 0

    @task
    def burn(self):
        end = time.perf_counter() + 0.050
        while time.perf_counter() < end:
            pass
        Burner.burnt += 1

    def on_stop(self):
        print("BURNT", Burner.burnt)
"""


@dataclass(frozen=True)
class Comparison:
    """The same requests by two clocks, in milliseconds, and what the machine itself added meanwhile.

    Attributes:
        machine_median: How much longer than the server says an idle client saw its requests take, in the median.
        machine_p99: The same for the 99th percentiles.
    """

    reported_median: float
    server_median: float
    machine_median: float
    reported_p99: float
    server_p99: float
    machine_p99: float
    requests: int

    @property
    def is_true(self) -> bool:
        """Whether both figures are within the promise, beyond what the machine added for everybody."""
        median_error = abs(self.reported_median - self.server_median)
        p99_error = abs(self.reported_p99 - self.server_p99)
        return median_error <= TOLERANCE_MS + self.machine_median and p99_error <= TOLERANCE_MS + self.machine_p99


def compare(file: str, users: int, seconds: int) -> Comparison:
    """Run the file against a 20 ms target and lay the two clocks side by side."""
    routes = {"/delayed": Route(delay_s=DELAY_S), "/observed": Route(delay_s=DELAY_S), "/connect": Route()}
    with ScriptedServer(routes) as server:
        with Observer(server.port, "/observed") as observer:
            count = str(users)
            result = run_locust(
                file, "-H", server.url, "-u", count, "-r", count, "-t", str(seconds), "-s", "5", "--only-summary"
            )
        server.settle()
        assert result.total.failures == 0
        row = result.tables.rows["GET", "/delayed"]
        assert row.requests == server.count("/delayed")
        assert server.durations_ms("/delayed")[0] >= DELAY_S * 1000
        if "Burner" in file:
            chunks = result.printed("BURNT")[0]
            assert_in_time(
                chunks * 0.050 > seconds * 0.8, f"Python was busy for only {chunks} chunks of 50 ms in {seconds} s"
            )
        comparison = Comparison(
            reported_median=row.median,
            server_median=server.percentile_ms("/delayed", 50),
            machine_median=max(0.0, observer.percentile_ms(50) - server.percentile_ms("/observed", 50)),
            reported_p99=result.tables.percentiles["GET", "/delayed"]["99"],
            server_p99=server.percentile_ms("/delayed", 99),
            machine_p99=max(0.0, observer.percentile_ms(99) - server.percentile_ms("/observed", 99)),
            requests=row.requests,
        )
        print(comparison, file=sys.stderr)
        return comparison


def assert_clocks_agree(file: str, users: int, seconds: int, least_requests: int) -> None:
    """Compare, and expect that enough was compared."""
    comparison = compare(file, users, seconds)
    assert_in_time(comparison.requests >= least_requests and comparison.is_true, comparison)


@pytest.mark.ours("bills its own Python to the target: about 2 ms in the median, 10 ms in the 99th percentile")
@pytest.mark.parametrize("kind", ["HttpUser", "FastHttpUser"])
def test_idle_generator_reports_the_targets_times(kind: str) -> None:
    assert_clocks_agree(VISITORS.replace("KIND", kind), users=4, seconds=2, least_requests=150)


@pytest.mark.ours("bills a busy generator to the target")
@pytest.mark.parametrize("kind", ["HttpUser", "FastHttpUser"])
def test_busy_generator_reports_the_targets_times(kind: str) -> None:
    """Four visitors beside a user that computes for 50 ms at a time: Python is never free, the times are the same."""
    assert_clocks_agree(VISITORS.replace("KIND", kind) + BURNER, users=5, seconds=4, least_requests=160)


@pytest.mark.ours("bills a busy generator to the target")
def test_busy_generator_reports_the_targets_times_to_listeners_and_caught_responses() -> None:
    """The slow paths, on which Python settles the sample, carry the same stamp."""
    caught = VISITORS.replace("KIND", "HttpUser").replace(
        'self.client.get("/delayed")',
        'with self.client.get("/delayed", catch_response=True) as response:\n            response.success()',
    )
    listening = "\nfrom locust import events\n\n@events.request.add_listener\ndef listen(**_):\n    pass\n"
    assert_clocks_agree(caught + BURNER + listening, users=5, seconds=3, least_requests=120)


@pytest.mark.ours("bills a busy generator to the target")
def test_elapsed_of_a_response_is_the_targets_time_too() -> None:
    """`response.elapsed` ends with the headers; a busy generator may not lengthen it either."""
    file = (
        VISITORS.replace("KIND", "HttpUser").replace(
            'self.client.get("/delayed")',
            'print("ELAPSED", self.client.get("/delayed").elapsed.total_seconds() * 1000)',
        )
        + BURNER
    )
    with ScriptedServer(
        {"/delayed": Route(delay_s=DELAY_S), "/observed": Route(delay_s=DELAY_S), "/connect": Route()}
    ) as server:
        with Observer(server.port, "/observed") as observer:
            result = run_locust(file, "-H", server.url, "-u", "5", "-r", "5", "-t", "2", "-s", "5")
        elapsed = sorted(result.printed("ELAPSED"))
        assert len(elapsed) == server.count("/delayed")
        assert elapsed[0] >= DELAY_S * 1000
        machine = max(0.0, observer.percentile_ms(50) - server.percentile_ms("/observed", 50))
        error_ms = elapsed[len(elapsed) // 2] - server.percentile_ms("/delayed", 50)
        assert_in_time(len(elapsed) >= 80 and error_ms <= TOLERANCE_MS + machine, (len(elapsed), error_ms, machine))
