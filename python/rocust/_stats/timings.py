"""How long the parts of a request took: of one request, and summed over many.

Only requests of `HttpUser` and `FastHttpUser` that the engine ran can tell. What is not known is left out, never shown as zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rocust import _core

#: The key of the sums in a serialised entry; Locust has none, and its readers pass it by.
TIMINGS_KEY = "timings"


class Timings(NamedTuple):
    """The parts of a request's time, in milliseconds; over redirects and reconnections they are summed.

    A connection that was kept open costs no `dns`, `connect` and `tls`. A part that failed, by a timeout for one, has what it had
    taken by then. With `stream=True` they end, as the response time does, when the response is handed over: the rest of the body is
    in none of them. Differs from Locust: it has none.
    """

    #: From the call to its start on the I/O thread: the load generator's own delay, and no part of the response time.
    queue: float
    #: Asking for the addresses of the host.
    dns: float
    #: Making TCP connections, and tunnels through proxies; waiting for one that another request of the user makes (HTTP/2).
    connect: float
    #: TLS handshakes.
    tls: float
    #: Handing the request to the operating system.
    send: float
    #: From there to the first byte of the response: what the server thought, and the way there and back.
    first_byte: float
    #: From there to the last byte of the body, decoded.
    body: float

    @property
    def total(self) -> float:
        """All parts but the queue: the response time."""
        return self.dns + self.connect + self.tls + self.send + self.first_byte + self.body

    def __repr__(self) -> str:
        parts = ", ".join(f"{name}={value:.3f} ms" for name, value in zip(self._fields, self, strict=True))
        return f"Timings({parts})"


def timings_of(exchanges: list[_core.Exchange]) -> Timings | None:
    """The parts of the exchanges' time, summed; None where they are not known."""
    told = [exchange.timings() for exchange in exchanges]
    known = [parts for parts in told if parts is not None]
    if not known or len(known) < len(told):
        return None
    return Timings._make(map(sum, zip(*known, strict=True)))


def average_of(entry: _core.Entry) -> Timings | None:
    """The mean of each part; None when no request has told."""
    count, totals_us, _ = entry.timings()
    return Timings._make(total_us / count / 1e3 for total_us in totals_us) if count else None


def longest_of(entry: _core.Entry) -> Timings | None:
    """The longest of each part, of one request or another; None when no request has told."""
    count, _, max_us = entry.timings()
    return Timings._make(longest_us / 1e3 for longest_us in max_us) if count else None


def serialized(entry: _core.Entry) -> dict[str, Any]:
    """What is added to a serialised entry: nothing when no request has told, so that it is Locust's then."""
    count, totals_us, max_us = entry.timings()
    if not count:
        return {}
    names = Timings._fields
    sums = {
        "num_requests": count,
        "total_us": dict(zip(names, totals_us, strict=True)),
        "max_us": dict(zip(names, max_us, strict=True)),
    }
    return {TIMINGS_KEY: sums}


def unserialize(entry: _core.Entry, data: Mapping[str, Any]) -> None:
    """Put what `serialized` has added, if it has, into an entry."""
    sums = data.get(TIMINGS_KEY)
    if sums is None:
        return
    totals_us, max_us = ([sums[key][name] for name in Timings._fields] for key in ("total_us", "max_us"))
    entry.set_timings(sums["num_requests"], totals_us, max_us)
