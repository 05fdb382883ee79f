"""Stock Locust in a home of its own, `.venvs/stock`: `python scripts/stock.py` (or `make stock`) makes it, and prints its command.

The bench and the twins ask here, so there is one place that knows which Locust is the reference.
"""

from __future__ import annotations

from pathlib import Path

from homes import OLDEST, STOCK

COMMAND = STOCK.program("locust")
is_ready = STOCK.is_ready


def locked_version() -> str:
    """The version of Locust that the lock names."""
    pins = [line.split()[0] for line in STOCK.lock.read_text().splitlines() if line.startswith("locust==")]
    return pins[0].removeprefix("locust==")


def make() -> Path:
    """Give stock Locust's command, making its home first if need be; `Home.make` says what is raised."""
    STOCK.make()
    return COMMAND


if __name__ == "__main__":
    print(make())

__all__ = ["COMMAND", "OLDEST", "is_ready", "locked_version", "make"]
