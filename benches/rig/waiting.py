"""A hundred thousand users in one process who have nothing to do but wait: what they weigh, and how long they take to come and go.

One user is run first, so that what a process weighs by itself can be taken off. Must not know how results are shown.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rig import process
from rig.contender import Contender, Load, Running
from rig.ramp import NOWHERE

#: Stock needs its time for so many.
START_LIMIT_S, STOP_LIMIT_S = 300.0, 300.0
SETTLE_S = 5.0


@dataclass(frozen=True)
class _Reading:
    start_s: float
    start_cpu_s: float
    resident_bytes: int
    core_share: float
    stop_s: float


@dataclass(frozen=True)
class Outcome:
    """What one contender's users cost."""

    name: str
    users: int
    crowd: _Reading
    alone: _Reading

    @property
    def bytes_a_user(self) -> float:
        """What each user adds."""
        return (self.crowd.resident_bytes - self.alone.resident_bytes) / (self.users - 1)

    @property
    def start_cpu_s_a_user(self) -> float:
        """The CPU time that each user takes to come, and to begin to wait."""
        return (self.crowd.start_cpu_s - self.alone.start_cpu_s) / (self.users - 1)


def measure(contender: Contender, users: int, rest_s: float) -> Outcome:
    """Run one user, then all of them."""
    print(f"  {contender.name}: {users:,} users who wait", file=sys.stderr)
    return Outcome(contender.name, users, crowd=_run(contender, users, rest_s), alone=_run(contender, 1, rest_s))


def _run(contender: Contender, users: int, rest_s: float) -> _Reading:
    limit_s = START_LIMIT_S + SETTLE_S + rest_s + STOP_LIMIT_S
    with (
        tempfile.TemporaryDirectory(prefix="bench-waiting-") as name,
        Running(contender, Load(NOWHERE, users, users, limit_s), Path(name)) as running,
    ):
        notes = running.await_notes(START_LIMIT_S)
        start_cpu_s = process.cpu_seconds(running.pid)
        time.sleep(SETTLE_S)
        before_s, began_s = process.cpu_seconds(running.pid), time.monotonic()
        time.sleep(rest_s)
        core_share = (process.cpu_seconds(running.pid) - before_s) / (time.monotonic() - began_s)
        resident_bytes = process.memory_bytes(running.pid, "VmRSS")
        stopping_s = time.monotonic()
        running.finish(STOP_LIMIT_S)
        return _Reading(
            start_s=notes["all_waiting_after_s"],
            start_cpu_s=start_cpu_s,
            resident_bytes=resident_bytes,
            core_share=core_share,
            stop_s=time.monotonic() - stopping_s,
        )
