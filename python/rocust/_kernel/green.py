"""What the other rooms may use of gevent, by name: one import site, so that a second loop stays possible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import gevent
from gevent import Greenlet, GreenletExit, Timeout, getcurrent, joinall, killall, sleep, spawn, spawn_later
from gevent._hub_local import get_hub_if_exists as existing_hub  # gevent has no public word for this one
from gevent.event import AsyncResult, Event
from gevent.hub import Hub, get_hub
from gevent.pool import Group

if TYPE_CHECKING:
    from collections.abc import Callable

    #: A greenlet of whatever function.
    AnyGreenlet: TypeAlias = Greenlet[..., Any]
else:
    AnyGreenlet = Greenlet

#: The shortest time that goes through the hub's timers: long enough for the loop to look at its sockets and clocks.
_A_MOMENT_S = 1e-6
#: What a watcher of the loop is told to watch for.
_READ = 1


def give_way() -> None:
    """Let everything else on this hub have its turn: greenlets that are ready, sockets with news, timers that are due.

    `sleep(0)` lets the ready greenlets run and may not look at sockets and timers for long: a user that computes without end would
    keep the run from ending.
    """
    sleep(_A_MOMENT_S)


def wait_readable(file: int, at_most_s: float | None = None) -> None:
    """Leave the current greenlet until there is something to read from a file descriptor, its other end has gone, or time is up."""
    hub = get_hub()
    with Timeout(at_most_s, False):  # type: ignore[arg-type]  # gevent takes it, for "say nothing"
        hub.wait(hub.loop.io(file, _READ))


def run_in_hub(function: Callable[[], None]) -> None:
    """Have `function` run by the hub, and wait for that: no greenlet has a turn while it runs, but for those it throws something into.

    Such a greenlet runs until it parks or ends; then the function goes on. It must not park itself.
    """
    done = Event()

    def call() -> None:
        try:
            function()
        finally:
            done.set()

    get_hub().loop.run_callback(call)
    done.wait()


signal_handler = gevent.signal_handler

__all__ = [
    "AnyGreenlet",
    "AsyncResult",
    "Event",
    "Greenlet",
    "GreenletExit",
    "Group",
    "Hub",
    "Timeout",
    "existing_hub",
    "get_hub",
    "getcurrent",
    "give_way",
    "joinall",
    "killall",
    "run_in_hub",
    "signal_handler",
    "sleep",
    "spawn",
    "spawn_later",
    "wait_readable",
]
