"""Who tells the statistics of a request: the engine at once, or a listener afterwards.

A runner listens to `events.request` with a `StatsListener`. While it is the only listener, nobody in Python has a say in what is
recorded, so the engine's I/O thread records the sample itself, the moment the response is there. As soon as anybody else listens,
the event is fired in the user's greenlet, with the same figures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rocust import _core
from rocust._stats import RequestStats

if TYPE_CHECKING:
    from rocust._events import EventHook


def exchanges_of(response: Any) -> list[_core.Exchange]:
    """The exchanges of the engine that a response came of: several when `requests` has followed redirects."""
    hops: list[_core.Exchange] | None = getattr(response, "_hops", None)
    if hops is not None:
        return hops
    exchange = getattr(response, "_exchange", None)
    return [exchange] if type(exchange) is _core.Exchange else []


#: As it is while nobody has put another one in its place.
_LOG_REQUEST = RequestStats.log_request


def _logs_plainly(stats: RequestStats) -> bool:
    """Whether `log_request` is the one that was written for these statistics."""
    return RequestStats.log_request is _LOG_REQUEST and "log_request" not in stats.__dict__


class StatsListener:
    """The listener through which requests reach `environment.stats`."""

    __slots__ = ("environment",)

    def __init__(self, environment: Any) -> None:
        self.environment = environment

    def __call__(
        self,
        request_type: str,
        name: str,
        response_time: float | None,
        response_length: int,
        exception: BaseException | str | None = None,
        response: Any = None,
        **_: Any,
    ) -> None:
        """Record one request, its failure if it failed, and its parts if the response comes from the engine."""
        stats = self.environment.stats
        if (
            exception is None
            and type(response_time) is float
            and type(response_length) is int
            and type(stats) is RequestStats
        ):
            exchange = getattr(response, "_exchange", None)
            # One call for three, unless somebody has a say in how requests are logged or `requests` has followed redirects.
            if type(exchange) is _core.Exchange and _logs_plainly(stats) and getattr(response, "_hops", None) is None:
                stats.log_exchange(request_type, name, response_time, response_length, exchange)
                return
        stats.log_request(request_type, name, response_time, response_length)
        if type(response_time) is float and (exchanges := exchanges_of(response)):
            stats.ledger.record_timings(request_type, name, response_time, exchanges)
        if exception:
            stats.log_error(request_type, name, exception)


def direct_stats(request_event: EventHook) -> RequestStats | None:
    """The statistics that a request would reach and nobody else, so that firing the event can be spared; None when others listen."""
    handlers = request_event._handlers
    if len(handlers) == 1 and type(handlers[0]) is StatsListener:
        stats = handlers[0].environment.stats
        if type(stats) is RequestStats and _logs_plainly(stats):
            return stats
    return None


def ledgers(request_event: EventHook, user: Any) -> tuple[_core.Ledger | None, bool]:
    """Whose ledger a request of `user` belongs to, and whether the engine may record it there at once."""
    handlers = request_event._handlers
    if len(handlers) == 1 and type(handlers[0]) is StatsListener:
        return handlers[0].environment.stats.ledger, True
    if user is not None and handlers:
        stats = getattr(user.environment, "stats", None)
        return getattr(stats, "ledger", None), False
    return None, False
