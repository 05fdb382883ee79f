"""Drains the engine's mailbox on an asyncio loop and resolves the futures that wait.

The sibling of `mailroom`, one for each loop, made at the first wait. The loop watches the doorbell (`add_reader`); a ring drains the
whole mailbox in one go, so many answers cost one wake-up of the loop. It knows no gevent: whoever has a loop may wait for the engine,
also in a process that nobody has patched.
"""

from __future__ import annotations

import asyncio
from typing import Any

from rocust import _core


class LoopRoom:
    """Where the coroutines of one asyncio loop wait for the engine."""

    __slots__ = ("port",)

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.port = _core.Port()
        # The loop holds this room and not the other way round: with the loop, the room and its descriptor go.
        loop.add_reader(self.port.fd, self._drain)

    async def park(self, future: asyncio.Future[Any], key: int) -> Any:
        """Wait until the engine has an answer for `key`, and return that.

        Args:
            future: A future of this loop, the one that was registered.
            key: What `_core` returned when it was.

        Raises:
            asyncio.CancelledError: The waiting task was cancelled; the wait is called off then, and its connection closed.
        """
        try:
            return await future
        except BaseException:
            self.port.forget(key)
            raise

    def _drain(self) -> None:
        take = self.port.take
        self.port.drain()
        while (post := take()) is not None:
            future, answer = post
            # One whose task was cancelled in this very turn of the loop is done; its answer settles itself when it is dropped.
            if not future.done():
                future.set_result(answer)


def current() -> LoopRoom:
    """The room of the running loop, which keeps it as an attribute: every request asks for it, and a weak dictionary takes longer.

    Raises:
        RuntimeError: No loop runs in this thread.
    """
    loop: Any = asyncio.get_running_loop()
    try:
        return loop._rocust_room  # type: ignore[no-any-return]
    except AttributeError:
        room = LoopRoom(loop)
        loop._rocust_room = room
        return room
