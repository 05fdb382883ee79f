"""Where each microsecond of a request goes: `perf` on one contender in full run, split by thread and by symbol.

`python benches/hot_path.py --rocust .venvs/bench/bin/rocust [--file plain_fast.py]` prints Markdown for BENCHMARKS.md.
First a stretch without perf: the kernel's books say how much time each thread took, nginx how many requests it went to.
Then one with perf, whose samples only say how a thread's time is shared out: perf itself slows what it watches.
`--keep FILE` leaves perf's data, with stacks, for `perf report -i FILE`.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from rig.contender import Contender, Load, Running
from rig.nginx import Nginx
from rig.paired import WARM_UP_S, await_connections
from rig.report import table

USERS = 50
SAMPLE = re.compile(r"^\s*(?P<thread>\d+)\s+[0-9a-f]+ (?P<symbol>.*) \((?P<object>.*)\)$")


@dataclass
class Thread:
    """One thread of the contender: the CPU time it took, and the samples found in it."""

    name: str
    cpu_s: float = 0.0
    symbols: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def objects(self) -> Counter[str]:
        """Samples by the file that the code is in."""
        total: Counter[str] = Counter()
        for (_, shared_object), count in self.symbols.items():
            total[shared_object] += count
        return total


@dataclass
class Spent:
    """What a stretch of full running cost, and what it bought."""

    threads: dict[int, Thread]
    requests: int
    seconds: float


def main() -> None:
    """Record, read, print."""
    options = arguments()
    if shutil.which("perf") is None:
        raise SystemExit("perf is missing: run `make debian-packages`.")
    with tempfile.TemporaryDirectory(prefix="bench-hot-path-") as name:
        data = options.keep.absolute() if options.keep else Path(name) / "perf.data"
        spent = record(options, data, Path(name))
        read_samples(data, spent.threads)
    print(markdown(spent, options))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Profile the hot path of a request.")
    parser.add_argument("--rocust", type=Path, required=True, help="the command to profile (stock locust will do too)")
    parser.add_argument("--file", default="plain_http.py", help="which of benches/locustfiles (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long to record (default: %(default)s)")
    parser.add_argument("--top", type=int, default=15, help="how many symbols of each thread (default: %(default)s)")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="leave perf's data here")
    return parser.parse_args()


def record(options: argparse.Namespace, data: Path, folder: Path) -> Spent:
    """Run the contender at full speed, first alone, for the cost, then under `perf record`, for the shares."""
    contender = Contender("profiled", options.rocust.absolute(), locustfile=options.file)
    with (
        Nginx() as nginx,
        Running(contender, Load(nginx.url, USERS, USERS, 2 * options.seconds + 60), folder) as running,
    ):
        await_connections(running, nginx, USERS)
        time.sleep(WARM_UP_S)
        before, first = cpu_by_thread(running.pid), nginx.status()
        time.sleep(options.seconds)
        after, last = cpu_by_thread(running.pid), nginx.status()
        perf = ["perf", "record", "-q", "-g", "-F", "1999", "-o", str(data), "-p", str(running.pid)]
        subprocess.run([*perf, "--", "sleep", str(options.seconds)], check=True, stdout=sys.stderr)
        running.finish()
    threads = {
        number: Thread(thread.name, thread.cpu_s - before[number].cpu_s if number in before else thread.cpu_s)
        for number, thread in after.items()
    }
    return Spent(threads, last.requests - first.requests, last.at_s - first.at_s)


def cpu_by_thread(pid: int) -> dict[int, Thread]:
    """Read every living thread's name and CPU time."""
    found = {}
    for thread in Path(f"/proc/{pid}/task").iterdir():
        try:
            name, spent = (thread / "comm").read_text().strip(), (thread / "schedstat").read_text()
        except OSError:
            continue
        number = int(thread.name)
        found[number] = Thread(f"{name} (Python)" if number == pid else name, int(spent.split()[0]) / 1e9)
    return found


def read_samples(data: Path, threads: dict[int, Thread]) -> None:
    """Put perf's samples to their threads, each under the innermost symbol."""
    command = ["perf", "script", "-i", str(data), "-G", "--no-inline", "-F", "tid,ip,sym,dso"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for line in told.splitlines():
        if (sample := SAMPLE.match(line)) and (thread := threads.get(int(sample["thread"]))):
            thread.symbols[short_symbol(sample["symbol"]), short_object(sample["object"])] += 1


def short_symbol(symbol: str) -> str:
    """Take off a Rust symbol's hash, and what Markdown would stumble over."""
    return re.sub(r"::h[0-9a-f]{16}$", "", symbol).replace("|", "\\|")


def short_object(path: str) -> str:
    """Name the file that code is in without its folders; the kernel is the kernel."""
    return "kernel" if path.startswith("[") and path != "[vdso]" else Path(path).name


def markdown(spent: Spent, options: argparse.Namespace) -> str:
    """Lay out what each thread costs a request, and where in it."""
    threads = sorted(spent.threads.values(), key=lambda thread: -thread.cpu_s)
    whole_us = sum(thread.cpu_s for thread in threads) / spent.requests * 1e6
    parts = [
        f"`{options.file}`, {USERS} users, {spent.requests / spent.seconds:,.0f} requests/s, "
        f"{whole_us:.2f} µs of CPU a request."
    ]
    for thread in threads:
        thread_us = thread.cpu_s / spent.requests * 1e6
        samples = thread.symbols.total()
        if thread_us < whole_us / 100 or not samples:
            continue
        shares = ", ".join(f"{name} {count / samples:.0%}" for name, count in thread.objects.most_common(6))
        rows = [
            [f"`{symbol}`", shared_object, f"{count / samples * thread_us:.3f}", f"{count / samples:.1%}"]
            for (symbol, shared_object), count in thread.symbols.most_common(options.top)
        ]
        heads = ["symbol", "in", "µs/request", "of the thread"]
        parts += [f"**{thread.name}: {thread_us:.2f} µs a request** ({shares})", table(heads, rows)]
    return "\n\n".join(parts)


if __name__ == "__main__":
    main()
