"""A program that tests start, that ends with its standard input, and whose output a thread of theirs reads."""

from __future__ import annotations

import subprocess
import threading


def end(process: subprocess.Popen[bytes], listener: threading.Thread, deadline_s: float) -> None:
    """Have the program end, by force if it must be, and the thread have read all it said."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    try:
        process.wait(deadline_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    listener.join(deadline_s)
    process.stdout.close()
