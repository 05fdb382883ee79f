"""Users whose tasks are coroutines: `async def` beside gevent, in the same run.

They run on an asyncio loop in a thread of its own (`_kernel.loop_thread`). The runner's model stays: such a user has a small greenlet,
which waits until its coroutine has ended; to kill the greenlet is to cancel the coroutine.
"""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from rocust._errors import StopTest, StopUser
from rocust._events import STEERING_EXCEPTIONS
from rocust._kernel import loop_thread, patch
from rocust._kernel.green import GreenletExit
from rocust._users import async_loop
from rocust._users.async_loop import awaited
from rocust._users.taskset import DefaultTaskSet
from rocust._users.user import User

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from rocust._kernel.errand import Errand

logger = logging.getLogger("locust.user.users")

# Here, and with the loop only where the standard library is patched later: what a locustfile makes at its top, as events and queues, is
# made before the loop begins.
patch.share_with_threads()


class AsyncUser(User):
    """A user whose tasks are `async def`. Subclass it, give it tasks, and any asynchronous library to talk to the system under test.

    All that a `User` has it has too: weights, tags, `fixed_count`, `wait_time`, task sets. `on_start`, `on_stop`, `wait_time` and tasks,
    those of its task sets as well, may be coroutine functions or plain ones; a plain one runs on the loop and must not block. Users of
    both kinds may be in one run.

    Each user is one asyncio task in a context of its own. Tasks that it starts (`asyncio.create_task`, `gather`, `TaskGroup`) belong to
    it and are cancelled when it ends. A user that is stopped in the middle of a task is cancelled: `CancelledError` is raised where the
    task waits, its `finally` runs, then `on_stop`. The task has the stop timeout for that, or three seconds if that is shorter, and so has
    `on_stop`; what does not end then is named in the log and left alone.

    Code of such a user runs in the loop's thread, not in that of the runner, and so do listeners of the events that it fires; a listener
    may be `async def`. `environment.runner.start(users, rate)`, `stop()`, `quit()` and `stop_users()` may be called from there, and return
    at once; what starts or stops the test is carried out in the order in which it was called. No greenlet runs there: what other users
    spawn with gevent, these give to `asyncio.create_task`.

    Threads that such a user starts, or a library for it (`grpc.aio` does), are native, also under the patches that the command applies;
    those that a greenlet starts stay greenlets. `threading`'s locks, conditions and semaphores, `queue.Queue` and futures may be shared
    between both kinds; events, `queue.SimpleQueue` and executors may if they are made after `AsyncUser` is imported. What is gevent's by
    name (`gevent.event.Event`, `gevent.queue.Queue`, `gevent.lock.RLock`) is for greenlets of one hub only.

    Example:
        class Visitor(AsyncUser):
            @task
            async def knock(self):
                async with self.measure("TCP", "knock"):
                    _, writer = await asyncio.open_connection("127.0.0.1", 8000)
                    writer.close()

    Differs from Locust: it has none.
    """

    abstract = True
    _errand: Errand | None = None
    _async_loop: ClassVar[Any] = async_loop

    async def on_start(self) -> None:  # type: ignore[override]
        """Called when the user starts to run; may be a plain function."""

    async def on_stop(self) -> None:  # type: ignore[override]
        """Called when the user stops, for whatever reason; may be a plain function."""

    def run(self) -> None:  # type: ignore[misc] # final for everybody else
        """Run this user on the loop, and wait in the current greenlet until it has stopped. Not to be overridden.

        Raises:
            Exception: What `on_start` or `on_stop` raised; what a task raised when exceptions are not caught.
        """
        environment = self.environment
        options = getattr(environment, "parsed_options", None)
        thread = loop_thread.current(getattr(options, "rocust_loop", None) or "asyncio")
        # Here and not on the loop: from now on, who stops it has somebody to tell.
        self._seat.start()
        patience_s = float(getattr(environment, "stop_timeout", 0) or 0)
        errand = thread.send(type(self).__name__, self._live, patience_s)
        try:
            errand.join()
        except GreenletExit:
            return
        finally:
            self._seat.end()

    async def _live(self, errand: Errand) -> None:
        # Here and not where it is sent: the loop may be that far before the sender goes on.
        self._errand = errand
        errand.is_begun = True
        self._taskset_instance = task_set = DefaultTaskSet(self)
        try:
            try:
                await awaited(self.on_start())
            except (Exception, asyncio.CancelledError) as exception:
                if isinstance(exception, asyncio.CancelledError) and self._is_called_off():
                    raise
                logger.error("%s\n%s", exception, traceback.format_exc())
                if not isinstance(exception, (StopUser, StopTest)):
                    await self.environment.events.user_error.fire_async(
                        user_instance=self, exception=exception, tb=exception.__traceback__
                    )
                raise
            await async_loop.run(task_set)
        except (asyncio.CancelledError, StopUser, StopTest) as ending:
            if isinstance(ending, asyncio.CancelledError) and not self._is_called_off():
                # Something that the code itself has cancelled: no wish of anybody's to stop the user.
                raise
            self._note_leaving()
            await awaited(self.on_stop())

    def _is_called_off(self) -> bool:
        """Whether this user itself is being cancelled."""
        return self._errand is not None and self._errand.is_cancelled

    def _note_leaving(self) -> None:
        """It is on its way out: a cancellation that comes later finds nothing to cut short, and one that came is over."""
        if self._errand is not None:
            self._errand.is_leaving = True
        async_loop.take_cancellation()

    async def wait(self) -> None:  # type: ignore[override]
        """Wait as long as `wait_time` says; the user may be stopped meanwhile, also in the middle of a task."""
        if self._taskset_instance is not None:
            await async_loop.rest(self._taskset_instance)

    @asynccontextmanager
    async def measure(
        self,
        request_type: str,
        name: str,
        response_length: int = 0,
        context: dict[str, Any] | None = None,
    ) -> AsyncIterator[dict[str, Any]]:
        """Time a block and count it as a request: whatever it does, with whatever library.

        An exception in the block is swallowed and recorded as the failure of the request, except those that steer the user (`StopUser`
        and its like). A block that is cancelled with its user is no request; it is counted with those that were in flight.

        Args:
            request_type: First column of the statistics.
            name: Second column of the statistics.
            response_length: Bytes received, if known beforehand.
            context: Passed to the listeners, together with the user's own.

        Yields:
            The arguments that `events.request` will be fired with; change them in the block at will.

        Example:
            async with self.measure("WS", "echo") as m:
                await socket.send("hello")
                m["response_length"] = len(await socket.recv())

        Differs from Locust: there is `events.request.measure` alone, which this is for coroutines.
        """
        meta: dict[str, Any] = {
            "request_type": request_type,
            "name": name,
            "response_length": response_length,
            "context": {**self.context(), **(context or {})},
            "exception": None,
            "start_time": time.time(),  # noqa: TID251 - for showing
        }
        began_at = time.perf_counter()
        try:
            yield meta
        except asyncio.CancelledError:
            self.environment.stats.ledger.abort()
            raise
        except (*STEERING_EXCEPTIONS, GeneratorExit):
            # The latter when the block is in an asynchronous generator that is closed half-way: who closed it has had enough.
            meta["response_time"] = (time.perf_counter() - began_at) * 1000
            await self.environment.events.request.fire_async(**meta)
            raise
        except Exception as error:  # it is the measured failure
            meta["exception"] = error
        meta["response_time"] = (time.perf_counter() - began_at) * 1000
        await self.environment.events.request.fire_async(**meta)
