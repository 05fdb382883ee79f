"""`rocust.AsyncClient`: the engine without a load test around it, for scripts, services, tests and notebooks.

It is the session of an `AsyncHttpUser` that belongs to no user: it has statistics of its own, a pool of connections with limits, time
limits, retries and a rate; and `map`, which runs many requests at once (`mapping`).
"""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from rocust import _core
from rocust._events import EventHook
from rocust._http import tls
from rocust._http.address import split_credentials
from rocust._http.async_session import AsyncHttpSession
from rocust._http.mapping import Run, batches, results
from rocust._http.policies import Pacer, Retry, Timeout
from rocust._http.recording import StatsListener
from rocust._http.state import ENCODED_DEFAULT_HEADERS
from rocust._http.wire import PLAIN
from rocust._stats import RequestStats

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Mapping

    from rocust._http.async_response import AsyncCall, AsyncResponse
    from rocust._http.mapping import Progress
    from rocust._http.policies import Request
    from rocust._http.uploading import SentBody

_NO_LIMIT = 1_000_000


class Limits(tuple[float | None, float | None]):
    """Connect and read limits as the session takes them, with the total beside them."""

    total: float | None = None

    @classmethod
    def of(cls, timeout: Any) -> Limits:
        """The limits that a caller wrote: a `Timeout`, seconds in total, None for none, or a pair of connect and read."""
        if isinstance(timeout, Limits):
            return timeout
        if timeout is None:
            timeout = Timeout(total=None)
        elif isinstance(timeout, tuple):
            timeout = Timeout(None, *timeout)
        elif not isinstance(timeout, Timeout):
            timeout = Timeout(total=timeout)
        limits = cls((timeout.connect, timeout.read))
        limits.total = timeout.total
        return limits


class AsyncClient(AsyncHttpSession):
    """A client for asyncio on the engine: `async with rocust.AsyncClient() as client: response = await client.get(url)`.

    It needs no load test. A response is there with its whole body, so `text`, `content` and `json()` need no `await`, but for
    `client.stream(...)`. A connection that fails, or a time limit that passes, raises; a status does not, see `raise_for_status()`.

    Args:
        base_url: What paths are appended to.
        limit: How many requests may be under way at once; those beyond wait for their turn, in order. None is no limit.
        limit_per_host: The same at each server (scheme, host and port).
        dns_ttl: For how many seconds addresses are used that a name resolved to; 5 by default. It is the process that remembers them.
        timeout: A `Timeout`, or a number of seconds in total. A call may have another one.
        retries: When a request is sent again; never, by default.
        rate: How many requests a second may begin, evenly spaced; retries count.
        http2: Whether to speak HTTP/2 where the server does.
        headers: Sent with every request, over the usual ones.
        verify: Whether to check certificates, or a file with those to believe.

    Raises:
        ValueError: For a limit, rate or time that cannot be.

    Differs from Locust: it has none.
    """

    trust_env = False

    def __init__(
        self,
        base_url: str | None = None,
        *,
        limit: int | None = 1000,
        limit_per_host: int | None = None,
        dns_ttl: float | None = None,
        timeout: Timeout | float | None = Timeout(),  # noqa: B008 - it is frozen
        retries: Retry | None = None,
        rate: float | None = None,
        http2: bool = False,
        headers: Mapping[str, str] | None = None,
        verify: Any = True,
    ) -> None:
        for name, value in (("limit", limit), ("limit_per_host", limit_per_host)):
            if value is not None and not _is_count(value):
                raise ValueError(f"{name} is a number of requests, at least 1, or None for no limit; it is {value!r}")
        stats = RequestStats()
        request_event = EventHook()
        request_event.add_listener(StatsListener(SimpleNamespace(stats=stats)))
        super().__init__(base_url, request_event, None)
        pool = _core.Pool(limit or _NO_LIMIT, limit_per_host, limit or _NO_LIMIT)
        own = self.__dict__
        own["_client"] = client = _core.Client(
            "requests", split_credentials(base_url)[0] or "", ENCODED_DEFAULT_HEADERS, tls.DEFAULT, pool
        )
        own["stats"], own["limit"], own["_retries"] = stats, limit, retries
        own["_pacer"] = None if rate is None else Pacer(rate)
        own["_limits"] = limits = Limits.of(timeout)
        client.set_limits(*limits, self.max_redirects, limits.total)
        self.wire = PLAIN.but(http2=http2, dns_ttl=dns_ttl)
        if headers:
            self.headers.update(headers)
        if verify is not True:
            self.verify = verify

    stats: RequestStats
    #: How many requests may be under way at once; None is no limit.
    limit: int | None
    _retries: Retry | None
    _pacer: Pacer | None
    _limits: Limits

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
        wanted = concurrency if concurrency is not None else self.limit or 1000
        for label, value in (("concurrency", wanted), ("batch", batch)):
            if value is not None and not _is_count(value):
                raise ValueError(f"{label} is a number of requests, at least 1; it is {value!r}")
        run = Run(self, requests, wanted, name)
        if batch is not None:
            return batches(run, batch, on_progress, progress)
        return results(run, on_progress, progress)

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
        retries = None if catch_response or is_made_while_sent(data) else self._retries
        loop = asyncio.get_running_loop()
        attempt = 0
        while True:
            attempt += 1
            if self._pacer is not None and (pause := self._pacer.wait(loop.time())) > 0:
                await asyncio.sleep(pause)
            response = await super()._ask(method, url, name, catch_response, context, data, json, kwargs)
            wait = None if retries is None else retries.wait_after(attempt, response, response.error)
            if wait is None:
                break
            response.close()
            await asyncio.sleep(wait)
        if response.error is not None and not catch_response:
            raise response.error
        return response

    @staticmethod
    def limited(kwargs: dict[str, Any]) -> dict[str, Any]:
        """A call's arguments with its time limits as the session takes them."""
        return {**kwargs, "timeout": Limits.of(kwargs["timeout"])} if "timeout" in kwargs else kwargs

    def _extra(
        self, method: Any, url: Any, data: Any, json: Any, kwargs: dict[str, Any], sent: SentBody | None = None
    ) -> dict[str, Any]:
        limits = kwargs.get("timeout", self._limits)
        extra = super()._extra(method, url, data, json, {**kwargs, "timeout": limits}, sent)
        extra["total_timeout"] = limits.total
        return extra

    def _reported(self, exchange: Any, call: Any, catch_response: bool, timeout: Any, own_error: Any = None) -> Any:
        limits = self._limits if timeout is None else timeout
        return super()._reported(exchange, call, catch_response, limits, own_error)

    async def __aenter__(self) -> AsyncClient:
        return self


AsyncClient._ask.__qualname__ = "AsyncClient.request"


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and value >= 1


def is_made_while_sent(data: Any) -> bool:
    """Whether a body is gone once it was sent."""
    return hasattr(data, "__next__") or hasattr(data, "__aiter__") or hasattr(data, "read")
