"""`make demo`: the quickstart example against the built-in target, for ten seconds with fifty users.

Ends with the statistics of the run and with what the target itself has counted, which must be the same number.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

ROCUST = [sys.executable, "-m", "rocust"]
LOCUSTFILE = Path(__file__).parent.parent / "examples" / "quickstart" / "locustfile.py"
USERS = 50
SECONDS = 10


def main() -> int:
    """Start the target, run the load test, tell what the target saw. Returns the exit code of the load test."""
    with subprocess.Popen([*ROCUST, "demo-target", "--port", "0"], stdout=subprocess.PIPE, text=True) as target:
        try:
            url = announced_url(target)
            load = ["--host", url, "--users", str(USERS), "--spawn-rate", str(USERS), "--run-time", f"{SECONDS}s"]
            command = [*ROCUST, "-f", str(LOCUSTFILE), "--headless", *load]
            print("$", " ".join(["rocust", *command[len(ROCUST) :]]), flush=True)
            code = subprocess.call(command)
            count = requests_counted(url)
        except KeyboardInterrupt:
            return 130
        finally:
            target.terminate()
    print(f"The target counted {count} requests, {count / SECONDS:.0f} a second over the {SECONDS} s.")
    return code


def announced_url(target: subprocess.Popen[str]) -> str:
    """Wait for the line with which the target says that it answers."""
    if target.stdout is None:
        raise SystemExit("the target has no output")
    for line in target.stdout:
        if found := re.search(r"http://\S+:\d+", line):
            return found[0]
    raise SystemExit(f"the target ended before it answered (exit code {target.wait()})")


def requests_counted(url: str) -> int:
    """Ask the target."""
    with urllib.request.urlopen(f"{url}/count", timeout=10) as response:
        return int(json.load(response)["requests"])


if __name__ == "__main__":
    sys.exit(main())
