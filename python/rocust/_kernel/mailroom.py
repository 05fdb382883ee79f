"""Drains the engine's mailbox on a gevent hub and resumes whoever waits.

One mailroom per hub (so per thread), made at the first wait. The engine rings a doorbell, an fd that the hub watches; a ring drains
the whole mailbox in one go. While nobody waits, the watcher does not keep the hub alive, so that gevent still notices a program
that waits for nothing.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from rocust import _core
from rocust._kernel.green import get_hub, getcurrent

if TYPE_CHECKING:
    from collections.abc import Callable

    from rocust._kernel.green import Hub

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_core.note_fork)

_ATTRIBUTE = "_rocust_mailroom"
_READ = 1
_TIMERS_LOST = (
    "The engine's timers were lost to a panic of its own; see the traceback above. This run cannot be trusted."
)


class Mailroom:
    """Where the greenlets of one hub wait for the engine."""

    __slots__ = ("_hub", "_watcher", "port", "switch")

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self.port = _core.Port()
        #: Leaves the current greenlet for the hub; returns what the engine woke it with.
        self.switch: Callable[[], Any] = hub.switch
        self._watcher: Any = hub.loop.io(self.port.fd, _READ, ref=False)
        self._watcher.start(self._drain)

    def park(self, key: int) -> Any:
        """Leave the current greenlet until the engine has an answer for `key`, and return that.

        Args:
            key: What `_core` returned when the wait was registered.

        Raises:
            BaseException: Whatever is thrown into the greenlet meanwhile (a kill, a timeout); the wait is called off then.
        """
        watcher = self._watcher
        if not watcher.ref:
            watcher.ref = True
        try:
            return self.switch()
        except BaseException:
            self.port.forget(key)
            raise

    def sleep(self, seconds: float) -> None:
        """Leave the current greenlet for `seconds`, timed by the engine.

        Raises:
            RuntimeError: When the engine's timers have been lost to a panic.
        """
        if self.park(self.port.wait(getcurrent(), seconds)) is False:
            raise RuntimeError(_TIMERS_LOST)

    def _drain(self) -> None:
        take = self.port.take
        self.port.drain()
        while (post := take()) is not None:
            try:
                post[0].switch(post[1])
            except BaseException:
                self._hub.handle_error(post[0], *sys.exc_info())
        if not self.port.waiting:
            self._watcher.ref = False


def current() -> Mailroom:
    """The mailroom of the current thread's hub."""
    hub = get_hub()
    try:
        return getattr(hub, _ATTRIBUTE)  # type: ignore[no-any-return]
    except AttributeError:
        mailroom = Mailroom(hub)
        setattr(hub, _ATTRIBUTE, mailroom)
        return mailroom
