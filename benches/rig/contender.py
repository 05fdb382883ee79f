"""A load generator under test: how it is started, made to wait its turn, ended, and what it reports of itself.

Stock Locust and Rocust are the same kind here: one command line, Locust's options. wrk is the other kind. A contender
waits its turn by SIGSTOP, so that only one runs at a time and all of them stay warm. Must not know the scenarios.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from rig import process

LOCUSTFILES = Path(__file__).resolve().parent.parent / "locustfiles"


class ContenderFailed(Exception):
    """A contender did not do what it was started for; the message has the end of its log."""


@dataclass(frozen=True)
class Contender:
    """What to run: a name for the tables, the program, and for Locust's kind the file and the user classes in it."""

    name: str
    program: Path
    kind: Literal["locust", "wrk"] = "locust"
    locustfile: str = ""
    classes: tuple[str, ...] = ()

    def command(self, load: Load, results: Path) -> list[str]:
        """Give the command line for this load; what it measured goes to `results` + `.json`."""
        limit = f"{int(load.limit_s)}s"
        if self.kind == "wrk":
            return [str(self.program), "-t1", f"-c{load.users}", f"-d{limit}", load.url + "/"]
        return [
            *(str(self.program), "-f", str(LOCUSTFILES / self.locustfile), "--headless", "--only-summary"),
            *("-u", str(load.users), "-r", str(load.users_per_s), "-t", limit, "-H", load.url),
            *("--json-file", str(results)),
            *self.classes,
        ]


@dataclass(frozen=True)
class Load:
    """How much, on what, and for how long at most (a bound in case this rig dies; a run is ended by a signal)."""

    url: str
    users: int
    users_per_s: int
    limit_s: float
    #: A certificate file to trust, for TLS; the locustfile finds its path in `BENCH_CERTIFICATE`.
    trusted: Path | None = None


@dataclass(frozen=True)
class OwnReport:
    """What a contender says of itself at its end. Times are in milliseconds; wrk has none here."""

    requests: int
    failures: int
    response_times: dict[float, int]
    mean_ms: float
    max_ms: float

    def percentile_ms(self, share: float) -> float:
        """Give the reported time that at least `share` of the requests did not exceed."""
        wanted, seen = share * self.requests, 0
        for time_ms in sorted(self.response_times):
            seen += self.response_times[time_ms]
            if seen >= wanted:
                return time_ms
        return self.max_ms


class Running:
    """A contender's process; a context manager that leaves none behind."""

    def __init__(self, contender: Contender, load: Load, folder: Path) -> None:
        self.contender = contender
        self._results = folder / re.sub(r"\W+", "-", contender.name)
        self._log = self._results.with_suffix(".log")
        #: Where a locustfile that notes something itself leaves it.
        self._notes = folder / "notes.json"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                contender.command(load, self._results),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=plain_environment(folder)
                | {"BENCH_NOTES": str(self._notes)}
                | ({"BENCH_CERTIFICATE": str(load.trusted)} if load.trusted else {}),
                start_new_session=True,
                preexec_fn=process.die_with_parent,
            )

    def __enter__(self) -> Running:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def failed(self, what: str) -> ContenderFailed:
        """Make the error that says what happened and quotes the end of the log."""
        tail = "\n".join(self._log.read_text(errors="replace").splitlines()[-15:])
        said = f"The end of its log:\n{tail}" if tail else "Its log is empty."
        return ContenderFailed(f"{self.contender.name} {what}. {said}")

    def require_alive(self) -> None:
        """Raise `ContenderFailed` if it has ended by itself."""
        if (code := self._process.poll()) is not None:
            raise self.failed(f"ended by itself with code {code}")

    def await_notes(self, limit_s: float) -> dict[str, Any]:
        """Wait for what the locustfile itself notes, and read it.

        Raises:
            ContenderFailed: It ended, or left no notes in time.
        """
        deadline = time.monotonic() + limit_s
        while not self._notes.exists():
            self.require_alive()
            if time.monotonic() > deadline:
                raise self.failed(f"has not come to its notes after {limit_s:g} s")
            time.sleep(0.05)
        noted: dict[str, Any] = json.loads(self._notes.read_text())
        return noted

    def pause(self) -> None:
        """Stop it, and return when all its threads stand still."""
        os.kill(self.pid, signal.SIGSTOP)
        deadline = time.monotonic() + 10
        while not process.is_stopped(self.pid):
            self.require_alive()
            if time.monotonic() > deadline:
                raise self.failed("did not stop within 10 s of SIGSTOP")
            time.sleep(0.0005)

    def resume(self) -> None:
        """Let it go on."""
        self.require_alive()
        os.kill(self.pid, signal.SIGCONT)

    def finish(self, within_s: float = 60) -> OwnReport:
        """End it as a user would, stopped or not, and read what it reports.

        Raises:
            ContenderFailed: It did not end in time, or left no report.
        """
        self.require_alive()
        os.kill(self.pid, signal.SIGCONT)
        ending = signal.SIGINT if self.contender.kind == "wrk" else signal.SIGTERM
        deadline = time.monotonic() + within_s
        os.kill(self.pid, ending)
        while True:
            try:
                self._process.wait(1)
                break
            except subprocess.TimeoutExpired:
                if time.monotonic() > deadline:
                    raise self.failed(f"did not end within {within_s:g} s") from None
                if self.contender.kind == "wrk":
                    # Only its first thread ends it, and one that is just waking may have left the signal to another.
                    os.kill(self.pid, ending)
        report = self._wrk_report() if self.contender.kind == "wrk" else self._locust_report()
        if report.failures:
            raise self.failed(f"reports {report.failures} failed requests out of {report.requests}")
        return report

    def _wrk_report(self) -> OwnReport:
        log = self._log.read_text(errors="replace")
        if (counted := re.search(r"(\d+) requests in", log)) is None:
            raise self.failed("left no report")
        refused = re.search(r"Non-2xx or 3xx responses: (\d+)", log)
        broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+)", log)
        failures = sum(int(number) for found in (refused, broken) if found for number in found.groups())
        return OwnReport(int(counted[1]), failures, {}, 0.0, 0.0)

    def _locust_report(self) -> OwnReport:
        path = self._results.with_name(self._results.name + ".json")
        try:
            entries = json.loads(path.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            raise self.failed("left no report") from None
        path.unlink()
        return own_report(entries)


def own_report(entries: Sequence[dict[str, object]]) -> OwnReport:
    """Add up the entries of Locust's JSON results."""
    times: dict[float, int] = {}
    requests, failures, total_ms, max_ms = 0, 0, 0.0, 0.0
    for entry in entries:
        requests += int(str(entry["num_requests"]))
        failures += int(str(entry["num_failures"]))
        total_ms += float(str(entry["total_response_time"]))
        max_ms = max(max_ms, float(str(entry["max_response_time"])))
        buckets = entry["response_times"]
        if isinstance(buckets, dict):
            for bucket, count in buckets.items():
                times[float(bucket)] = times.get(float(bucket), 0) + int(count)
    return OwnReport(requests, failures, times, total_ms / requests if requests else 0.0, max_ms)


def plain_environment(home: Path) -> dict[str, str]:
    """Give this environment without the settings that would change a contender behind our back."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LOCUST_", "PYTHON"))}
    return {**kept, "HOME": str(home)}
