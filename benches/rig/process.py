"""What the kernel knows of a process: CPU time, memory, whether it is stopped.

Must not know what the process does. CPU time is read from the process's CPU clock, which is utime + stime of all its
threads, the ended ones too, in nanoseconds; `/proc/PID/stat` has the same sum in ticks of 10 ms, too coarse for a slice
of half a second. Children are added.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

PR_SET_PDEATHSIG = 1
CPUCLOCK_SCHED = 2


class ProcessGone(Exception):
    """The process ended while it was still needed."""


def family(pid: int) -> Iterator[int]:
    """Give the process and every descendant that is alive."""
    yield pid
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
    except FileNotFoundError:
        return
    for thread in threads:
        try:
            children = (thread / "children").read_text().split()
        except OSError:
            continue
        for child in children:
            yield from family(int(child))


def cpu_seconds(pid: int) -> float:
    """Give the CPU time, user and system, that the process and its living children have used."""
    total = 0.0
    for member in family(pid):
        try:
            total += time.clock_gettime((~member << 3) | CPUCLOCK_SCHED)
        except OSError:
            if member == pid:
                raise ProcessGone(f"process {pid} has ended") from None
    return total


def memory_bytes(pid: int, field: str) -> int:
    """Give `VmRSS` (now) or `VmHWM` (the peak) of the process and its living children."""
    total = 0
    for member in family(pid):
        try:
            status = Path(f"/proc/{member}/status").read_text()
        except FileNotFoundError:
            continue
        for line in status.splitlines():
            if line.startswith(field + ":"):
                total += int(line.split()[1]) * 1024
    return total


def open_files(pid: int) -> int:
    """Count the file descriptors of the process."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def is_stopped(pid: int) -> bool:
    """Say whether every thread of the process has taken its SIGSTOP.

    Raises:
        ProcessGone: The process has ended.
    """
    try:
        states = [(thread / "stat").read_text() for thread in Path(f"/proc/{pid}/task").iterdir()]
    except FileNotFoundError:
        return False
    letters = [state.rpartition(")")[2].split()[0] for state in states]
    if not letters or "Z" in letters or "X" in letters:
        raise ProcessGone(f"process {pid} has ended")
    return all(letter in "Tt" for letter in letters)


def machine_busy_seconds() -> float:
    """Give the CPU time that everything on the machine has used, all cores together."""
    user, nice, system, _idle, _iowait, irq, softirq, steal = (
        int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    )
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(last_signal: int = signal.SIGKILL) -> None:
    """Have the kernel end this process when its parent ends (for `preexec_fn`): a stopped one would stay for ever."""
    # A shell that runs a job in the background has it ignore Ctrl-C, which is inherited; wrk reports only when it gets one.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _libc.prctl(PR_SET_PDEATHSIG, int(last_signal), 0, 0, 0)
