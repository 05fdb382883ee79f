"""What this process takes of its machine, from one look to the next."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import psutil


@dataclass(frozen=True)
class Usage:
    """What the process took since the look before."""

    #: Percent of one core that all threads took together: above 100 when they ran side by side.
    cpu_percent: float
    #: Percent of one core that the busiest thread took. At 100 that thread is what bounds the load.
    busiest_percent: float
    #: Memory that is in use now.
    resident_bytes: int


class OwnUsage:
    """Looks at this process. The users' Python runs in one thread and requests on others, so a process that takes more than
    one core may be at ease, and one that takes no more may be at its limit: what counts is its busiest thread.
    """

    def __init__(self) -> None:
        """Take the first look, which the next one is compared with."""
        self._process = psutil.Process()
        self._process.cpu_percent()
        self._at = perf_counter()
        self._threads = self._seconds_by_thread()

    def look(self) -> Usage:
        """What was used since the look before."""
        cpu_percent = self._process.cpu_percent()
        at, threads = perf_counter(), self._seconds_by_thread()
        busiest = max((seconds - self._threads.get(thread, 0.0) for thread, seconds in threads.items()), default=None)
        elapsed = at - self._at
        self._at, self._threads = at, threads
        return Usage(
            cpu_percent=cpu_percent,
            busiest_percent=cpu_percent if busiest is None or elapsed <= 0 else 100 * busiest / elapsed,
            resident_bytes=self._process.memory_info().rss,
        )

    def _seconds_by_thread(self) -> dict[int, float]:
        """CPU time of each thread; nothing where the system does not tell."""
        try:
            return {thread.id: thread.user_time + thread.system_time for thread in self._process.threads()}
        except psutil.Error:
            return {}
