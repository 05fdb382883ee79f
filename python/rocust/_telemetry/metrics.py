"""The metrics of a run: how long requests took, and how many users there are.

Each name of a request is a time series of its own wherever the metrics go, and names may be without number: a path with
an id in it is one a request. So there is a bound (`locust.opentelemetry.MAX_REQUEST_NAMES`); what comes beyond it goes
under one name, and a warning says so once.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rocust._compat.knobs import knob
from rocust._run.roles import WorkerRunner

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Meter, Observation

    from rocust._events import Events

logger = logging.getLogger("locust.opentelemetry")

#: Seconds between the buckets of durations: those that OpenTelemetry's conventions give for HTTP.
DURATION_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)

_REST = "Too many unique request names"


class RequestNames:
    """The names that have a time series of their own."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._has_warned = False

    def known_as(self, name: str) -> str:
        """`name`, or what stands for all that are too many."""
        if name in self._known:
            return name
        bound = knob("opentelemetry", "MAX_REQUEST_NAMES")
        if len(self._known) < bound:
            self._known.add(name)
            return name
        if not self._has_warned:
            self._has_warned = True
            logger.warning(
                "Requests have more than %d names: OpenTelemetry gets the others as '%s'. Group them by name=..., or raise "
                "locust.opentelemetry.MAX_REQUEST_NAMES.",
                bound,
                _REST,
            )
        return _REST


def observe(events: Events, meter: Meter) -> None:
    """Have `meter` told of what happens from now on.

    Differs from Locust: durations have buckets of fractions of a second (Locust's begin at five seconds), and there are as
    many names as `MAX_REQUEST_NAMES` says, not 20.
    """
    _observe_requests(events, meter)
    _observe_users(events, meter)


def _observe_requests(events: Events, meter: Meter) -> None:
    duration = meter.create_histogram(
        "locust.client.duration",
        unit="s",
        description="Time to last byte for requests",
        explicit_bucket_boundaries_advisory=DURATION_BUCKETS_S,
    )
    names = RequestNames()

    def on_request(name: str, response_time: float | None, exception: Any, **_: Any) -> None:
        if response_time is None:
            return  # it took no time that could be told
        attributes = {"name": names.known_as(str(name))}
        if exception:
            attributes["error.type"] = type(exception).__name__
        duration.record(response_time / 1000, attributes)

    events.request.add_listener(on_request)


def _observe_users(events: Events, meter: Meter) -> None:
    from opentelemetry.metrics import Observation

    def on_init(runner: Any, **_: Any) -> None:
        if runner is None or isinstance(runner, WorkerRunner):
            return  # the master tells of all users

        def count(_: CallbackOptions) -> Iterable[Observation]:
            # A master is told by its workers.
            counts = getattr(runner, "reported_user_classes_count", None)
            for name, number in (runner.user_classes_count if counts is None else counts).items():
                yield Observation(number, {"user_class": name})

        meter.create_observable_gauge(
            "locust.users.count",
            callbacks=[count],
            unit="{user}",
            description="Number of currently running Locust users",
        )

    events.init.add_listener(on_init)
