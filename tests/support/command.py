"""The command under test, in one place: run it to its end, or hold it while it runs.

`ROCUST_TEST_COMMAND` names another command (stock Locust's, while a test is being written: the compatibility tests pass
there too); without it the command is this interpreter's `-m rocust`.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from support.table import FinalTables, read_final_tables
from support.terminal import Terminal

_NAMED = shlex.split(os.environ.get("ROCUST_TEST_COMMAND", ""))
IS_STOCK = bool(_NAMED) and Path(_NAMED[0]).name == "locust"
"""Whether the command under test is stock Locust."""
COMMAND = _NAMED or [sys.executable, "-m", "rocust"]
PYTHON = str(Path(_NAMED[0]).with_name("python")) if IS_STOCK else sys.executable
"""The interpreter that has the package under test."""
PACKAGE = "locust" if IS_STOCK else "rocust"
"""The name to import it by."""
RUN_LIMIT_S = 25.0
"""How long a run may take before it counts as hanging. Longer than any, so only a hang uses it up."""

# Appended to a test's locustfile: tells at the very end what the statistics hold, unrounded. At `quit`, not at
# `quitting`: after a signal Locust fires `quitting` while its users still run.
PROBE = """

import json as _json, os as _os
from locust import events as _events


@_events.init.add_listener
def _remember(environment, **_):
    global _environment
    _environment = environment


@_events.quit.add_listener
def _probe(**_):
    environment = _environment
    stats = environment.stats
    def figures(entry):
        return {
            "requests": entry.num_requests, "failures": entry.num_failures, "untimed": entry.num_none_requests,
            "median_ms": entry.median_response_time, "average_ms": entry.avg_response_time,
            "minimum_ms": entry.min_response_time, "maximum_ms": entry.max_response_time,
            "p99_ms": entry.get_response_time_percentile(0.99), "content_bytes": entry.total_content_length,
        }
    told = {
        "total": figures(stats.total),
        "entries": [{"name": e.name, "method": e.method, **figures(e)} for e in stats.entries.values()],
        "errors": [
            {"error": e.to_name(), "occurrences": e.occurrences} for e in stats.errors.values()
        ],
        "exceptions": [
            {"count": e["count"], "msg": e["msg"], "traceback": e["traceback"]}
            for e in environment.runner.exceptions.values()
        ],
        "aborted": getattr(stats, "num_aborted", None),
        "state": environment.runner.state,
        "user_count": environment.runner.user_count,
    }
    with open(_os.environ["ROCUST_TEST_PROBE"], "w") as file:
        _json.dump(told, file)
"""


@dataclass(frozen=True)
class Figures:
    """What the statistics held when `quit` fired: of one entry, or of all together."""

    requests: int
    failures: int
    untimed: int
    median_ms: float
    average_ms: float
    minimum_ms: float | None
    maximum_ms: float
    p99_ms: float
    content_bytes: int


@dataclass
class Result:
    """A run that has ended.

    Attributes:
        told: What the probe wrote, or None when there was no probe or `quit` never fired.
    """

    returncode: int
    stdout: str
    stderr: str
    seconds: float
    told: dict[str, Any] | None = None

    @cached_property
    def tables(self) -> FinalTables:
        """The final tables as the user saw them."""
        return read_final_tables(self.stderr)

    @cached_property
    def stats_json(self) -> list[dict[str, Any]]:
        """What `--json` printed."""
        entries: list[dict[str, Any]] = json.loads(
            self.stdout[self.stdout.index("[\n") :] if "[\n" in self.stdout else self.stdout
        )
        return entries

    @property
    def probe(self) -> dict[str, Any]:
        """What the probe told at `quit`."""
        assert self.told is not None, f"quit never fired, or there was no probe:\n{self.stderr}"
        return self.told

    @property
    def total(self) -> Figures:
        """All requests together, unrounded."""
        return Figures(**self.probe["total"])

    @property
    def aborted(self) -> int:
        """How many requests were in flight when their users were stopped, or their tasks cancelled, or were not judged."""
        number = self.probe["aborted"]
        assert number is not None, "this command does not count aborted requests"
        return int(number)

    def entry(self, name: str, method: str = "GET") -> Figures:
        """One entry, unrounded."""
        found = [entry for entry in self.probe["entries"] if (entry["name"], entry["method"]) == (name, method)]
        known = [(entry["method"], entry["name"]) for entry in self.probe["entries"]]
        assert len(found) == 1, f"{method} {name} is not among {known}"
        return Figures(**{key: value for key, value in found[0].items() if key not in ("name", "method")})

    @property
    def errors(self) -> dict[str, int]:
        """The failures, as "METHOD name: error" to their number, unshortened."""
        return {error["error"]: error["occurrences"] for error in self.probe["errors"]}

    def log_lines(self, level: str = "", logger: str = "") -> list[str]:
        """Messages of the log, of this level and logger if given, without the first part of each line."""
        pattern = re.compile(r"^\[[^]]+\] [^/]+/(\w+)/([\w.]+): (.*)$")
        matches = [match for line in self.stderr.splitlines() if (match := pattern.match(line))]
        return [m[3] for m in matches if (not level or m[1] == level) and (not logger or m[2] == logger)]

    def printed(self, prefix: str) -> list[Any]:
        """The values of all lines on stdout that read "prefix JSON", in order."""
        start = prefix + " "
        return [json.loads(line[len(start) :]) for line in self.stdout.splitlines() if line.startswith(start)]


@dataclass
class _Stream:
    """Lines of one pipe, as they come."""

    lines: list[str] = field(default_factory=list)
    has_ended: bool = False


class RunningCommand:
    """A run that is still going on. Made by `start_locust`; use it in a `with`, which ends it whatever happens."""

    def __init__(
        self, arguments: list[str], directory: Path, environment: dict[str, str], terminal: Terminal | None = None
    ) -> None:
        self._started_s = time.monotonic()
        self._directory = directory
        self._probe_path = Path(environment["ROCUST_TEST_PROBE"])
        self._changed = threading.Condition()
        self._streams = {"stdout": _Stream(), "stderr": _Stream()}
        self.process = subprocess.Popen(
            arguments, cwd=directory, env=environment, text=True, encoding="utf-8", errors="replace",
            stdin=subprocess.DEVNULL if terminal is None else terminal.device, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=terminal is not None,
        )  # fmt: skip
        self._readers = [
            threading.Thread(target=self._read, args=(pipe, self._streams[name]), daemon=True)
            for name, pipe in (("stdout", self.process.stdout), ("stderr", self.process.stderr))
        ]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> RunningCommand:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for reader in self._readers:
            reader.join()
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.process.stdout.close()
        self.process.stderr.close()
        shutil.rmtree(self._directory, ignore_errors=True)

    def wait_for_line(self, pattern: str, stream: str = "stderr", timeout: float = 20.0) -> str:
        """Block until a line of the stream matches the regular expression, and return that line."""
        expression = re.compile(pattern)
        source = self._streams[stream]

        def found() -> str | None:
            return next((line for line in source.lines if expression.search(line)), None)

        with self._changed:
            self._changed.wait_for(lambda: found() is not None or source.has_ended, timeout)
            line = found()
        assert line is not None, f"no line like {pattern!r} on {stream} within {timeout:.0f} s:\n{self._everything()}"
        return line

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the command's process."""
        self.process.send_signal(number)

    def wait(self, timeout: float = RUN_LIMIT_S) -> Result:
        """Block until the process has ended by itself.

        Raises:
            AssertionError: It did not in time; it is killed then.
        """
        try:
            returncode = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"still running after {timeout:.0f} s:\n{self._everything()}") from None
        seconds = time.monotonic() - self._started_s
        for reader in self._readers:
            reader.join()
        told = json.loads(self._probe_path.read_text()) if self._probe_path.exists() else None
        return Result(returncode, self._text("stdout"), self._text("stderr"), seconds, told)

    def _read(self, pipe: IO[str], stream: _Stream) -> None:
        for line in pipe:
            with self._changed:
                stream.lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            stream.has_ended = True
            self._changed.notify_all()

    def _text(self, stream: str) -> str:
        with self._changed:
            return "\n".join(self._streams[stream].lines) + "\n"

    def _everything(self) -> str:
        shown = {name: self._text(name).splitlines()[-60:] for name in self._streams}
        return "\n".join(line for name, lines in shown.items() for line in (f"--- end of {name}", *lines))


def start_locust(
    file: str | Path,
    *args: str,
    env: Mapping[str, str] | None = None,
    headless: bool = True,
    probe: bool = True,
    terminal: Terminal | None = None,
    command: Sequence[str] = COMMAND,
) -> RunningCommand:
    """Start the command under test on a locustfile.

    Args:
        file: The text of a locustfile (it gets the probe at its end), or the path of one (it is left as it is).
        args: More arguments.
        env: More environment variables; those of `LOCUST_*` are never inherited.
        headless: Whether to pass `--headless`.
        probe: Whether a text gets the probe.
        terminal: What its standard input is; nothing by default.
        command: The command, when it is not the one under test: the same one from another home.
    """
    directory = Path(tempfile.mkdtemp(prefix="e2e-"))
    path = file if isinstance(file, Path) else directory / "locustfile.py"
    if isinstance(file, str):
        path.write_text(file + (PROBE if probe else ""), encoding="utf-8")
    arguments = [*command, "-f", str(path), *(["--headless"] if headless else []), *args]
    if terminal is not None:
        arguments = terminal.led_by(arguments)
    return RunningCommand(arguments, directory, _environment(directory, env), terminal)


def run_locust(
    file: str | Path,
    *args: str,
    env: Mapping[str, str] | None = None,
    timeout: float = RUN_LIMIT_S,
    headless: bool = True,
    probe: bool = True,
    command: Sequence[str] = COMMAND,
) -> Result:
    """Run the command under test on a locustfile to its end. The arguments are those of `start_locust`.

    Raises:
        AssertionError: It did not end within `timeout` seconds.
    """
    with start_locust(file, *args, env=env, headless=headless, probe=probe, command=command) as running:
        return running.wait(timeout)


def start_python(script: str, *args: str, env: Mapping[str, str] | None = None) -> RunningCommand:
    """Start a script with the interpreter that has the package under test. `PACKAGE` in the text becomes its name."""
    directory = Path(tempfile.mkdtemp(prefix="e2e-"))
    path = directory / "script.py"
    path.write_text(script.replace("PACKAGE", PACKAGE), encoding="utf-8")
    return RunningCommand([PYTHON, str(path), *args], directory, _environment(directory, env))


def run_python(script: str, *args: str, env: Mapping[str, str] | None = None, timeout: float = RUN_LIMIT_S) -> Result:
    """Run such a script to its end."""
    with start_python(script, *args, env=env) as running:
        return running.wait(timeout)


def _environment(directory: Path, more: Mapping[str, str] | None) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
    fixed = {
        "HOME": str(directory),
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
        "ROCUST_TEST_PROBE": str(directory / "probe.json"),
    }
    return inherited | fixed | dict(more or {})


@contextmanager
def demo_target() -> Iterator[str]:
    """The built-in target at a free port until the end of the block; gives its URL."""
    with subprocess.Popen([*COMMAND, "demo-target", "--port", "0"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            announced = re.search(r"http://\S+:\d+", process.stdout.readline())
            assert announced is not None
            yield announced[0]
        finally:
            process.terminate()
