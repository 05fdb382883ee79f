"""What the process says of itself is what it does."""

from __future__ import annotations

import threading
from time import perf_counter, thread_time

import psutil
from rocust._run.usage import OwnUsage

#: CPU time that a thread takes here: many of the ticks that the system counts in.
BUSY_S = 0.5


def compute() -> None:
    ends_at = thread_time() + BUSY_S
    while thread_time() < ends_at:
        pass


def test_busiest_thread_counts_and_not_their_sum() -> None:
    own = OwnUsage()
    began = perf_counter()
    for _ in range(3):
        thread = threading.Thread(target=compute)
        thread.start()
        thread.join()
    compute()
    usage = own.look()
    elapsed = perf_counter() - began
    # Of ended threads the system tells nothing, but the process still counts their time.
    assert usage.cpu_percent * elapsed > 100 * BUSY_S * 3.5
    assert BUSY_S * 0.9 < usage.busiest_percent * elapsed / 100 < BUSY_S * 1.5
    assert usage.resident_bytes > 1_000_000


def test_where_the_system_tells_nothing_of_threads_the_process_counts(monkeypatch) -> None:
    def refuse(_: psutil.Process) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil.Process, "threads", refuse)
    usage = OwnUsage().look()
    assert usage.busiest_percent == usage.cpu_percent
