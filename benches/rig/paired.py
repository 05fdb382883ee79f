"""The main scenario: as many requests as each contender can make, in short slices, one contender at a time.

All contenders are started once a heat and stay alive, stopped; in every round each runs for one slice, the next round
in the opposite order. Ratios are taken within a round and the median of all rounds is what counts: a machine that is
slow for a minute is slow for all. Heats are there because two processes of the same program differ for as long as they
live (hash seeds, where memory came to lie). nginx counts the requests, the kernel the CPU time. Must not know how
results are shown.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median, quantiles

from rig import process
from rig.contender import Contender, Load, Running
from rig.nginx import Nginx, Status

WARM_UP_S = 1.0
RAMP_LIMIT_S = 60.0


@dataclass(frozen=True)
class Plan:
    """How long to look: everyone starts afresh in each heat and has one slice in each round of it."""

    heats: int
    rounds: int
    slice_s: float
    settle_s: float = 0.15
    users: int = 50
    is_secure: bool = False


@dataclass(frozen=True)
class Slice:
    """One turn of one contender, after it settled."""

    requests: int
    seconds: float
    cpu_s: float
    nginx_cpu_s: float
    elsewhere_cpu_s: float

    @property
    def requests_per_s(self) -> float:
        """As nginx counted."""
        return self.requests / self.seconds

    @property
    def cpu_us_per_request(self) -> float:
        """The contender's own, not nginx's."""
        return self.cpu_s / self.requests * 1e6


@dataclass
class Record:
    """All that one contender showed."""

    name: str
    slices: list[Slice] = field(default_factory=list)
    counted_by_nginx: int = 0
    counted_by_itself: int = 0
    peak_bytes: int = 0

    @property
    def requests_per_s(self) -> float:
        """The median of its slices."""
        return median(turn.requests_per_s for turn in self.slices)

    @property
    def cpu_us_per_request(self) -> float:
        """The median of its slices."""
        return median(turn.cpu_us_per_request for turn in self.slices)

    @property
    def nginx_share(self) -> float:
        """How much of nginx's one worker it used up; near 1 the target is the limit, not the generator."""
        return median(turn.nginx_cpu_s / turn.seconds for turn in self.slices)

    @property
    def elsewhere_cores(self) -> float:
        """How many cores were busy with something that is neither contender nor nginx nor this rig."""
        return sum(turn.elsewhere_cpu_s for turn in self.slices) / sum(turn.seconds for turn in self.slices)


@dataclass(frozen=True)
class Ratio:
    """The median of a ratio over the rounds, and the quartiles around it."""

    low: float
    middle: float
    high: float


def ratio(mine: Record, theirs: Record, figure: Callable[[Slice], float]) -> Ratio:
    """Compare two contenders round by round."""
    pairs = [figure(a) / figure(b) for a, b in zip(mine.slices, theirs.slices, strict=True)]
    low, middle, high = quantiles(pairs, n=4, method="inclusive") if len(pairs) > 1 else pairs * 3
    return Ratio(low, middle, high)


@dataclass(frozen=True)
class _Mark:
    """One reading of every book."""

    nginx: Status
    cpu_s: float
    nginx_cpu_s: float
    rig_cpu_s: float
    machine_s: float


def measure(contenders: Sequence[Contender], plan: Plan) -> list[Record]:
    """Run all contenders by turns and give what each showed, in the order given."""
    records = [Record(contender.name) for contender in contenders]
    entries = list(zip(contenders, records, strict=True))
    for heat in range(plan.heats):
        print(f"  heat {heat + 1} of {plan.heats}", file=sys.stderr)
        _run_heat(entries if heat % 2 == 0 else entries[::-1], plan)
    return records


def _run_heat(entries: Sequence[tuple[Contender, Record]], plan: Plan) -> None:
    """Start everyone, one after the other, give each its slices, end everyone and hold the counts together."""
    limit_s = 120 + (plan.rounds + 2) * len(entries) * (plan.slice_s + plan.settle_s + 0.5)
    with contextlib.ExitStack() as stack:
        nginx = stack.enter_context(Nginx())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-paired-")))
        load = Load(nginx.url, plan.users, plan.users, limit_s)
        if plan.is_secure:
            load = replace(load, url=nginx.tls_url, trusted=nginx.certificate)
        started = []
        for contender, record in entries:
            before = nginx.settled()
            running = stack.enter_context(Running(contender, load, folder))
            await_connections(running, nginx, before.connections + load.users)
            time.sleep(WARM_UP_S)
            running.pause()
            record.counted_by_nginx += nginx.settled().requests - before.requests
            started.append((running, record))
        for number in range(plan.rounds):
            for running, record in started if number % 2 == 0 else reversed(started):
                _take_turn(running, record, nginx, plan)
        for running, record in started:
            record.peak_bytes = max(record.peak_bytes, process.memory_bytes(running.pid, "VmHWM"))
            before = nginx.settled()
            record.counted_by_itself += running.finish().requests
            record.counted_by_nginx += nginx.settled().requests - before.requests


def await_connections(running: Running, nginx: Nginx, wanted: int, limit_s: float = RAMP_LIMIT_S) -> None:
    """Wait until nginx holds that many connections: every user is there, whatever the contender's log says.

    Raises:
        ContenderFailed: It ended, or did not get there in time.
    """
    deadline = time.monotonic() + limit_s
    while (there := nginx.status().connections) < wanted:
        running.require_alive()
        if time.monotonic() > deadline:
            raise running.failed(f"has {there} connections open and not {wanted} after {limit_s:g} s")
        time.sleep(0.05)


def _take_turn(running: Running, record: Record, nginx: Nginx, plan: Plan) -> None:
    before = nginx.settled()
    running.resume()
    time.sleep(plan.settle_s)
    first = _mark(running, nginx)
    time.sleep(plan.slice_s)
    last = _mark(running, nginx)
    running.pause()
    record.counted_by_nginx += nginx.settled().requests - before.requests
    record.slices.append(_between(first, last))


def _mark(running: Running, nginx: Nginx) -> _Mark:
    return _Mark(
        nginx=nginx.status(),
        cpu_s=process.cpu_seconds(running.pid),
        nginx_cpu_s=process.cpu_seconds(nginx.pid),
        rig_cpu_s=time.process_time(),
        machine_s=process.machine_busy_seconds(),
    )


def _between(first: _Mark, last: _Mark) -> Slice:
    cpu_s = last.cpu_s - first.cpu_s
    nginx_cpu_s = last.nginx_cpu_s - first.nginx_cpu_s
    known_s = cpu_s + nginx_cpu_s + last.rig_cpu_s - first.rig_cpu_s
    return Slice(
        requests=last.nginx.requests - first.nginx.requests,
        seconds=last.nginx.at_s - first.nginx.at_s,
        cpu_s=cpu_s,
        nginx_cpu_s=nginx_cpu_s,
        elsewhere_cpu_s=last.machine_s - first.machine_s - known_s,
    )
