"""The wall clock of the statistics: epochs, as reports and the wire show them.

Durations are measured elsewhere, on monotonic clocks.
"""

from __future__ import annotations

import time


def now() -> float:
    """Seconds since the epoch."""
    return time.time()  # noqa: TID251 - what reports and the wire show is wall-clock time
