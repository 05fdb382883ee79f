"""The second scenario: thousands of patient users, whose load should come out exactly as written.

5,000 users at one task every ten seconds are 500 tasks a second, no more and no less. One contender after the other; a
window of whole periods in steady state; nginx counts, the kernel says what it cost. Must not know how results are
shown.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rig import process
from rig.contender import Contender, Load, Running
from rig.nginx import Nginx, Status
from rig.paired import RAMP_LIMIT_S, await_connections

PERIOD_S = 10
READ_EVERY_S = 0.1


@dataclass(frozen=True)
class Plan:
    """How many users, how fast they come, and how many of their periods to watch."""

    users: int
    users_per_s: int
    periods: int

    @property
    def wanted_per_s(self) -> float:
        """What the locustfile asks for."""
        return self.users / PERIOD_S


@dataclass(frozen=True)
class Outcome:
    """What one contender made of it."""

    name: str
    wanted_per_s: float
    tasks_per_s: float
    ramp_s: float
    core_share: float
    resident_bytes: int
    peak_bytes: int
    counted_by_nginx: int
    counted_by_itself: int

    @property
    def error_share(self) -> float:
        """How far the load is from what was asked for."""
        return self.tasks_per_s / self.wanted_per_s - 1


def measure(contender: Contender, plan: Plan) -> Outcome:
    """Run one contender: ramp, one period to settle, the window, the end."""
    window_s = plan.periods * PERIOD_S
    print(f"  {contender.name}: {plan.users} users, {window_s} s of steady state", file=sys.stderr)
    with Nginx() as nginx, tempfile.TemporaryDirectory(prefix="bench-throughput-") as name:
        load = Load(nginx.url, plan.users, plan.users_per_s, RAMP_LIMIT_S + window_s + 2 * PERIOD_S + 60)
        with Running(contender, load, Path(name)) as running:
            while nginx.status().requests == 0:
                running.require_alive()
                time.sleep(0.01)
            began_s = time.monotonic()
            await_connections(running, nginx, plan.users)
            ramp_s = time.monotonic() - began_s
            time.sleep(PERIOD_S)
            first_cpu_s = process.cpu_seconds(running.pid)
            readings = read_for(nginx, window_s + PERIOD_S)
            last_cpu_s = process.cpu_seconds(running.pid)
            resident_bytes = process.memory_bytes(running.pid, "VmRSS")
            peak_bytes = process.memory_bytes(running.pid, "VmHWM")
            own = running.finish()
            counted = nginx.settled().requests
    return Outcome(
        name=contender.name,
        wanted_per_s=plan.wanted_per_s,
        tasks_per_s=steady_rate(readings, window_s),
        ramp_s=ramp_s,
        core_share=(last_cpu_s - first_cpu_s) / (readings[-1].at_s - readings[0].at_s),
        resident_bytes=resident_bytes,
        peak_bytes=peak_bytes,
        counted_by_nginx=counted,
        counted_by_itself=own.requests,
    )


def read_for(nginx: Nginx, seconds: float) -> list[Status]:
    """Read nginx's count ten times a second, for so long."""
    readings = [nginx.status()]
    while readings[-1].at_s - readings[0].at_s < seconds:
        time.sleep(READ_EVERY_S)
        readings.append(nginx.status())
    return readings


def steady_rate(readings: list[Status], window_s: float) -> float:
    """Give the rate over a window of whole periods: the median over all places where the window can begin.

    Users who came in one burst start their tasks in bursts for ever; a window whose edge falls into one counts it twice
    or not at all.
    """
    rates, end = [], 0
    for first in readings:
        while end < len(readings) and readings[end].at_s < first.at_s + window_s:
            end += 1
        if end == len(readings):
            break
        rates.append((count_at(first.at_s + window_s, readings[end - 1], readings[end]) - first.requests) / window_s)
    return median(rates)


def count_at(moment_s: float, before: Status, after: Status) -> float:
    """Give nginx's count at a moment between two readings."""
    share = (moment_s - before.at_s) / (after.at_s - before.at_s)
    return before.requests + share * (after.requests - before.requests)
