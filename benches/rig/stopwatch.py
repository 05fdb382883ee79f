"""A target with a known delay that times itself: the clock the contenders' reported times are held against.

`python benches/rig/stopwatch.py --delay-ms 20` prints `PORT n`, answers every request the delay after it *arrived*, and
on SIGTERM prints what it measured as one line of JSON. Must not know who asks.

Its clock starts when the kernel took the request in (SO_TIMESTAMPNS), not when this process got round to reading it,
and ends when `send` has returned, which on loopback is when the answer lies in the client's socket. So a busy machine
can delay the answer, but not hide that from this clock. Neither asyncio nor epoll: both sleep in whole milliseconds;
`select` sleeps in microseconds, and the timer slack is set to the least. Few connections only (FD_SETSIZE).
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import heapq
import json
import os
import select
import signal
import socket
import struct
import time
from dataclasses import dataclass, field

SO_TIMESTAMPNS = 35
PR_SET_TIMERSLACK = 29
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!"
END_OF_HEAD = b"\r\n\r\n"


@dataclass(eq=False)
class Client:
    """One connection: what has been read of the next request."""

    socket: socket.socket
    unread: bytes = b""

    def fileno(self) -> int:
        """For `select`."""
        return self.socket.fileno()


@dataclass
class Stopwatch:
    """The listening socket, its clients, and the answers that are due (due, arrived, a number that breaks ties)."""

    delay_ns: int
    listener: socket.socket
    bell: socket.socket
    clients: set[Client] = field(default_factory=set)
    due: list[tuple[int, int, int, Client]] = field(default_factory=list)
    took_ns: list[int] = field(default_factory=list)
    late_reads_ns: list[int] = field(default_factory=list)

    def serve(self) -> None:
        """Answer until the bell rings."""
        while True:
            wait_s = None
            if self.due:
                wait_s = max(0, self.due[0][0] - time.time_ns()) / 1e9
            sources: list[socket.socket | Client] = [self.bell, self.listener, *self.clients]
            for ready in select.select(sources, [], [], wait_s)[0]:
                if ready is self.bell:
                    return
                if isinstance(ready, Client):
                    self.read(ready)
                else:
                    self.accept()
            self.answer()

    def accept(self) -> None:
        """Take one connection in."""
        connection, _ = self.listener.accept()
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.clients.add(Client(connection))

    def read(self, client: Client) -> None:
        """Read what has come; a whole request is answered the delay after it arrived."""
        try:
            part, ancillary, _, _ = client.socket.recvmsg(65_536, 64)
        except ConnectionError:
            part, ancillary = b"", []
        if not part:
            self.clients.discard(client)
            client.socket.close()
            return
        client.unread += part
        if not client.unread.endswith(END_OF_HEAD):
            return
        client.unread = b""
        arrived_ns = arrival_ns(ancillary)
        self.late_reads_ns.append(time.time_ns() - arrived_ns)
        heapq.heappush(self.due, (arrived_ns + self.delay_ns, arrived_ns, len(self.late_reads_ns), client))

    def answer(self) -> None:
        """Send every answer that is due, and note how long after its request it was sent."""
        while self.due and self.due[0][0] <= time.time_ns():
            _, arrived_ns, _, client = heapq.heappop(self.due)
            if client not in self.clients:
                continue
            with contextlib.suppress(ConnectionError):
                client.socket.send(ANSWER)
                self.took_ns.append(time.time_ns() - arrived_ns)


def arrival_ns(ancillary: list[tuple[int, int, bytes]]) -> int:
    """Give the kernel's stamp of the last bytes received.

    Raises:
        RuntimeError: The kernel gave none; this clock would then be worth nothing, so the run ends.
    """
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
            seconds, nanoseconds = struct.unpack("qq", content[:16])
            return int(seconds) * 1_000_000_000 + int(nanoseconds)
    raise RuntimeError("the kernel gives no arrival times for TCP (SO_TIMESTAMPNS); this clock needs them")


def summary(took_ns: list[int], late_reads_ns: list[int]) -> dict[str, float]:
    """Sum up what was measured, in milliseconds."""
    ranked = sorted(took_ns)
    if not ranked:
        return {"count": 0}
    return {
        "count": len(ranked),
        "mean_ms": sum(ranked) / len(ranked) / 1e6,
        "median_ms": at_rank(ranked, 0.5) / 1e6,
        "p99_ms": at_rank(ranked, 0.99) / 1e6,
        "max_ms": ranked[-1] / 1e6,
        "late_read_p99_ms": at_rank(sorted(late_reads_ns), 0.99) / 1e6,
    }


def at_rank(ranked: list[int], share: float) -> int:
    """Give the least value that at least `share` of all are not above."""
    return ranked[max(0, -int(-share * len(ranked) // 1) - 1)]


def main() -> None:
    """Serve until SIGTERM, then say what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--delay-ms", type=float, default=20.0)
    options = parser.parse_args()
    with contextlib.suppress(OSError):
        os.nice(-10)  # the clock of the run should not itself wait for a core; without the right to, it does
    ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0)
    gc.disable()
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    listener.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)  # what it accepts has it too, from the first byte on
    bell, ringer = socket.socketpair()
    ringer.setblocking(False)
    signal.set_wakeup_fd(ringer.fileno())
    signal.signal(signal.SIGTERM, lambda _signal, _frame: None)
    print("PORT", listener.getsockname()[1], flush=True)
    stopwatch = Stopwatch(int(options.delay_ms * 1e6), listener, bell)
    stopwatch.serve()
    print(json.dumps(summary(stopwatch.took_ns, stopwatch.late_reads_ns)), flush=True)


if __name__ == "__main__":
    main()
