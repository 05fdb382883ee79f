"""`rocust.Client`: the blocking twin of `rocust.AsyncClient`.

It is the session of an `HttpUser` that belongs to no user. A call waits where the engine finds it (`_kernel/mailroom`): greenlets let
others go on meanwhile, any other thread blocks, and several threads may share a client. Calls that need `requests`' own code have it.
"""

from __future__ import annotations

import heapq
import inspect
import itertools
import time
from collections.abc import AsyncIterable
from typing import TYPE_CHECKING, Any

from requests.exceptions import RequestException, StreamConsumedError

from rocust import _core
from rocust._http import paths
from rocust._http.cutting import Blocks, Lines
from rocust._http.mapping import Pause, Run, steps
from rocust._http.response import ResponseContextManager, own_dict
from rocust._http.session import HttpSession
from rocust._http.standalone import Standalone
from rocust._http.streaming import AS_IT_COMES
from rocust._kernel import mailroom

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from requests import PreparedRequest, Response

    from rocust._http.mapping import Progress
    from rocust._http.policies import Request
    from rocust._http.submitting import BodyVerb, Verb

_NO_CONTEXT: dict[str, Any] = {}
_CUT = "The rest of this streamed body will not come: it has been read, its connection broke off, or its `with` block has ended"


class ClientResponse(ResponseContextManager):
    """The response of a blocking client: that of `HttpSession`, with the names that `AsyncResponse` has for a body that is streamed.

    A `with` block closes it, and judges it if the call was made with `catch_response=True`.
    """

    _is_plain = True

    def iter_content(self, chunk_size: int | None = 1, decode_unicode: bool = False) -> Any:
        """The body in blocks. Same as requests, but that nothing is taken for the end of a body that was closed or broke off."""
        if self._content is not False:
            return super().iter_content(chunk_size, decode_unicode)
        if self._content_consumed:
            raise StreamConsumedError(_CUT)
        return self._while_it_comes(super().iter_content(chunk_size, decode_unicode))

    def _while_it_comes(self, coming: Iterator[Any]) -> Iterator[Any]:
        try:
            yield from coming
        except RequestException:
            self.close()
            raise

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """The decoded body as it comes.

        Args:
            chunk_size: How many bytes each piece has but the last; None takes pieces as they come.

        Raises:
            requests.exceptions.RequestException: The body broke off, cannot be decoded, or is larger than `max_body`.
        """
        if own_dict(self).get("raw", self) is None:
            # The connection failed.
            return
        blocks = Blocks(chunk_size)
        # `iter_content` has no pieces of its own for a body that is there already: all of it is one.
        for piece in self.iter_content(AS_IT_COMES if self._content is False else None):
            yield from blocks.cut(piece)
        yield from blocks.rest()

    def iter_lines(
        self, chunk_size: int | None = None, decode_unicode: bool = True, delimiter: Any = None
    ) -> Iterator[Any]:
        """The lines of the body as they come, without their ends, as text in the encoding that the headers say, else UTF-8.

        Args:
            chunk_size: How many bytes are waited for at once; None takes them as they come.
            decode_unicode: With False, lines are bytes, as in `requests`.
            delimiter: What ends a line instead, as in `requests`.

        Differs from requests: there they are bytes unless asked for, and end at whatever `splitlines` takes for an end.
        """
        if delimiter is not None or not decode_unicode:
            yield from super().iter_lines(chunk_size or AS_IT_COMES, decode_unicode, delimiter)
            return
        lines = Lines(self.headers)
        for piece in self.iter_bytes(chunk_size):
            yield from lines.cut(piece)
        yield from lines.rest()

    def read(self) -> bytes:
        """The whole body; afterwards `content`, `text` and `json()` have it too.

        Raises:
            requests.exceptions.RequestException: As `iter_bytes`; or its block has ended, or it was read by pieces before.
        """
        if self._content is False and self._content_consumed:
            raise StreamConsumedError(_CUT)
        whole: bytes | None = self.content
        return whole or b""

    def close(self) -> None:
        """Close the connection of a streamed body that has not been read to its end."""
        own = own_dict(self)
        # What has no `raw` so far has been read.
        if own.get("raw") is not None:
            super().close()
            # `requests` refuses to read it from now on; from a closed connection it would read an empty body.
            own["_content_consumed"] = True

    def __enter__(self) -> ClientResponse:
        """Begin to use the response, or to judge it."""
        if self._catch_response:
            super().__enter__()
        return self

    def __exit__(self, kind: Any, value: Any, traceback: Any) -> bool:  # type: ignore[override]
        """Close the response; with `catch_response=True`, report the request first."""
        try:
            return self._catch_response and super().__exit__(kind, value, traceback)
        finally:
            self.close()


class Client(Standalone):
    """A blocking client on the engine: `with rocust.Client() as client: response = client.get(url)`.

    It needs no load test. Its arguments, settings and statistics are those of `rocust.AsyncClient`, its calls those of a
    `requests.Session`. A connection that fails, or a time limit that passes, raises; a status does not, see `raise_for_status()`.

    Threads may share one; in a greenlet a call lets the others go on, patched or not. Where an asyncio loop runs, a call blocks it.

    What it takes: `Standalone.__init__`, which `help(rocust.Client)` shows.

    Differs from Locust: it has none.
    """

    _response_kind = ClientResponse

    if TYPE_CHECKING:
        get: Verb[ClientResponse]
        options: Verb[ClientResponse]
        head: Verb[ClientResponse]
        delete: Verb[ClientResponse]
        post: BodyVerb[ClientResponse]
        put: BodyVerb[ClientResponse]
        patch: BodyVerb[ClientResponse]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._own_code = paths.overridden_in(cls, Client)
        cls._is_touched = cls._own_code is not None or cls._build_url is not HttpSession._build_url

    def request(  # type: ignore[override]
        self,
        method: str | bytes,
        url: str | bytes,
        name: str | None = None,
        catch_response: bool = False,
        context: dict[str, Any] = _NO_CONTEXT,
        *,
        data: Any = None,
        json: Any = None,
        **kwargs: Any,
    ) -> ClientResponse:
        """Send a request and wait for its response; what it takes is what `HttpSession.request` takes.

        Raises:
            requests.exceptions.RequestException: The connection failed, or a time limit passed, with the last attempt.
            TypeError: `data` can only be awaited.
        """
        if hasattr(data, "__aiter__"):
            raise TypeError(
                "data is an asynchronous iterator, which a blocking client cannot read. hint: rocust.AsyncClient"
            )
        self._refuse_two_bodies(data, kwargs)
        kwargs = self.limited(kwargs)
        attempt = 0
        while True:
            attempt += 1
            if (pause := self.pause()) > 0:
                mailroom.current().sleep(pause)
            response: Any = super().request(method, url, name, catch_response, context, data=data, json=json, **kwargs)
            wait = self.wait_before_next(attempt, response, data, catch_response)
            if wait is None:
                return response  # type: ignore[no-any-return]
            mailroom.current().sleep(wait)

    def _by_requests(
        self,
        reason: str,
        method: Any,
        url: Any,
        name: str | None,
        catch_response: bool,
        context: dict[str, Any],
        data: Any,
        json: Any,
        kwargs: dict[str, Any],
    ) -> ResponseContextManager:
        kwargs = {**self._unless_told, **kwargs}
        return super()._by_requests(reason, method, url, name, catch_response, context, data, json, kwargs)

    def send(self, request: PreparedRequest, **kwargs: Any) -> Response:
        """Send a request that `requests` has prepared, with the client's time limits. Same as requests, and no statistics."""
        return super().send(request, **{**self._unless_told, **kwargs})

    @property
    def _unless_told(self) -> dict[str, Any]:
        """What `requests` would look for in the session's attributes, where it would find no limit, and a method called `stream`."""
        return {"timeout": self._limits, "stream": False}

    def stream(  # type: ignore[override]
        self, method: str, url: str, **kwargs: Any
    ) -> ClientResponse:
        """A request whose body is read while it comes: `with client.stream("GET", url) as response:`.

        The block ends the body; see `ClientResponse.iter_bytes`, `iter_lines` and `read`.
        """
        return self.request(method, url, stream=True, **kwargs)

    def map(
        self,
        requests: Iterable[str | Request],
        *,
        concurrency: int | None = None,
        name: str | None = "map",
        batch: int | None = None,
        on_progress: Callable[[Progress], Any] | None = None,
        progress: bool | None = None,
    ) -> Iterator[Any]:
        """Make many requests at once: `for response in client.map(urls):`, in the order in which they end.

        It needs no threads. Arguments, errors as values and back-pressure are those of `AsyncClient.map`; `on_progress` is a plain
        function. Answers come in while one is waited for: a consumer that computes for long leaves the target idle once
        `concurrency` answers are there. Leaving the loop calls off the rest.

        Raises:
            ValueError: For a number of requests that is none.
            TypeError: `requests` or `on_progress` is asynchronous.
            Exception: Whatever `requests` raises, once what was asked for before has been handed over.
        """
        if isinstance(requests, AsyncIterable):
            raise TypeError("map of a blocking client takes no asynchronous iterator. hint: rocust.AsyncClient")
        if inspect.iscoroutinefunction(on_progress):
            raise TypeError("on_progress of a blocking client is a plain function, not a coroutine function")
        run = BlockingRun(self, requests, self.concurrency_of(concurrency, batch), name)
        return _handed_over(run, steps(run, batch, on_progress, progress))


# `send` is overridden to say what the client's settings are: no code of anybody.
Client._own_code = None
Client._is_touched = False


class BlockingRun(Run):
    """A run that goes on while its consumer waits for it."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        #: What is due when, the next one first; numbered, since functions have no order.
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def _open_port(self) -> _core.Port:
        self._watch = mailroom.Watch()
        return self._watch.port

    def _later(self, seconds: float, function: Callable[[], None]) -> None:
        heapq.heappush(self._due, (time.monotonic() + seconds, next(self._numbers), function))

    def wait(self, at_most_s: float | None) -> None:
        """Until there is an answer, something is due, or the time is up."""
        if self.ready or self.is_over:
            return
        if self._due:
            due_in_s = max(0.0, self._due[0][0] - time.monotonic())
            at_most_s = due_in_s if at_most_s is None else min(at_most_s, due_in_s)
        self._watch.wait(at_most_s)
        self.take()
        while self._due and self._due[0][0] <= time.monotonic():
            heapq.heappop(self._due)[2]()


def _handed_over(run: BlockingRun, coming: Generator[Any, None, None]) -> Generator[Any, None, None]:
    """What comes of a run's steps, which are waited for."""
    try:
        for step in coming:
            if type(step) is Pause:
                run.wait(step.seconds)
            else:
                yield step
    finally:
        coming.close()
