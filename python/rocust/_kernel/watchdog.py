"""Notices a task that keeps the loop to itself, and names it.

A native thread beside the loop's asks the loop for a sign of life a few times a second. When none comes, it looks which task runs; one
that has run all the time, for longer than a second, is named in a warning with its stack: once, however long that goes on, and once for
each place in the code.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from time import perf_counter
from typing import TYPE_CHECKING, Any

from rocust._kernel import whereabouts
from rocust._kernel.native import Lock, start_thread

if TYPE_CHECKING:
    from types import FrameType

    from rocust._kernel.loop_thread import LoopThread

logger = logging.getLogger("locust.user.users")

_LOOK_EVERY_S = 0.25
#: How long one task may keep the loop to itself before it is named.
TOO_LONG_S = 1.0


class Watchdog:
    """Watches one loop until it is told to stop."""

    def __init__(self, thread: LoopThread) -> None:
        self._thread = thread
        self._stop = Lock()
        self._ended = Lock()
        self._has_answered = True
        #: Which task was seen first since the last sign of life, and when.
        self._seen: tuple[Any, float] | None = None
        #: Whether that has been spoken of.
        self._is_named = False
        self._told: set[whereabouts.Place] = set()
        self._stop.acquire()
        self._ended.acquire()
        start_thread(self._watch, ())

    def stop(self) -> None:
        """End the thread, and wait for that."""
        self._stop.release()
        self._ended.acquire()

    def _watch(self) -> None:
        try:
            while not self._stop.acquire(timeout=_LOOK_EVERY_S):
                if self._has_answered:
                    self._seen = None
                    if self._thread.errands:
                        self._has_answered = False
                        self._thread.loop.call_soon_threadsafe(self._answer)
                else:
                    self._look()
        finally:
            self._ended.release()

    def _answer(self) -> None:
        self._has_answered = True

    def _look(self) -> None:
        task = asyncio.current_task(self._thread.loop)
        if task is None or self._seen is None or self._seen[0] is not task:
            self._seen, self._is_named = (task, perf_counter()), False
            return
        seconds = perf_counter() - self._seen[1]
        if seconds < TOO_LONG_S or self._is_named:
            return
        frame = self._frame()
        errand = self._thread.errand_of(task)
        if frame is None or errand is None:
            return
        self._is_named = True
        place = whereabouts.place_of(frame)
        if place in self._told:
            return
        self._told.add(place)
        # By the hub: this thread takes no lock that gevent has patched.
        self._thread.hatch.tell(
            logger.warning,
            "A task of %s has kept the loop to itself for more than %.1f s, and no other asynchronous user ran meanwhile: %s. "
            "hint: await something that waits, or call what blocks with asyncio.to_thread. It is here:\n%s",
            errand.name,
            seconds,
            whereabouts.of_frame(frame),
            whereabouts.stack_from_task(frame).rstrip(),
        )

    def _frame(self) -> FrameType | None:
        # Under gevent's patches a blocking call leaves the task's greenlet for the hub of its thread: then that one is the thread's frame.
        frame: FrameType | None = self._thread.root.gr_frame or sys._current_frames().get(self._thread.ident)
        return frame
