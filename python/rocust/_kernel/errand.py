"""A coroutine that the loop's thread runs for a greenlet.

The greenlet waits until the coroutine has ended; to kill the greenlet is to cancel the coroutine. Tasks that the coroutine starts belong
to the errand: they are cancelled when it ends, and it is over when they are.

| what happens             | what is done                                                                            |
|--------------------------|-----------------------------------------------------------------------------------------|
| the greenlet is killed   | the task is cancelled; its clean-up and what follows it may run                         |
| the task is leaving then | nothing: it ends by itself                                                              |
| a stage of the end takes | it is cancelled once more, named in a warning, and nobody waits for it any longer       |
| longer than the patience |                                                                                         |
| the greenlet is killed   | the same at once                                                                        |
| once more                |                                                                                         |

The stages are the task's own clean-up, what follows it (`on_stop`), and the end of the tasks that it has started.
"""

from __future__ import annotations

import asyncio
import logging
from contextvars import Context, ContextVar
from typing import TYPE_CHECKING, Any

from rocust._kernel import whereabouts
from rocust._kernel.green import Timeout, getcurrent

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from rocust._kernel.hatch import Hatch
    from rocust._kernel.loop_thread import LoopThread

logger = logging.getLogger("locust.user.users")

#: What a cancelled task has at least to clean up in, in seconds; with a longer stop timeout it has as long as that.
CLEAN_UP_S = 3.0

#: What asyncio lets out of a task and of the loop that runs it.
ENDS_PROCESS = (SystemExit, KeyboardInterrupt)

#: Whose task this is. Tasks inherit it, as they do any context.
_own: ContextVar[Errand] = ContextVar("rocust_errand")


class Errand:
    """One coroutine, from the greenlet that sent it to its end."""

    __slots__ = (
        "__weakref__",
        "_greenlet",
        "_hatch",
        "_work",
        "children",
        "context",
        "error",
        "is_begun",
        "is_cancelled",
        "is_leaving",
        "is_over",
        "name",
        "patience_s",
        "task",
        "thread",
    )

    def __init__(
        self,
        thread: LoopThread,
        hatch: Hatch,
        name: str,
        work: Callable[[Errand], Coroutine[Any, Any, None]],
        context: Context,
        patience_s: float,
    ) -> None:
        self.thread = thread
        self._hatch = hatch
        self._greenlet: Any = None
        self._work = work
        #: Whose it is, for warnings.
        self.name = name
        #: What its tasks see of context variables; nobody else's.
        self.context = context
        #: What each stage of the end is given once the greenlet is killed, in seconds.
        self.patience_s = max(patience_s, CLEAN_UP_S)
        self.task: asyncio.Task[None] | None = None
        #: Tasks that it has started and that have not ended.
        self.children: set[asyncio.Task[Any]] | None = None
        self.error: BaseException | None = None
        #: Whether the coroutine has run at all: one that is cancelled before cannot clean up.
        self.is_begun = False
        self.is_cancelled = False
        #: Whether it is on its way out by itself.
        self.is_leaving = False
        self.is_over = False

    # -- on the loop's thread ---------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Make the task."""
        self.context.run(_own.set, self)
        self.task = self.context.run(self._make_task)
        self.task.add_done_callback(self._end)

    def _make_task(self) -> asyncio.Task[None]:
        # Not by the loop's factory, which would take it for a child.
        return asyncio.Task(self._work(self), loop=self.thread.loop)

    def cancel(self) -> None:
        """Cancel the task, unless it ends by itself."""
        if self.task is None or self.task.done() or self.is_leaving:
            return
        if self.is_begun:
            self.is_cancelled = True
            self.task.cancel()
        else:
            # Its first step is in the loop's queue already, before this.
            self.thread.loop.call_soon(self.cancel)

    def cancel_all(self) -> None:
        """Cancel whatever is left, whatever it does."""
        self.is_cancelled = True
        for task in (self.task, *(self.children or ())):
            if task is not None and not task.done():
                task.cancel()

    def adopt(self, task: asyncio.Task[Any]) -> None:
        """Take in a task that this errand's tasks have started."""
        if self.children is None:
            self.children = set()
        if not task.done():
            self.children.add(task)
            task.add_done_callback(self.children.discard)

    def _end(self, task: asyncio.Task[None]) -> None:
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        # What ends the process has been handed to the hub by the thread.
        self.error = None if isinstance(error, ENDS_PROCESS) else error
        if self.children:
            # It is nobody's child, so that it does not wait for itself.
            winding_up = asyncio.Task(self._wind_up(), loop=self.thread.loop)
            winding_up.add_done_callback(self._tell_end)
        else:
            self._tell_end()

    async def _wind_up(self) -> None:
        """Cancel the tasks that are left, and those that they start, and wait for them as long as the patience lasts."""
        loop = self.thread.loop
        until = loop.time() + self.patience_s
        while self.children and (left := until - loop.time()) > 0:
            # Each is cancelled once, so that its clean-up is not; and what a clean-up starts has as long as the clean-up.
            generation = set(self.children)
            for child in generation:
                child.cancel()
            await asyncio.wait(generation, timeout=left)
        for child in self.children or ():
            self._hatch.tell(_warn, self.name, whereabouts.of_task(child), "it is left alone")

    def _tell_end(self, _: Any = None) -> None:
        self.thread.errands.discard(self)
        self._hatch.tell(self._wake)

    # -- on the hub -------------------------------------------------------------------------------------------------------

    def _wake(self) -> None:
        self.is_over = True
        if self._greenlet is not None:
            self._greenlet.switch()

    def join(self) -> None:
        """Wait for the end; whatever is thrown into the greenlet meanwhile cancels the task.

        Raises:
            BaseException: What was thrown, when the task has ended after that; or what the task itself has ended with.
        """
        try:
            self._park()
        except BaseException:
            self._call_off()
            if self.error is not None and not isinstance(self.error, asyncio.CancelledError):
                raise self.error from None
            raise
        if self.error is not None:
            raise self.error

    def _park(self) -> None:
        self._greenlet = getcurrent()
        try:
            if not self.is_over:
                self._hatch.wait()
        finally:
            self._greenlet = None

    def _call_off(self) -> None:
        self.thread.tell(self.cancel)
        try:
            while not self.is_over:
                stage = self._stage()
                with Timeout(self.patience_s, False):  # type: ignore[arg-type] # False: it is not raised
                    self._park()
                if self._stage() == stage:
                    self._abandon()
                    return
        except BaseException:
            self._abandon()
            raise

    def _stage(self) -> tuple[bool, bool, bool]:
        return self.is_leaving, self.task is not None and self.task.done(), self.is_over

    def _abandon(self) -> None:
        if self.task is not None and not self.task.done():
            where, consequence = whereabouts.of_task(self.task), "nobody waits for it any longer"
            if self.is_leaving:
                logger.warning("An on_stop of %s does not end; %s: %s", self.name, consequence, where)
            else:
                _warn(self.name, where, consequence)
        self.thread.abandon(self)


def _warn(name: str, where: str, consequence: str) -> None:
    logger.warning("A task of %s does not end although it was cancelled; %s: %s", name, consequence, where)


def make_task(loop: asyncio.AbstractEventLoop, coroutine: Any, **settings: Any) -> asyncio.Task[Any]:
    """The task factory of the loop: what an errand's tasks start belongs to the errand."""
    task: asyncio.Task[Any] = asyncio.Task(coroutine, loop=loop, **settings)
    context = settings.get("context")
    errand = _own.get(None) if context is None else context.get(_own)
    if errand is not None:
        errand.adopt(task)
    return task


def current() -> Errand | None:
    """The errand that the running code belongs to."""
    return _own.get(None)
