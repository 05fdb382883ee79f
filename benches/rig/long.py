"""A long run at full speed under a thousand names: whether memory stays where it is.

The kernel says every few seconds what the generator weighs. A run of half an hour is told as a chart and a few figures.
Must not know how results are shown.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression

from rig import process
from rig.contender import Contender, Load, Running
from rig.nginx import Nginx
from rig.paired import await_connections

USERS = 50
NAMES = 1_000
SAMPLE_EVERY_S = 5.0
#: The first minutes do not count: names come up, windows of the statistics fill.
SETTLING_SHARE = 1 / 6


@dataclass(frozen=True)
class Sample:
    """One look at the generator."""

    at_s: float
    resident_bytes: int


@dataclass(frozen=True)
class Outcome:
    """What the run looked like from outside."""

    name: str
    minutes: float
    samples: list[Sample]
    counted_by_nginx: int
    counted_by_itself: int

    @property
    def settled(self) -> list[Sample]:
        """The samples after the first minutes."""
        return [sample for sample in self.samples if sample.at_s >= self.settled_after_s]

    @property
    def settled_after_s(self) -> float:
        """When the first minutes are over."""
        return self.minutes * 60 * SETTLING_SHARE

    @property
    def growth_bytes_a_minute(self) -> float:
        """The slope of the straight line through the samples after the first minutes."""
        samples = self.settled
        slope, _ = linear_regression(
            [sample.at_s for sample in samples], [float(sample.resident_bytes) for sample in samples]
        )
        return slope * 60


def measure(contender: Contender, minutes: float) -> Outcome:
    """Run for so long, with a look every few seconds."""
    print(f"  {contender.name}: {minutes:g} minutes, {NAMES:,} names", file=sys.stderr)
    samples = []
    with Nginx() as nginx, tempfile.TemporaryDirectory(prefix="bench-long-") as name:
        load = Load(nginx.url, USERS, USERS, minutes * 60 + 300)
        with Running(contender, load, Path(name)) as running:
            await_connections(running, nginx, USERS)
            began_s = time.monotonic()
            while (at_s := time.monotonic() - began_s) <= minutes * 60:
                running.require_alive()
                samples.append(Sample(at_s, process.memory_bytes(running.pid, "VmRSS")))
                time.sleep(SAMPLE_EVERY_S)
            own = running.finish(within_s=120)
            counted = nginx.settled().requests
    return Outcome(contender.name, minutes, samples, counted, own.requests)
