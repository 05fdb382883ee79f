"""Where a thread without a hub waits for the engine: it blocks, as threads do.

The sibling of `mailroom`, one for each thread, made at the first wait and gone with the thread. A hub would serve as well, but gevent
keeps the hub of a thread that has ended, and its descriptors. Whatever gevent has patched, here the system's own selector waits: nobody
else could run in this thread meanwhile.
"""

from __future__ import annotations

from selectors import EVENT_READ
from typing import TYPE_CHECKING, Any

from rocust._kernel.native import original
from rocust._kernel.room import Room

if TYPE_CHECKING:
    from rocust import _core

_threads: Any = original("threading", "local")()


class Bell:
    """What blocks a thread until a port has something to be drained."""

    __slots__ = ("_selector",)

    def __init__(self, port: _core.Port) -> None:
        self._selector: Any = original("selectors", "DefaultSelector")()
        self._selector.register(port.fd, EVENT_READ)

    def wait(self, at_most_s: float | None = None) -> None:
        """Block until it rings, or until the time is up."""
        self._selector.select(at_most_s)

    def __del__(self) -> None:
        # A selector is a circle, which would wait for the garbage collector with its descriptor.
        self._selector.close()


class ThreadRoom(Room):
    """Where one thread waits for the engine."""

    __slots__ = ("_bell",)

    def __init__(self) -> None:
        super().__init__()
        self._bell = Bell(self.port)

    def park(self, key: int) -> Any:
        """Block; see `Room.park`."""
        port = self.port
        try:
            while True:
                self._bell.wait()
                port.drain()
                # One wait at a time is begun here (see `current`), and no answer to one that was called off is handed out.
                if (post := port.take()) is not None:
                    return post[1]
        except BaseException:
            port.forget(key)
            raise


def current() -> ThreadRoom:
    """The room of this thread; another one if somebody waits in it already, below a signal handler that sends requests too."""
    room: ThreadRoom | None = getattr(_threads, "room", None)
    if room is None or room.port.waiting:
        room = _threads.room = ThreadRoom()
    return room
