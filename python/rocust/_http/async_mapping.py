"""`AsyncClient.map`: a run that an asyncio loop drives.

The loop watches the run's doorbell, so answers are taken and more is sent also while the consumer is busy with something else. The loop
holds the run, the asynchronous generator holds the run, and nobody holds the generator but its consumer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable
from typing import TYPE_CHECKING, Any

from rocust._http.mapping import Asked, Pause, Run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Generator


class AsyncRun(Run):
    """A run on a loop, whose source may be asynchronous."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._woken: asyncio.Future[None] | None = None
        self._room: asyncio.Event | None = None
        self._feeder: asyncio.Task[None] | None = None
        self._timers: set[asyncio.TimerHandle] = set()

    def begin(self) -> None:
        """Send the first requests."""
        self._loop = asyncio.get_running_loop()
        super().begin()
        self._loop.add_reader(self._port.fd, self._drain)

    def _open_source(self) -> None:
        if isinstance(self._source, AsyncIterable):
            self._room = asyncio.Event()
            self._feeder = self._loop.create_task(self._feed(self._source))
        else:
            super()._open_source()

    def close(self) -> None:
        """Call off what is under way."""
        if self._port is None:
            return
        self._loop.remove_reader(self._port.fd)
        super().close()
        for timer in self._timers:
            timer.cancel()
        if self._feeder is not None:
            self._feeder.cancel()

    async def wait(self, at_most_s: float | None = None) -> None:
        """Until there is an answer, until there will be none, or until the time is up."""
        if self.ready or self.is_over:
            return
        self._woken = self._loop.create_future()
        timer = None if at_most_s is None else self._loop.call_later(at_most_s, self._wake)
        try:
            await self._woken
        finally:
            self._woken = None
            if timer is not None:
                timer.cancel()

    def telling(self, response: Any) -> Awaitable[Any] | None:
        """What is to be awaited until all listeners know of a response, if anything is."""
        return response.told() if response._is_owed else None

    def fill(self) -> None:
        """Send as many requests as there is room for."""
        if self._room is None:
            super().fill()
        elif not self._is_full():
            # They come from somewhere else, who waits for room.
            self._room.set()

    def _wake(self) -> None:
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)

    def _later(self, seconds: float, function: Callable[[], None]) -> None:
        def call() -> None:
            self._timers.discard(timer)
            function()

        timer = self._loop.call_later(seconds, call)
        self._timers.add(timer)

    def _drain(self) -> None:
        self.take()
        self._wake()

    async def _feed(self, source: AsyncIterable[Any]) -> None:
        """Take items from an asynchronous source, no more than there is room for."""
        assert self._room is not None
        try:
            async for item in source:
                while self._is_full():
                    self._room.clear()
                    await self._room.wait()
                pacer = self.client._pacer
                if pacer is not None and (pause := pacer.wait(time.monotonic())) > 0:
                    await asyncio.sleep(pause)
                self._submit(Asked(self._count, item))
                self._count += 1
        except BaseException as error:
            self._end_source(error)
            if not isinstance(error, Exception):
                raise
        else:
            self._end_source(None)


async def handed_over(run: AsyncRun, steps: Generator[Any, None, None]) -> AsyncIterator[Any]:
    """What comes of a run's steps, which are waited for."""
    try:
        for step in steps:
            if type(step) is not Pause:
                yield step
            elif step.awaitable is not None:
                await step.awaitable
            else:
                await run.wait(step.seconds)
    finally:
        steps.close()
