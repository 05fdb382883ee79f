"""The third scenario: are the reported times true, also when Python is busy?

The target waits 20 ms and times itself (`stopwatch`); each contender reports what it saw of the very same requests.
What it reports beyond the target's own clock is its own delay billed to the target. Once idle, once beside a user that
computes in Python all the time. Must not know how results are shown.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from rig import process
from rig.contender import Contender, Load, OwnReport, Running

DELAY_MS = 20.0
VISITORS = 10


@dataclass(frozen=True)
class Clock:
    """What the target measured, in milliseconds."""

    count: int
    mean_ms: float
    median_ms: float
    p99_ms: float
    max_ms: float


@dataclass(frozen=True)
class Outcome:
    """What the target measured and what one contender reported of the same requests."""

    name: str
    is_saturated: bool
    target: Clock
    reported: Clock
    elsewhere_cores: float

    @property
    def median_error_ms(self) -> float:
        """Reported minus true."""
        return self.reported.median_ms - self.target.median_ms

    @property
    def p99_error_ms(self) -> float:
        """Reported minus true."""
        return self.reported.p99_ms - self.target.p99_ms

    @property
    def mean_error_ms(self) -> float:
        """Reported minus true; the mean is not rounded to whole milliseconds, so this shows what percentiles hide."""
        return self.reported.mean_ms - self.target.mean_ms


class Stopwatch:
    """The target's process; a context manager."""

    def __init__(self) -> None:
        program = Path(__file__).with_name("stopwatch.py")
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(program), "--delay-ms", f"{DELAY_MS:g}"],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=process.die_with_parent,
        )

    def __enter__(self) -> Stopwatch:
        words = self._line().split()
        if words[:1] != ["PORT"]:
            raise SystemExit("The target with the stopwatch did not start; its message is above.")
        self.url = f"http://127.0.0.1:{words[1]}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    def _line(self) -> str:
        return self._process.stdout.readline() if self._process.stdout else ""

    def cpu_s(self) -> float:
        """The CPU time it has used."""
        return process.cpu_seconds(self._process.pid)

    def read(self) -> Clock:
        """End the target and give what it measured."""
        self._process.terminate()
        measured = json.loads(self._line())
        if measured["count"] == 0:
            raise SystemExit("The target with the stopwatch was asked nothing.")
        return Clock(**{name: measured[name] for name in ("count", "mean_ms", "median_ms", "p99_ms", "max_ms")})


def measure(contender: Contender, *, is_saturated: bool, seconds: float) -> Outcome:
    """Run one contender against a fresh target, and hold the two clocks against each other."""
    print(f"  {contender.name}, {'Python saturated' if is_saturated else 'idle'}: {seconds:g} s", file=sys.stderr)
    users = VISITORS + (1 if is_saturated else 0)
    with Stopwatch() as stopwatch, tempfile.TemporaryDirectory(prefix="bench-truth-") as name:
        load = Load(stopwatch.url, users, users, seconds + 60)
        with Running(contender, load, Path(name)) as running:
            began_s = time.monotonic()
            before_s = process.machine_busy_seconds() - stopwatch.cpu_s()
            time.sleep(seconds)
            after_s = process.machine_busy_seconds() - stopwatch.cpu_s() - process.cpu_seconds(running.pid)
            elsewhere_cores = (after_s - before_s) / (time.monotonic() - began_s)
            own = running.finish()
        return Outcome(contender.name, is_saturated, stopwatch.read(), as_clock(own), elsewhere_cores)


def as_clock(own: OwnReport) -> Clock:
    """Put a contender's report in the target's form."""
    return Clock(own.requests, own.mean_ms, own.percentile_ms(0.5), own.percentile_ms(0.99), own.max_ms)
