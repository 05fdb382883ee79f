"""The asyncio loop that coroutines of users run on: one for each process, in a native thread of its own.

It begins with the first coroutine that a greenlet sends (`send`) and ends when a runner quits, or with the process. In a forked child
there is none; the child's first coroutine makes one.

Two threads share Python's one interpreter lock. What they tell each other goes through two queues, `LoopThread.tell` and `hatch`, each
read whole at every wake-up.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
from collections import deque
from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from rocust._kernel import errand, hatch, looproom, native_loop, native_threads, patch
from rocust._kernel.errand import ENDS_PROCESS, Errand
from rocust._kernel.green import getcurrent
from rocust._kernel.native import Lock, drop_hub, thread_ident
from rocust._kernel.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

logger = logging.getLogger("locust.user.users")

#: How long the thread is given to end, in seconds; a task that blocks it may take longer, and then it is left behind.
_END_S = 5.0
#: How long tasks that are left over are given to end with their loop.
_LAST_WORDS_S = 0.5


class LoopThread:
    """A loop, its thread, and the errands that it runs."""

    def __init__(self, kind: str) -> None:
        """Start the thread.

        Raises:
            ImportError: The loop is to be uvloop's, which is not installed.
        """
        patch.share_with_threads()
        #: "asyncio" or "uvloop".
        self.kind = kind
        self.loop = native_loop.make(kind)
        self.loop.set_task_factory(errand.make_task)
        #: Those that are under way; touched by the loop's thread, and by `send` and `abandon`.
        self.errands: set[Errand] = set()
        #: The way to the hub that began it, for warnings and orders.
        self.hatch = hatch.current()
        #: The thread's greenlet that the loop runs in, and its identity; there once it runs.
        self.root: Any = None
        self.ident = 0
        self._words: deque[tuple[Callable[..., Any], tuple[Any, ...]]] = deque()
        self._is_rung = False
        self._ended = Lock()
        self._ended.acquire()
        begun = Lock()
        begun.acquire()
        native_threads.start(self._run, (begun,))
        begun.acquire()
        self._watchdog = Watchdog(self)

    def tell(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Have the loop call `function`, in its own turn; from any thread."""
        self._words.append((function, arguments))
        if not self._is_rung:
            self._is_rung = True
            self.loop.call_soon_threadsafe(self._listen)

    def _listen(self) -> None:
        self._is_rung = False
        words = self._words
        while words:
            function, arguments = words.popleft()
            function(*arguments)

    def send(self, name: str, work: Callable[[Errand], Coroutine[Any, Any, None]], patience_s: float) -> Errand:
        """Begin an errand of the current greenlet, in a copy of its context.

        Args:
            name: Whose it is, for warnings.
            work: Makes the coroutine; told its errand, whose `is_begun` it sets at its first line.
            patience_s: What it is given to clean up when it is cancelled, in seconds.
        """
        sent = Errand(self, hatch.current(), name, work, copy_context(), patience_s)
        self.errands.add(sent)
        self.tell(sent.begin)
        return sent

    def abandon(self, one: Errand) -> None:
        """Wait for an errand no longer, and cancel what is left of it."""
        self.errands.discard(one)
        self.tell(one.cancel_all)

    def errand_of(self, task: Any) -> Errand | None:
        """The errand that a task belongs to, if it is under way."""
        return next((one for one in list(self.errands) if one.task is task or task in (one.children or ())), None)

    def is_here(self) -> bool:
        """Whether this is the loop's own thread."""
        return bool(thread_ident() == self.ident)

    def settle(self, patience_s: float) -> None:
        """Have answers that nobody waits for accounted for, as those of cancelled requests; waits for that, at most `patience_s`."""
        done = Lock()
        done.acquire()

        def purge() -> None:
            looproom.current().port.purge()
            done.release()

        self.tell(purge)
        done.acquire(timeout=patience_s)

    def _run(self, begun: Any) -> None:
        self.root, self.ident = getcurrent(), thread_ident()
        asyncio.set_event_loop(self.loop)
        begun.release()
        try:
            self._serve()
            with suppress(*ENDS_PROCESS):
                self._wind_up()
        finally:
            asyncio.set_event_loop(None)
            self.loop.close()
            self.root = None
            drop_hub()
            self._ended.release()

    def _serve(self) -> None:
        """Run the loop until it is stopped. `sys.exit()` in a task is raised on the hub, which ends the process; till then all goes on."""
        told: BaseException | None = None
        while True:
            try:
                self.loop.run_forever()
            except ENDS_PROCESS as error:
                # A task that has waited for the one that raised it raises it again.
                if error is not told:
                    self.hatch.tell(_raise, error)
                told = error
            else:
                return

    def _wind_up(self) -> None:
        """End what is left on the loop. What does not let itself be ended is not spoken of again: it has been named."""
        for one in list(self.errands):
            # So that they know who it is that cancels them.
            one.cancel_all()
        left = asyncio.all_tasks(self.loop)
        for task in left:
            task.cancel()
        if left:
            self.loop.run_until_complete(asyncio.wait(left, timeout=_LAST_WORDS_S))
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.set_exception_handler(lambda *_: None)

    def close(self) -> None:
        """End the thread; a task that blocks it is warned of and left behind."""
        self._watchdog.stop()
        self.loop.call_soon_threadsafe(self.loop.stop)
        if not self._ended.acquire(timeout=_END_S):
            logger.warning("The loop of the asynchronous users does not end: a task blocks it. It is left behind.")


def _raise(error: BaseException) -> None:
    raise error


_thread: LoopThread | None = None
#: Loops of the process that this one was forked from: to close them would close theirs.
_inherited: list[LoopThread] = []


def current(kind: str = "asyncio") -> LoopThread:
    """The process's loop thread, begun now if there is none.

    Args:
        kind: Which loop it shall have, "asyncio" or "uvloop"; one that rests is replaced for that, one that works is not.

    Raises:
        ImportError: uvloop is not installed.
    """
    global _thread
    if _thread is not None and _thread.kind != kind and not _thread.errands:
        close()
    if _thread is None:
        _thread = LoopThread(kind)
    return _thread


def here() -> LoopThread | None:
    """The loop thread if this code runs on it."""
    return _thread if _thread is not None and _thread.is_here() else None


def running() -> LoopThread | None:
    """The loop thread if there is one."""
    return _thread


def close() -> None:
    """End the loop thread, if there is one."""
    global _thread
    thread, _thread = _thread, None
    if thread is not None:
        thread.close()


def rest() -> None:
    """End the loop thread if nothing runs on it."""
    if _thread is not None and not _thread.errands:
        close()


def _forget() -> None:
    global _thread
    if _thread is not None:
        _inherited.append(_thread)
        _thread = None


atexit.register(close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
