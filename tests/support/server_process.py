"""The scripted server itself: a program with a thread a connection, run by `server.py` as a process of its own.

It reads its script and then commands as JSON lines from stdin and tells all that happens as JSON lines on stdout.
It uses the standard library only and never gevent; its clock is its own, so what it says of times is evidence.
It ends when stdin does.
"""

from __future__ import annotations

import http
import json
import os
import select
import socket
import ssl
import struct
import sys
import threading
import time
import traceback
from collections import defaultdict
from itertools import count
from typing import Any, BinaryIO

GATE_LIMIT_S = 50.0
"""Longer than any test may last: a forgotten gate must not keep a thread for ever."""


class HungUp(Exception):
    """The peer closed the connection, or this side did as the script said."""


class Teller:
    """Writes whole lines to stdout, one at a time, whichever thread speaks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._descriptor = sys.stdout.fileno()

    def tell(self, event: str, **facts: Any) -> None:
        line = memoryview(json.dumps({"event": event, **facts}).encode() + b"\n")
        with self._lock:
            while line:
                line = line[os.write(self._descriptor, line) :]


class Server:
    """Accepts connections and gives each a thread."""

    def __init__(self, script: dict[str, Any]) -> None:
        self.teller = Teller()
        self.gates: defaultdict[str, threading.Event] = defaultdict(threading.Event)
        self.request_ids = count(1)
        self._answered: defaultdict[str, int] = defaultdict(int)
        self._lock = threading.Lock()
        self.script = script
        self.tls: ssl.SSLContext | None = None
        if script["certificate"]:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(script["certificate"])
            if script["client_authority"]:
                self.tls.load_verify_locations(script["client_authority"])
                self.tls.verify_mode = ssl.CERT_REQUIRED
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)

    def set_routes(self, routes: dict[str, Any]) -> None:
        with self._lock:
            self.script["routes"] = routes
            self._answered.clear()

    def route(self, path: str) -> dict[str, Any] | None:
        """The answer whose turn it is."""
        with self._lock:
            routes = self.script["routes"].get(path)
            if not routes:
                return None
            turn = min(self._answered[path], len(routes) - 1)
            if routes[turn]["restarts"]:
                self._answered.clear()
            self._answered[path] += 1
            chosen: dict[str, Any] = routes[turn]
            return chosen

    def accept_for_ever(self) -> None:
        for number in count(1):
            connection, peer = self.listener.accept()
            self.teller.tell("connected", connection=number, peer_port=peer[1])
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        try:
            Conversation(self, connection, number).run()
        except (HungUp, ConnectionError, ssl.SSLError):
            pass
        except Exception:  # a bug of the test's own server must fail the test
            self.teller.tell("crashed", trace=traceback.format_exc())
        finally:
            self.teller.tell("closed", connection=number)


class Conversation:
    """One connection, from its greeting to its end."""

    def __init__(self, server: Server, connection: socket.socket, number: int) -> None:
        self.server = server
        self.number = number
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = connection

    def run(self) -> None:
        try:
            if self.server.tls is not None:
                self.socket = self.server.tls.wrap_socket(self.socket, server_side=True)
            self._do_steps(self.server.script["greeting"])
            with self.socket.makefile("rb") as stream:
                while self._exchange(stream):
                    pass
        finally:
            self.socket.close()

    def _exchange(self, stream: BinaryIO) -> bool:
        """Read one request and answer it; whether the connection stays open."""
        head = read_head(stream)
        if head is None:
            return False
        method, target, version, headers, raw_head = head
        body = read_body(stream, headers)
        if body is None:
            return False
        read_ns = time.monotonic_ns()
        request_id = next(self.server.request_ids)
        self.server.teller.tell(
            "request",
            request=request_id,
            connection=self.number,
            method=method,
            target=target,
            version=version,
            headers=headers,
            head=raw_head,
            body=body.decode("latin-1"),
            read_ns=read_ns,
            wall_s=time.time(),
        )
        whole = False
        try:
            self._answer(method, target.partition("?")[0])
            whole = True
        finally:
            duration_ns = time.monotonic_ns() - read_ns
            self.server.teller.tell("answered", request=request_id, duration_ns=duration_ns, whole=whole)
        wishes = dict((name.lower(), value.lower()) for name, value in headers)
        return version == "HTTP/1.1" and wishes.get("connection") != "close"

    def _answer(self, method: str, path: str) -> None:
        route = self.server.route(path)
        if route is None:
            route = {
                "status": 404,
                "body": "no such route",
                "headers": [],
                "delay_s": 0,
                "gate": "",
                "steps": [],
                "reason": "",
                "restarts": False,
            }
        if route["delay_s"]:
            self._listen_for_hang_up(route["delay_s"])
        if route["gate"]:
            self._wait_for_gate(route["gate"])
        if route["steps"]:
            self._do_steps(route["steps"])
            return
        self.socket.sendall(answer_bytes(method, route))

    def _do_steps(self, steps: list[dict[str, Any]]) -> None:
        for step in steps:
            match step["do"]:
                case "send":
                    self.socket.sendall(step["payload"].encode("latin-1"))
                case "flood":
                    self._flood(step["payload"].encode("latin-1"))
                case "drip":
                    for byte in step["payload"].encode("latin-1"):
                        self.socket.sendall(bytes((byte,)))
                        self._listen_for_hang_up(step["seconds"])
                case "pause":
                    self._listen_for_hang_up(step["seconds"])
                case "gate":
                    self._wait_for_gate(step["payload"])
                case "reset":
                    self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    raise HungUp
                case "close":
                    raise HungUp

    def _flood(self, payload: bytes) -> None:
        deadline = time.monotonic() + GATE_LIMIT_S
        while time.monotonic() < deadline:
            self.socket.sendall(payload)
        raise TimeoutError("the peer listens for ever")

    def _wait_for_gate(self, name: str) -> None:
        gate = self.server.gates[name]
        deadline = time.monotonic() + GATE_LIMIT_S
        while not gate.wait(0.01):
            self._listen_for_hang_up(0.0)
            if time.monotonic() > deadline:
                raise TimeoutError(f"nobody opened the gate {name!r}")

    def _listen_for_hang_up(self, seconds: float) -> None:
        """Be silent for so long; raise `HungUp` as soon as the peer is gone."""
        deadline = time.monotonic() + seconds
        while True:
            left = max(0.0, deadline - time.monotonic())
            readable, _, _ = select.select([self.socket], [], [], left)
            if not readable:
                return
            if isinstance(self.socket, ssl.SSLSocket):
                time.sleep(left)  # cannot be peeked at; the delay is still the scripted one
                return
            if self.socket.recv(1, socket.MSG_PEEK) == b"":
                raise HungUp
            if left == 0.0:
                return


def read_head(stream: BinaryIO) -> tuple[str, str, str, list[tuple[str, str]], str] | None:
    """The request line, the headers, and the whole head as it came; None when the peer left before it was whole."""
    request_line = stream.readline()
    if not request_line.endswith(b"\r\n"):
        return None
    words = request_line.decode("latin-1").split()
    if len(words) != 3:
        return None
    raw = request_line
    headers: list[tuple[str, str]] = []
    while True:
        line = stream.readline()
        raw += line
        if not line.endswith(b"\r\n"):
            return None
        if line == b"\r\n":
            return words[0], words[1], words[2], headers, raw.decode("latin-1")
        name, _, value = line.decode("latin-1").partition(":")
        headers.append((name, value.strip()))


def read_body(stream: BinaryIO, headers: list[tuple[str, str]]) -> bytes | None:
    """The body, or None when the peer left before it was whole."""
    framing = {name.lower(): value for name, value in headers}
    if framing.get("transfer-encoding", "").lower() == "chunked":
        return read_chunks(stream)
    length = int(framing.get("content-length", "0"))
    body = stream.read(length)
    return body if len(body) == length else None


def read_chunks(stream: BinaryIO) -> bytes | None:
    body = b""
    while True:
        size_line = stream.readline()
        if not size_line.endswith(b"\r\n"):
            return None
        size = int(size_line.split(b";")[0], 16)
        chunk = stream.read(size + 2)
        if len(chunk) != size + 2:
            return None
        if size == 0:
            return body
        body += chunk[:-2]


def answer_bytes(method: str, route: dict[str, Any]) -> bytes:
    status = route["status"]
    reason = route["reason"] or (http.HTTPStatus(status).phrase if status in set(http.HTTPStatus) else "Odd")
    body = route["body"].encode("latin-1")
    lines = [f"HTTP/1.1 {status} {reason}"]
    lines += [f"{name}: {value}" for name, value in route["headers"]]
    if not any(name.lower() in ("content-length", "transfer-encoding") for name, _ in route["headers"]):
        lines.append(f"Content-Length: {len(body)}")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    return head if method == "HEAD" else head + body


def main() -> None:
    sys.setswitchinterval(0.0005)  # the default of 5 ms would let one thread make another's time stamp late
    server = Server(json.loads(sys.stdin.readline()))
    threading.Thread(target=server.accept_for_ever, daemon=True).start()
    server.teller.tell("ready", port=server.listener.getsockname()[1])
    for line in sys.stdin:
        command = json.loads(line)
        match command["do"]:
            case "open":
                server.gates[command["gate"]].set()
            case "tell":
                server.teller.tell("caught up", token=command["token"])
            case "routes":
                server.set_routes(command["routes"])
                server.teller.tell("routed", token=command["token"])


if __name__ == "__main__":
    main()
