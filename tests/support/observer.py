"""A second opinion on times: a plain blocking client that does nothing else, in a process beside the command.

What it measures beyond the server's own clock is what the machine itself adds just then (a busy machine wakes everybody
late); a load generator may add no more than that and its own promise. The program at the bottom is its process.
"""

from __future__ import annotations

import json
import math
import socket
import subprocess
import sys
import threading
import time


class Observer:
    """Asks for one path again and again, a request at a time, for the length of a `with`."""

    def __init__(self, port: int, path: str) -> None:
        self._arguments: list[str] = [sys.executable, str(__file__), str(port), path]
        self._durations_ms: list[float] = []

    def __enter__(self) -> Observer:
        self._process = subprocess.Popen(self._arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        told, _unused = self._process.communicate(timeout=20)
        self._durations_ms = sorted(json.loads(told))

    def percentile_ms(self, percent: float) -> float:
        """What `percent` of its requests did not exceed. Known after the `with`."""
        return self._durations_ms[max(0, math.ceil(len(self._durations_ms) * percent / 100) - 1)]


def observe(port: int, path: str) -> list[float]:
    """Request until stdin ends; the milliseconds of each, from before sending to the last byte."""
    has_ended = threading.Event()

    def end_with_stdin() -> None:
        sys.stdin.read()
        has_ended.set()

    threading.Thread(target=end_with_stdin, daemon=True).start()
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    durations_ms = []
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while not has_ended.is_set():
            began = time.perf_counter()
            connection.sendall(request)
            answer = connection.recv(65536)
            durations_ms.append((time.perf_counter() - began) * 1000)
            assert answer.startswith(b"HTTP/1.1 200 "), answer
            assert not answer.endswith(b"\r\n\r\n"), "the scripted server writes head and body at once"
    return durations_ms


if __name__ == "__main__":
    print(json.dumps(observe(int(sys.argv[1]), sys.argv[2])))
