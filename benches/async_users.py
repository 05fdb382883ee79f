"""Asynchronous users beside plain ones: requests a second by turns and together, and what 10,000 of each weigh while they wait.

    python benches/async_users.py [--rounds 3] [--seconds 5] [--users 50]

Against the built-in target, which shares the machine: read the ratios. Writes nothing.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

FILE = Path(__file__).parent / "locustfiles" / "both_kinds.py"
ROCUST = [sys.executable, "-m", "rocust"]

WAITING = """
import logging, sys, time
from rocust._kernel import patch
patch.apply()
import gevent, psutil
from rocust import AsyncUser, User, constant, task
from rocust._run.environment import Environment
logging.disable(logging.CRITICAL)
USERS, WAIT_S = 10_000, float(sys.argv[2])

class Asynchronous(AsyncUser):
    wait_time = constant(WAIT_S)
    @task
    async def rest(self): pass

class Plain(User):
    wait_time = constant(WAIT_S)
    @task
    def rest(self): pass

environment = Environment(user_classes=[{"plain": Plain, "async": Asynchronous}[sys.argv[1]]])
runner = environment.create_local_runner()
runner.start(1, 1000)
gevent.sleep(1)
process = psutil.Process()
before = process.memory_info().rss
began_at = time.perf_counter()
runner.start(USERS, USERS * 10)
runner.spawning_greenlet.join()
while any(greenlet.args[0]._state != "waiting" for greenlet in runner.user_greenlets):
    gevent.sleep(0.02)
started_s = time.perf_counter() - began_at
weight = (process.memory_info().rss - before) / USERS / 1024
cpu = sum(process.cpu_times()[:2])
gevent.sleep(10)
cpu = (sum(process.cpu_times()[:2]) - cpu) * 10
began_at = time.perf_counter()
runner.stop()
stopped_s = time.perf_counter() - began_at
runner.quit()
print(f"{USERS:,} {sys.argv[1]} users waiting {WAIT_S:g} s: started in {started_s:.2f} s, {weight:.1f} KiB each, "
      f"{cpu:.1f} % of a core, stopped in {stopped_s:.2f} s")
"""


def rates(host: str, users: int, seconds: int, *options: str) -> dict[str, float]:
    """Requests a second by name, in one run."""
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory) / "report"
        command = [*ROCUST, "-f", str(FILE), "--headless", "-H", host, "-u", str(users), "-r", str(users)]
        command += ["-t", f"{seconds}s", "-s", "5", "--only-summary", "--json-file", str(report), *options]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        return {
            entry["name"]: entry["num_requests"] / seconds
            for entry in json.loads(report.with_suffix(".json").read_text())
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--users", type=int, default=50)
    options = parser.parse_args()
    contenders = {
        "HttpUser alone": ["Plain"],
        "AsyncHttpUser alone": ["Asynchronous"],
        "AsyncHttpUser alone, uvloop": ["Asynchronous", "--loop", "uvloop"],
        "both, half each": [],
    }
    seen: dict[str, list[dict[str, float]]] = {name: [] for name in contenders}
    with subprocess.Popen([*ROCUST, "demo-target", "--port", "0"], stdout=subprocess.PIPE, text=True) as target:
        try:
            assert target.stdout is not None
            announced = re.search(r"http://\S+:\d+", target.stdout.readline())
            assert announced is not None
            for _ in range(options.rounds):
                for name, more in contenders.items():
                    seen[name].append(rates(announced[0], options.users, options.seconds, *more))
        finally:
            target.terminate()
    for name, rounds in seen.items():
        told = ", ".join(f"{path} {median(one[path] for one in rounds):,.0f}/s" for path in rounds[0])
        print(f"{name}: {told} (median of {len(rounds)} by turns)")
    for wait in ("3600", "10"):
        for kind in ("plain", "async"):
            subprocess.run([sys.executable, "-c", WAITING, kind, wait], check=True)


if __name__ == "__main__":
    main()
