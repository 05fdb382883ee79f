"""Remembering what a slow function answered, for a while."""

from __future__ import annotations

import functools
from collections.abc import Callable
from time import perf_counter
from typing import Any


def memoize(timeout: float, dynamic_timeout: bool = False) -> Callable[[Callable[..., Any]], Any]:
    """Decorate a function so that it is called at most once per `timeout`; other calls get the last answer.

    The decorated function has `clear_cache()`.

    Args:
        timeout: Seconds an answer is good for.
        dynamic_timeout: Double the timeout each time the function takes longer than it.

    Same as Locust.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        good_for = timeout
        answer: Any = None
        answered_at: float | None = None

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal good_for, answer, answered_at
            called_at = perf_counter()
            if answered_at is None or called_at - answered_at > good_for:
                answer = function(*args, **kwargs)
                answered_at = perf_counter()
                if dynamic_timeout and answered_at - called_at > good_for:
                    good_for *= 2
            return answer

        def clear_cache() -> None:
            nonlocal answer, answered_at
            answer = answered_at = None

        call.clear_cache = clear_cache  # type: ignore[attr-defined]
        return call

    return decorate
