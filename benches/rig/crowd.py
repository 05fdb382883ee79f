"""Ten thousand users in one process, each with a connection that stays open.

What they weigh, how many files they hold, how long until all are there. The same one user is run first, so that what a
process weighs by itself can be taken off. Must not know how results are shown.
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
from rig.paired import await_connections

USERS = 10_000
#: After this nothing moves any more: users make one request a minute.
SETTLE_S = 20.0
#: Stock needs its time for so many.
RAMP_LIMIT_S = 180.0


@dataclass(frozen=True)
class Outcome:
    """What one contender's crowd showed."""

    name: str
    users: int
    ramp_s: float
    resident_bytes: int
    alone_bytes: int
    open_files: int
    connections: int

    @property
    def bytes_a_user(self) -> float:
        """What each user adds."""
        return (self.resident_bytes - self.alone_bytes) / (self.users - 1)


@dataclass(frozen=True)
class _Reading:
    ramp_s: float
    resident_bytes: int
    open_files: int
    connections: int


def measure(contender: Contender, users: int = USERS, settle_s: float = SETTLE_S) -> Outcome:
    """Run one user, then all of them."""
    print(f"  {contender.name}: {users:,} users with a connection each", file=sys.stderr)
    alone = _run(contender, 1, min(settle_s, 5.0))
    crowd = _run(contender, users, settle_s)
    return Outcome(
        name=contender.name,
        users=users,
        ramp_s=crowd.ramp_s,
        resident_bytes=crowd.resident_bytes,
        alone_bytes=alone.resident_bytes,
        open_files=crowd.open_files,
        connections=crowd.connections,
    )


def _run(contender: Contender, users: int, settle_s: float) -> _Reading:
    with (
        Nginx() as nginx,
        tempfile.TemporaryDirectory(prefix="bench-crowd-") as name,
        Running(contender, Load(nginx.url, users, users, settle_s + RAMP_LIMIT_S + 60), Path(name)) as running,
    ):
        while nginx.status().connections == 0:
            running.require_alive()
            time.sleep(0.01)
        began_s = time.monotonic()
        await_connections(running, nginx, users, RAMP_LIMIT_S)
        ramp_s = time.monotonic() - began_s
        time.sleep(settle_s)
        reading = _Reading(
            ramp_s=ramp_s,
            resident_bytes=process.memory_bytes(running.pid, "VmRSS"),
            open_files=process.open_files(running.pid),
            connections=nginx.status().connections,
        )
        running.finish()
    return reading
