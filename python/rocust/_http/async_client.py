"""`rocust.AsyncClient`: the engine without a load test around it, for scripts, services, tests and notebooks.

It is the session of an `AsyncHttpUser` that belongs to no user: it has statistics of its own, a pool of connections with limits, time
limits, retries and a rate; and `map`, which runs many requests at once (`mapping`).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from rocust._http.async_mapping import AsyncRun, handed_over
from rocust._http.async_session import AsyncHttpSession
from rocust._http.mapping import steps
from rocust._http.standalone import Standalone

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable

    from rocust._http.async_response import AsyncCall, AsyncResponse
    from rocust._http.mapping import Progress
    from rocust._http.policies import Request


class AsyncClient(Standalone, AsyncHttpSession):
    """A client for asyncio on the engine: `async with rocust.AsyncClient() as client: response = await client.get(url)`.

    It needs no load test. A response is there with its whole body, so `text`, `content` and `json()` need no `await`, but for
    `client.stream(...)`. A connection that fails, or a time limit that passes, raises; a status does not, see `raise_for_status()`.

    What it takes: `Standalone.__init__`, which `help(rocust.AsyncClient)` shows.

    Differs from Locust: it has none.
    """

    def stream(  # type: ignore[override]
        self, method: str, url: str, **kwargs: Any
    ) -> AsyncCall:
        """A request whose body is read while it comes: `async with client.stream("GET", url) as response:`.

        The block ends the body; see `AsyncResponse.aiter_bytes`, `aiter_lines` and `aread`.
        """
        return self.request(method, url, stream=True, **kwargs)

    def map(
        self,
        requests: Iterable[str | Request] | AsyncIterable[str | Request],
        *,
        concurrency: int | None = None,
        name: str | None = "map",
        batch: int | None = None,
        on_progress: Callable[[Progress], Any] | None = None,
        progress: bool | None = None,
    ) -> AsyncIterator[Any]:
        """Make many requests at once: `async for response in client.map(urls):`, in the order in which they end.

        Errors are values: a response whose connection failed has status 0 and the exception in `error`, and the others go on. Each
        response knows its place in the order asked for (`index`) and what was asked for (`item`).

        It takes no more from `requests` than it can send, and sends no more than the consumer takes: beside `concurrency` requests under
        way at most as many responses wait. Leaving the loop calls off the rest.

        Args:
            requests: URLs, which are asked for with GET, or `rocust.Request`s; also an endless iterator, or an asynchronous one.
            concurrency: How many requests are under way at once; the client's `limit` by default, and 1,000 without one.
            name: Their label in the statistics. With None each path has one of its own, which takes memory for each.
            batch: Hand over lists of so many responses, and what is left at the end, instead of one after another.
            on_progress: Called with a `Progress` ten times a second at most, after each batch, and at the end. It may be a coroutine
                function.
            progress: Whether a progress bar is shown: by default in a notebook, which needs nothing else for it, and if the standard
                error is a terminal and tqdm or rich is installed (`pip install rocust[progress]`).

        Raises:
            ValueError: For a number of requests that is none.
            Exception: Whatever `requests` raises, once what was asked for before has been handed over.
        """
        run = AsyncRun(self, requests, self.concurrency_of(concurrency, batch), name)
        return handed_over(run, steps(run, batch, on_progress, progress))

    async def _ask(
        self,
        method: str | bytes,
        url: str | bytes,
        name: str | None,
        catch_response: bool,
        context: dict[str, Any],
        data: Any,
        json: Any,
        kwargs: dict[str, Any],
    ) -> AsyncResponse:
        kwargs = self.limited(kwargs)
        attempt = 0
        while True:
            attempt += 1
            if (pause := self.pause()) > 0:
                await asyncio.sleep(pause)
            response = await super()._ask(method, url, name, catch_response, context, data, json, kwargs)
            wait = self.wait_before_next(attempt, response, data, catch_response)
            if wait is None:
                return response
            await asyncio.sleep(wait)

    async def __aenter__(self) -> AsyncClient:
        return self


AsyncClient._ask.__qualname__ = "AsyncClient.request"
