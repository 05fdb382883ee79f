"""Under which key a response time is counted, and whether the user has a function of their own for that."""

from __future__ import annotations

from collections.abc import Callable

from rocust import _core
from rocust._compat.knobs import knob


def bucket_response_time(response_time: float) -> int:
    """Round a response time to about two significant digits, so that a distribution has few keys.

    Below 100 ms to 1 ms, below 1,000 to 10, below 10,000 to 100, above to 1,000; halves go to the even neighbour.
    Assign another function to `locust.stats.bucket_response_time` to count differently.

    Args:
        response_time: Milliseconds.

    Returns:
        The key in `StatsEntry.response_times`.

    Same as Locust.
    """
    return _core.bucket_response_time(response_time)


def own_bucketing() -> Callable[[float], int] | None:
    """The function that was assigned in the place of `bucket_response_time`, if one was."""
    function: Callable[[float], int] = knob("stats", "bucket_response_time")
    return None if function is bucket_response_time else function


def own_key(response_time: float | None) -> int | None:
    """The key that the user's own function gives; None when there is no function or nothing to file."""
    function = own_bucketing()
    return None if function is None or response_time is None else function(response_time)
