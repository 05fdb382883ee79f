"""Trying again, with pauses: for connections that may not be there yet."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

logger = logging.getLogger("locust.util.exception_handler")

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def retry(
    delays: Sequence[float] = (1, 3, 5),
    exception: type[BaseException] | tuple[type[BaseException], ...] = Exception,
) -> Callable[[Callable[Arguments, Result]], Callable[Arguments, Result]]:
    """Decorate a function so that it is called again when it raises.

    Args:
        delays: Seconds to wait before the second call, the third, and so on; after the last one the exception escapes.
        exception: What counts as a reason to try again.

    Same as Locust.
    """

    def decorate(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        @functools.wraps(function)
        def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
            for attempt, delay in enumerate(delays, start=1):
                try:
                    return function(*args, **kwargs)
                except exception as error:
                    logger.info(
                        "Exception found on retry %d: -- retry after %ds",
                        attempt,
                        delay,
                    )
                    logger.exception("%s", error)  # Locust's line
                    time.sleep(delay)
            try:
                return function(*args, **kwargs)
            except exception:
                logger.info("Retry failed after %d times.", len(delays))
                raise

        return call

    return decorate
