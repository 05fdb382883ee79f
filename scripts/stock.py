"""Stock Locust in a home of its own: `.venvs/stock`, made from `requirements-stock.txt` with this interpreter.

`python scripts/stock.py` (or `make stock`) makes it, if it is not there or is not what the lock says, and prints its command.
The bench and the twins ask here, so there is one place that knows which Locust is the reference.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
HOME = CHECKOUT / ".venvs" / "stock"
LOCK = CHECKOUT / "requirements-stock.txt"
OLDEST = (3, 11)
"""The oldest Python that Locust 2.47.0 runs on; we run on an older one too."""

_BIN = HOME / ("Scripts" if os.name == "nt" else "bin")
COMMAND = _BIN / ("locust.exe" if os.name == "nt" else "locust")
_STAMP = HOME / "made-from"


def locked_version() -> str:
    """The version of Locust that the lock names."""
    pins = [line.split()[0] for line in LOCK.read_text().splitlines() if line.startswith("locust==")]
    return pins[0].removeprefix("locust==")


def _wanted_stamp() -> str:
    return f"{sys.version}\n{hashlib.sha256(LOCK.read_bytes()).hexdigest()}\n"


def is_ready() -> bool:
    """Whether the home is there, and is what the lock says, for this interpreter."""
    return COMMAND.exists() and _STAMP.exists() and _STAMP.read_text() == _wanted_stamp()


def make() -> Path:
    """Give stock Locust's command, making its home first if need be.

    Raises:
        SystemExit: This Python is too old for it.
        subprocess.CalledProcessError: pip could not install it; it has said why.
    """
    if is_ready():
        return COMMAND
    if sys.version_info < OLDEST:
        raise SystemExit(
            f"Locust {locked_version()} needs Python {OLDEST[0]}.{OLDEST[1]} or newer; this is {sys.version.split()[0]}."
        )
    print(f"  installing locust=={locked_version()} into .venvs/stock", file=sys.stderr)
    venv.create(HOME, clear=True, with_pip=True)
    pip = [str(_BIN / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    subprocess.run([*pip, "-r", str(LOCK)], check=True, stdout=sys.stderr)
    _STAMP.write_text(_wanted_stamp())
    return COMMAND


if __name__ == "__main__":
    if "--optional" in sys.argv and sys.version_info < OLDEST:
        print("  no stock Locust for this Python: tests/compat will be skipped", file=sys.stderr)
    else:
        print(make())
