"""What a scripted server is to say, as data: routes, steps and gates.

Pure values that survive JSON, because the server lives in a process of its own (`server_process.py`).
The test's side of the server is `server.py`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Step:
    """One thing done on the bare connection. Made by the functions below, not by hand."""

    do: str
    payload: str = ""
    seconds: float = 0.0


def send(payload: bytes | str) -> Step:
    """Write these bytes, whatever they are."""
    text = payload if isinstance(payload, str) else payload.decode("latin-1")
    return Step("send", payload=text)


def flood(payload: bytes | str) -> Step:
    """Write these bytes again and again, until the peer hangs up."""
    return Step("flood", payload=send(payload).payload)


def drip(payload: bytes | str, every_s: float) -> Step:
    """Write these bytes one by one, with a pause after each."""
    return Step("drip", payload=send(payload).payload, seconds=every_s)


def pause(seconds: float) -> Step:
    """Say nothing for so long, or until the peer hangs up."""
    return Step("pause", seconds=seconds)


def wait_for_gate(name: str) -> Step:
    """Say nothing until the test calls `ScriptedServer.open(name)`, or until the peer hangs up."""
    return Step("gate", payload=name)


def reset() -> Step:
    """Answer with a TCP reset: the peer reads "connection reset by peer"."""
    return Step("reset")


def close() -> Step:
    """Close the connection in good order."""
    return Step("close")


@dataclass(frozen=True)
class Route:
    """One answer to a path.

    Attributes:
        status: The status code.
        body: The body, as text of one byte per character.
        headers: Response headers as pairs, so that one name may come twice. `Content-Length` is added.
        delay_s: How long the server is silent after it has read the request.
        gate: The answer waits until the test opens the gate of this name.
        steps: When given, these replace the whole answer.
        reason: The reason phrase; the usual one of the status when empty.
        restarts: Being asked for this, the server answers every path from its first answer again.
    """

    status: int = 200
    body: str = "Hello, world!"
    headers: tuple[tuple[str, str], ...] = ()
    delay_s: float = 0.0
    gate: str = ""
    steps: tuple[Step, ...] = ()
    reason: str = ""
    restarts: bool = False


@dataclass(frozen=True)
class Script:
    """All a server needs to know.

    Attributes:
        routes: Path (without the query) to its answers in turn; the last one repeats. Other paths answer 404.
        greeting: Steps done on every connection before anything is read.
        certificate: A file of a PEM certificate chain with its key, for TLS.
        client_authority: A PEM file of who must have signed the certificates of clients.
    """

    routes: dict[str, list[Route]] = field(default_factory=dict)
    greeting: tuple[Step, ...] = ()
    certificate: str = ""
    client_authority: str = ""

    def to_json(self) -> dict[str, Any]:
        """As plain values for the server's process."""
        return asdict(self)


def redirect(location: str, status: int = 302) -> Route:
    """A route that answers with a redirect to `location`."""
    return Route(status=status, body="", headers=(("Location", location),))
