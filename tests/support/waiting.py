"""The two places where code that blocks may run: a thread without a hub, and a greenlet; and waiting in either."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import gevent
from rocust._kernel import mailroom

Result = TypeVar("Result")


def in_a_thread(function: Callable[[], Result]) -> Result:
    """What `function` returns, or its error, from a thread without a hub."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(function).result(40)


def in_a_greenlet(function: Callable[[], Result]) -> Result:
    """The same from a greenlet of this thread's hub."""
    result: Result = gevent.spawn(function).get(timeout=40)
    return result


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that happens without the server's doing, and let greenlets go on meanwhile."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        mailroom.current().sleep(0.001)
