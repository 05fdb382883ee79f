"""`AsyncHttpUser.client`: the session of `HttpUser`, awaited.

Settings, arguments, statistics and responses are those of `HttpSession`; here a call waits in a coroutine. What `HttpSession` leaves to
`requests` itself blocks a thread while it waits, and here a thread serves all users: such a call is refused, in one sentence.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

from rocust import _core
from rocust._errors import LocustError
from rocust._http import arguments, async_response, environment, failures, paths, tracing, uploading
from rocust._http.async_response import AsyncCall, AsyncResponse
from rocust._http.async_uploading import AsyncSentBody
from rocust._http.recording import ledgers
from rocust._http.response import own_dict
from rocust._http.session import HttpSession
from rocust._http.state import why_not_plain
from rocust._http.submitting import SubmittingSession
from rocust._kernel import looproom

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator, Mapping
    from contextlib import AbstractContextManager

    from rocust._http.submitting import BodyVerb, Verb

_new = AsyncResponse.__new__
_NO_CONTEXT: dict[str, Any] = {}
#: Arguments of a call that are taken, and those that are refused, but not as somebody's mistake in writing.
_KNOWN = SubmittingSession._plain | {"hooks"}

#: The labels of `rename_request`, by session: a block is its task's own, and that of the tasks it starts.
_labels: ContextVar[Mapping[AsyncHttpSession, str]] = ContextVar("rocust_request_names")
_NO_LABELS: Mapping[AsyncHttpSession, str] = MappingProxyType({})


class AsyncHttpSession(SubmittingSession):
    """A session whose methods are awaited: `response = await session.get("/")`.

    Arguments and attributes are those of `HttpSession`. A call may also be entered: `async with session.get("/", catch_response=True) as
    response:` judges the response, and with `stream=True` the block ends the body. Several calls at once (`asyncio.gather`) use a
    connection each.

    What only `requests`' own code can do is refused: authentication objects (a pair of name and password is basic authentication),
    hooks, mounted adapters, a `pool_manager`, a cookie policy, and `stream` for the whole session. A body made by a file or an iterator
    is read in the loop, piece by piece; one made by an asynchronous iterator is awaited.
    """

    _response_kind = AsyncResponse
    _begin_streaming = staticmethod(async_response.begin)

    if TYPE_CHECKING:
        get: Verb[AsyncCall]  # type: ignore[assignment]
        options: Verb[AsyncCall]  # type: ignore[assignment]
        head: Verb[AsyncCall]  # type: ignore[assignment]
        delete: Verb[AsyncCall]  # type: ignore[assignment]
        post: BodyVerb[AsyncCall]  # type: ignore[assignment]
        put: BodyVerb[AsyncCall]  # type: ignore[assignment]
        patch: BodyVerb[AsyncCall]  # type: ignore[assignment]
    _refusal = (
        "An asynchronous client cannot make this call, since requests' own code would block the loop: {problem}. "
        "hint: make it with `HttpUser`, or with another library in `asyncio.to_thread`."
    )

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._own_code = paths.overridden_in(cls, AsyncHttpSession)
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
    ) -> AsyncCall:
        """A request to be awaited, or to be entered with `async with`; nothing is sent before.

        Args:
            method: The HTTP method.
            url: A path, which is appended to `base_url`, or a whole URL.
            name: The label in the statistics; the path by default.
            catch_response: Whether an `async with` block will judge the response.
            context: Passed to listeners, together with the user's own context.
            data: The body: a dict or pairs (form), text or bytes; a file, an iterator or an asynchronous one is sent piece by piece.
            json: The body as JSON.
            **kwargs: `params headers cookies auth timeout allow_redirects verify cert files stream proxies max_body`, as `HttpSession`
                takes them.

        Returns:
            A call. Its response is `AsyncResponse`; a connection that failed gives one with status 0 and the exception in `error`.

        Raises:
            requests.exceptions.InvalidURL: When it is awaited; and `MissingSchema`, `InvalidSchema`, for a URL that cannot be requested.
            LocustError: When it is awaited, for what needs `requests`' own code.

        A task that is cancelled here ends the request: its connection is closed, and it is counted as aborted, not as a failure.
        """
        return AsyncCall(self._ask(method, url, name, catch_response, context, data, json, kwargs))

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
        name = name or _labels.get(_NO_LABELS).get(self) or self.request_name
        ledger, is_direct = ledgers(self.request_event, self.user)
        room = looproom.current()
        future = asyncio.get_running_loop().create_future()
        is_direct = is_direct and not catch_response
        if self._is_bare(url, data, json, kwargs):
            try:
                key = self._client.send(room.port, future, ledger, is_direct, method, url, name)
            except _core.InvalidTarget as problem:
                raise failures.invalid_target(problem) from None
            exchange = await room.park(future, key)
            extra: dict[str, Any] | None = None
            body: Any = None
        else:
            extra, body, trace = self._prepared(method, url, name, data, json, kwargs)
            key = self._submitted(room.port, future, ledger, is_direct, method, name, extra)
            exchange = await _followed(
                trace, room.park(future, key) if body is None else body.exchange_in(room, future, key)
            )
            if trace is not None and exchange is not False:
                trace.end(exchange, self._traced_error(exchange, body, kwargs) if exchange.failed else None)
        if exchange is False:
            raise RuntimeError(failures.LOST)
        call = (self, method, name, context, extra, url)
        if exchange.is_settled and not catch_response:
            response = _new(AsyncResponse)
            response._exchange, response._call = exchange, call
            if extra is not None and extra["is_streamed"]:
                async_response.begin(own_dict(response), exchange)
            return response
        own_error = body.error if body is not None else None
        reported: Any = self._reported(exchange, call, catch_response, kwargs.get("timeout"), own_error)
        await reported.told()
        return reported.usable()  # type: ignore[no-any-return]

    @staticmethod
    def _sent_body(data: Any, method: Any) -> AsyncSentBody | None:
        if data is None or not (uploading.is_streamed(data) or hasattr(data, "__aiter__")):
            return None
        return AsyncSentBody(data, arguments.text(method), uploading.length_of(data))

    def _why_by_requests(self, kwargs: dict[str, Any]) -> str | None:
        if unknown := sorted(kwargs.keys() - _KNOWN):
            raise TypeError(f"request() got an unexpected keyword argument {unknown[0]!r}")
        # Who has patched `requests` has patched what is not used here.
        return (
            paths.unplain(kwargs, self._plain)
            or (self._is_touched and why_not_plain(self))
            or (self.trust_env and environment.speaks())
            or None
        )

    def rename_request(self, name: str) -> AbstractContextManager[None]:
        """Group the requests of a `with` block under `name`: those of this task, and of the tasks that the block starts.

        Differs from Locust: there it concerns all requests of the session meanwhile, also those of other greenlets.
        """
        return _labelled(self, name)

    def mount(self, prefix: Any, adapter: Any) -> NoReturn:
        """Refused: adapters block.

        Raises:
            LocustError: Always.
        """
        raise LocustError("An asynchronous client has no adapters: they block the loop. hint: `HttpUser` takes them.")

    def send(self, request: Any, **kwargs: Any) -> NoReturn:
        """Refused: a prepared request is for `requests`, which blocks.

        Raises:
            LocustError: Always.
        """
        raise LocustError(
            "An asynchronous client sends no prepared requests. hint: `await client.request(method, url, ...)`."
        )

    async def aclose(self) -> None:
        """Close this session's connections, and return when that is done.

        Those of requests that were cancelled are among them, also when they are still being closed. A request that is under way goes
        on, and keeps its connection until it ends. The session may be used again.

        Differs from Locust: it has no asynchronous client.
        """
        closing = self._client.closing()
        if closing is not None:
            await closing

    async def __aenter__(self) -> AsyncHttpSession:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


# What Python says was never awaited is a call of this.
AsyncHttpSession._ask.__qualname__ = "AsyncHttpSession.request"

# They are overridden to be refused, which needs no code of anybody.
AsyncHttpSession._own_code = None
AsyncHttpSession._is_touched = False


async def _followed(trace: tracing.Trace | None, answer: Coroutine[Any, Any, Any]) -> Any:
    """Wait for the answer to a request; who follows it is told when nobody waits for it any more."""
    try:
        return await answer
    except BaseException as error:
        if trace is not None:
            trace.break_off(error)
        raise


@contextmanager
def _labelled(session: AsyncHttpSession, name: str) -> Iterator[None]:
    token = _labels.set({**_labels.get(_NO_LABELS), session: name})
    try:
        yield
    finally:
        _labels.reset(token)
