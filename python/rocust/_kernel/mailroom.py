"""Drains the engine's mailbox on a gevent hub and resumes whoever waits.

One mailroom per hub, made at the first wait; a thread without a hub has a `threadroom`. The engine rings a doorbell, an fd that the hub
watches; a ring drains the whole mailbox in one go. While nobody waits, the watcher does not keep the hub alive, so that gevent still
notices a program that waits for nothing.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from rocust import _core
from rocust._kernel import threadroom
from rocust._kernel.green import existing_hub, wait_readable
from rocust._kernel.room import Room

if TYPE_CHECKING:
    from collections.abc import Callable

    from rocust._kernel.green import Hub

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_core.note_fork)

_ATTRIBUTE = "_rocust_mailroom"
_READ = 1


class Mailroom(Room):
    """Where the greenlets of one hub wait for the engine."""

    __slots__ = ("_hub", "_watcher", "switch")

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        self._hub = hub
        #: Leaves the current greenlet for the hub; returns what the engine woke it with.
        self.switch: Callable[[], Any] = hub.switch
        self._watcher: Any = hub.loop.io(self.port.fd, _READ, ref=False)
        self._watcher.start(self._drain)

    def park(self, key: int) -> Any:
        """Leave the current greenlet for the hub; see `Room.park`."""
        watcher = self._watcher
        if not watcher.ref:
            watcher.ref = True
        try:
            return self.switch()
        except BaseException:
            self.port.forget(key)
            raise

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


def current() -> Room:
    """Where the current thread waits: the mailroom of its hub, or in a thread that has none, and so no other greenlets, its own room."""
    hub = existing_hub()
    if hub is None:
        return threadroom.current()
    try:
        return getattr(hub, _ATTRIBUTE)  # type: ignore[no-any-return]
    except AttributeError:
        mailroom = Mailroom(hub)
        setattr(hub, _ATTRIBUTE, mailroom)
        return mailroom


class Watch:
    """A port of somebody's own, and a way to wait for it in whatever thread or greenlet."""

    __slots__ = ("_bell", "port")

    def __init__(self) -> None:
        self.port = _core.Port()
        self._bell: threadroom.Bell | None = None

    def wait(self, at_most_s: float | None = None) -> None:
        """Leave the current greenlet, or block the thread, until the port has something to be drained, or until the time is up."""
        if existing_hub() is not None:
            wait_readable(self.port.fd, at_most_s)
            return
        if self._bell is None:
            self._bell = threadroom.Bell(self.port)
        self._bell.wait(at_most_s)
