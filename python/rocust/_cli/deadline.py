"""The limit that SIGTERM sets to the end of a test: whoever sends it will not wait for long.

Users get their stop timeout and a moment more. A user that computes without end keeps the loop from turning, and nobody from
being heard; so the system's alarm rings too, and takes such a user out of the way.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Container
from time import monotonic
from typing import Any

from rocust._kernel.green import get_hub, getcurrent, sleep, spawn_later

#: What users get beyond their stop timeout; with the rest of the end it is less than two seconds.
MOMENT_S = 1.2
#: How often it is looked whether a user computes, once the stop timeout is over.
_ALARM_EVERY_S = 0.2
_FOR_EVER_S = 3600.0


class Deadline:
    """When the users must have ended.

    Args:
        pass_by: Called in the loop when they should have.
        users: The greenlets of all users.
    """

    def __init__(self, pass_by: Callable[[], None], users: Container[Any]) -> None:
        self._pass_by = pass_by
        self._users = users
        self._at_s: float | None = None

    def set(self, stop_timeout_s: float) -> None:
        """Begin to count, if nobody did. May be called from a signal handler."""
        if self._at_s is not None:
            return
        self._at_s = monotonic() + stop_timeout_s + MOMENT_S
        get_hub().loop.run_callback_threadsafe(self._count)
        if hasattr(signal, "setitimer"):
            signal.signal(signal.SIGALRM, self._set_aside)
            signal.setitimer(signal.ITIMER_REAL, stop_timeout_s + _ALARM_EVERY_S, _ALARM_EVERY_S)

    def lift(self) -> None:
        """Let no alarm ring any more."""
        if self._at_s is not None and hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _count(self) -> None:
        assert self._at_s is not None
        spawn_later(max(0.0, self._at_s - monotonic()), self._pass_by)

    def _set_aside(self, _number: int, _frame: Any) -> None:
        """In the middle of a user's own code: it sleeps there until it is ended, and the loop turns."""
        if getcurrent() in self._users:
            sleep(_FOR_EVER_S)
