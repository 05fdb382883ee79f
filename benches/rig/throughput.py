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

from rig import process
from rig.contender import Contender, Load, Running
from rig.nginx import Nginx
from rig.paired import RAMP_LIMIT_S, await_connections

PERIOD_S = 10


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
        load = Load(nginx.url, plan.users, plan.users_per_s, RAMP_LIMIT_S + window_s + 60)
        with Running(contender, load, Path(name)) as running:
            while nginx.status().requests == 0:
                running.require_alive()
                time.sleep(0.01)
            began_s = time.monotonic()
            await_connections(running, nginx, plan.users)
            ramp_s = time.monotonic() - began_s
            time.sleep(PERIOD_S)
            first, first_cpu_s = nginx.status(), process.cpu_seconds(running.pid)
            time.sleep(window_s)
            last, last_cpu_s = nginx.status(), process.cpu_seconds(running.pid)
            resident_bytes = process.memory_bytes(running.pid, "VmRSS")
            peak_bytes = process.memory_bytes(running.pid, "VmHWM")
            own = running.finish()
            counted = nginx.settled().requests
    seconds = last.at_s - first.at_s
    return Outcome(
        name=contender.name,
        wanted_per_s=plan.wanted_per_s,
        tasks_per_s=(last.requests - first.requests) / seconds,
        ramp_s=ramp_s,
        core_share=(last_cpu_s - first_cpu_s) / seconds,
        resident_bytes=resident_bytes,
        peak_bytes=peak_bytes,
        counted_by_nginx=counted,
        counted_by_itself=own.requests,
    )
