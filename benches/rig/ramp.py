"""Does the number of users keep the line that was asked for, on the way up and down, and are those who run woken in time?

The users themselves note when they came and went (`locustfiles/ramp.py`), and twenty sentinels how late they were woken. Must not
know how results are shown.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rig.contender import Contender, Load, Running

#: Nobody is asked: these users make no requests.
NOWHERE = "http://127.0.0.1:9"
#: How much longer than it should take a contender may take for each way.
LATENESS_S = 60


@dataclass(frozen=True)
class Way:
    """One ramp. A share is one of all users."""

    #: Seconds from the first to the last one.
    took_s: float
    #: The farthest that the number of users was above the line, and below it.
    above: float
    below: float

    @property
    def off(self) -> float:
        """The farthest that it was from the line, on either side."""
        return max(self.above, self.below)


@dataclass(frozen=True)
class Outcome:
    """What one contender made of it."""

    name: str
    users: int
    users_per_s: int
    up: Way
    down: Way
    #: How late sentinels were woken, in ascending order.
    delays_s: Sequence[float]

    def delay_s(self, share: float) -> float:
        """What this share of all wake-ups was not later than."""
        return self.delays_s[max(0, -int(-share * len(self.delays_s) // 1) - 1)]


def measure(contender: Contender, users: int, users_per_s: int) -> Outcome:
    """Have one contender go up and down."""
    print(f"  {contender.name}: {users:,} users at {users_per_s}/s, up and down", file=sys.stderr)
    limit_s = 2 * (users / users_per_s + LATENESS_S)
    with tempfile.TemporaryDirectory(prefix="bench-ramp-") as name:
        load = Load(NOWHERE, users, users_per_s, limit_s + 60)
        with Running(contender, load, Path(name)) as running:
            notes = running.await_notes(limit_s)
            running.finish()
    arrivals, departures = sorted(notes["arrivals"]), sorted(notes["departures"])
    if not len(arrivals) == len(departures) == users:
        raise running.failed(f"had {len(arrivals)} users come and {len(departures)} go, and not {users}")
    up, down = way(arrivals, users_per_s), way(departures, users_per_s)
    # On the way down, one who has gone too early is one below the line.
    down = Way(down.took_s, above=down.below, below=down.above)
    return Outcome(contender.name, users, users_per_s, up, down, sorted(notes["delays"]))


def way(moments: Sequence[float], per_s: int) -> Way:
    """Hold the moments at which users came against the line that begins with the first of them."""
    users, first = len(moments), moments[0]
    above = below = 0.0
    for before, moment in enumerate(moments):
        line = min(users, per_s * (moment - first))
        above = max(above, before + 1 - line)
        below = max(below, line - before)
    return Way(moments[-1] - first, above / users, below / users)
