"""The test's side of a scripted server: start it, ask its journal, wait for what it sees.

A `ScriptedServer` is a real HTTP server on loopback in a process of its own; its journal holds every request it has
read to the last byte. What it is to say is in `script.py`, the program is `server_process.py`.
"""

from __future__ import annotations

import json
import math
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any

from support import child
from support.script import Route, Script, Step

DEADLINE_S = 20.0
"""How long anything awaited here may take. Generous: it is only ever used up by a failure."""


@dataclass
class Exchange:
    """One request that the server has read to its end, and what became of the answer.

    Attributes:
        connection: The number of the connection it came on, from 1.
        target: Path and query as sent.
        headers: As sent, in order.
        head: Request line and headers as they came, a character a byte.
        body: As sent, a character a byte.
        read_ns: Monotonic time of the server when the last byte was read.
        wall_s: The same moment as seconds since the epoch.
        duration_ns: From `read_ns` to the last byte of the answer written; None while it is being answered.
        is_whole: Whether the answer was written as scripted, without the peer leaving early.
    """

    connection: int
    method: str
    target: str
    version: str
    headers: list[tuple[str, str]]
    head: str
    body: str
    read_ns: int
    wall_s: float
    duration_ns: int | None = None
    is_whole: bool = False

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The part after the question mark."""
        return self.target.partition("?")[2]

    def header(self, name: str) -> str | None:
        """The first header of this name, whatever its case; None when there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass
class _Notes:
    """What the server has told so far."""

    exchanges: dict[int, Exchange] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    open_connections: set[int] = field(default_factory=set)
    peer_ports: list[int] = field(default_factory=list)
    tokens: set[int] = field(default_factory=set)
    crashes: list[str] = field(default_factory=list)
    port: int = 0
    has_ended: bool = False


class ScriptedServer:
    """A real server that says exactly what, when. Use it in a `with`.

    Args:
        routes: Path to its answer, or to its answers in turn (the last one repeats).
        greeting: Steps done on each connection before anything is read.
        certificate: A PEM file with chain and key, to speak TLS.
        client_authority: A PEM file of who must have signed the certificates of clients.
    """

    def __init__(
        self,
        routes: Mapping[str, Route | Sequence[Route]] | None = None,
        *,
        greeting: Sequence[Step] = (),
        certificate: Path | str = "",
        client_authority: Path | str = "",
    ) -> None:
        self._script = Script(_listed(routes or {}), tuple(greeting), str(certificate), str(client_authority))
        self._notes = _Notes()
        self._changed = threading.Condition()
        self._tokens = count(1)

    def __enter__(self) -> ScriptedServer:
        program = Path(__file__).with_name("server_process.py")
        self._process = subprocess.Popen([sys.executable, str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self._command(self._script.to_json())
        self.wait_for(lambda: self._notes.port != 0, "the server to start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        child.end(self._process, self._listener, DEADLINE_S)
        if error is None and self._notes.crashes:
            raise AssertionError("the scripted server crashed:\n" + "\n".join(self._notes.crashes))

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""
        return self._notes.port

    @property
    def url(self) -> str:
        """Scheme, host and port, without a slash at the end."""
        return f"{'https' if self._script.certificate else 'http'}://127.0.0.1:{self.port}"

    def set_routes(self, routes: Mapping[str, Route | Sequence[Route]]) -> None:
        """Answer by these from now on, and begin an empty journal."""
        token = next(self._tokens)
        plain = {path: [asdict(route) for route in turns] for path, turns in _listed(routes).items()}
        self._command({"do": "routes", "routes": plain, "token": token})
        self.wait_for(lambda: token in self._notes.tokens, "the new routes")
        with self._changed:
            self._notes.exchanges.clear()
            self._notes.counts.clear()

    def open(self, gate: str) -> None:
        """Let all answers go that wait, or will wait, at this gate."""
        self._command({"do": "open", "gate": gate})

    def journal(self, path: str | None = None) -> list[Exchange]:
        """Every request read so far, of this path if given, in the order in which they were read.

        That is every request that has been answered, at least: the server tells of a request before it answers.
        """
        self._catch_up()
        with self._changed:
            exchanges = list(self._notes.exchanges.values())
        return [exchange for exchange in exchanges if path is None or exchange.path == path]

    def count(self, path: str | None = None) -> int:
        """How many requests have been read, of this path if given; see `journal`."""
        self._catch_up()
        return self._count(path)

    def _count(self, path: str | None) -> int:
        with self._changed:
            return len(self._notes.exchanges) if path is None else self._notes.counts[path]

    def connection_count(self) -> int:
        """How many connections were ever accepted (not counting those of `settle`)."""
        self._catch_up()
        with self._changed:
            return len(self._notes.peer_ports)

    def wait_for(self, predicate: Callable[[], bool], what: str = "the condition") -> None:
        """Block until `predicate` holds; it is asked again whenever something happens at the server.

        Raises:
            AssertionError: It did not hold in time, or the server's process ended.
        """
        with self._changed:
            in_time = self._changed.wait_for(lambda: predicate() or self._notes.has_ended, DEADLINE_S)
            assert in_time, (
                f"waited {DEADLINE_S:.0f} s for {what}; the server has seen {len(self._notes.exchanges)} requests"
            )
            assert predicate(), f"the server's process ended before {what}"

    def wait_for_requests(self, number: int, path: str | None = None) -> None:
        """Block until so many requests (of this path) have been read."""
        self.wait_for(lambda: self._count(path) >= number, f"{number} requests of {path or 'any path'}")

    def settle(self) -> None:
        """Block until all that clients have sent is in the journal. Call it after the client's process has ended.

        Connections are accepted in the order in which they were made: when ours has been, so have all earlier ones;
        and a closed connection has been read to its end.
        """
        with socket.create_connection(("127.0.0.1", self.port)) as fence:
            own_port = fence.getsockname()[1]
            self.wait_for(lambda: own_port in self._notes.peer_ports, "the fence to be accepted")
        with self._changed:
            self._notes.peer_ports.remove(own_port)
        self.wait_for(lambda: not self._notes.open_connections, "all connections to end")

    def open_connections(self) -> set[int]:
        """The numbers of the connections that are open now."""
        with self._changed:
            return set(self._notes.open_connections)

    def wait_for_hang_up(self, connection: int) -> None:
        """Block until this connection has ended."""
        self.wait_for(lambda: connection not in self._notes.open_connections, f"connection {connection} to end")

    def durations_ms(self, path: str) -> list[float]:
        """From request read to answer written, by the server's own clock, sorted; whole answers only."""
        exchanges = self.journal(path)
        return sorted(e.duration_ns / 1e6 for e in exchanges if e.duration_ns is not None and e.is_whole)

    def percentile_ms(self, path: str, percent: float) -> float:
        """The server's own percentile of `durations_ms`: the smallest that `percent` of all do not exceed."""
        durations = self.durations_ms(path)
        return durations[max(0, math.ceil(len(durations) * percent / 100) - 1)]

    def _catch_up(self) -> None:
        """Block until all that the server has told by now is in the notes."""
        assert self._process.stdin is not None
        if self._process.stdin.closed or self._notes.has_ended:
            return
        token = next(self._tokens)
        self._command({"do": "tell", "token": token})
        self.wait_for(lambda: token in self._notes.tokens, "the server to tell all")

    def _command(self, command: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        self._process.stdin.flush()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            facts = json.loads(line)
            with self._changed:
                self._note(facts.pop("event"), facts)
                self._changed.notify_all()
        with self._changed:
            self._notes.has_ended = True
            self._changed.notify_all()

    def _note(self, event: str, facts: dict[str, Any]) -> None:
        notes = self._notes
        match event:
            case "ready":
                notes.port = facts["port"]
            case "connected":
                notes.open_connections.add(facts["connection"])
                notes.peer_ports.append(facts["peer_port"])
            case "closed":
                notes.open_connections.discard(facts["connection"])
            case "request":
                request_id = facts.pop("request")
                facts["headers"] = [(name, value) for name, value in facts["headers"]]
                exchange = notes.exchanges[request_id] = Exchange(**facts)
                notes.counts[exchange.path] += 1
            case "answered":
                answered = notes.exchanges.get(facts["request"])
                if answered is not None:
                    answered.duration_ns, answered.is_whole = facts["duration_ns"], facts["whole"]
            case "routed" | "caught up":
                notes.tokens.add(facts["token"])
            case "crashed":
                notes.crashes.append(facts["trace"])


class RefusingPort:
    """A port that is ours, so nobody else can take it, and that refuses every connection."""

    def __enter__(self) -> RefusingPort:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()


def _listed(routes: Mapping[str, Route | Sequence[Route]]) -> dict[str, list[Route]]:
    return {path: [turns] if isinstance(turns, Route) else list(turns) for path, turns in routes.items()}


__all__ = ["DEADLINE_S", "Exchange", "RefusingPort", "ScriptedServer"]
