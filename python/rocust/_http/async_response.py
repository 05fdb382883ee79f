"""What coroutines get: a call that is awaited or entered, and a response whose body may come by and by.

The response is that of `HttpSession`. What differs is who waits: listeners may be coroutine functions, and a body that is streamed is
read with `async for`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine, Generator
from typing import TYPE_CHECKING, Any, NoReturn

from requests.exceptions import ContentDecodingError, RequestException, StreamConsumedError
from urllib3.exceptions import DecodeError

from rocust._errors import LocustError
from rocust._http import failures
from rocust._http.cutting import Blocks, Lines
from rocust._http.response import NOT_CATCHING, Lazy, ResponseContextManager, own_dict, read_raw
from rocust._http.streaming import Broken, Pieces, decoder_of

if TYPE_CHECKING:
    from types import TracebackType

    from rocust import _core

_ALL = 1 << 30
"""More than any piece holds: the engine gives as much as it gathers at once."""
_BY_AND_BY = (
    "The body of a streamed response has yet to come. hint: `await response.aread()` reads all of it, "
    "`async for piece in response.aiter_bytes()` one piece after another"
)
_CUT = (
    "The rest of this streamed body will not come: its connection broke off, its reader was cancelled, or its `async with` block ended "
    "before it was read"
)
_ENTERED_WRONGLY = "The calls of an asynchronous client are entered with `async with`, not with `with`."
_NOT_ENTERED = (
    "Only a with-block can judge a response, like this: "
    "`async with client.get(..., catch_response=True) as response:`. This one was awaited."
)


def _raw(response: AsyncResponse) -> Any:
    """The urllib3 response of a body that has been read.

    Raises:
        LocustError: It is streamed: to read that would block.
    """
    if response._body is not None:
        raise LocustError(_BY_AND_BY)
    return read_raw(response)


class AsyncResponse(ResponseContextManager):
    """The response of an asynchronous client: a `requests.Response`, with methods of its own for a body that is streamed.

    `text`, `content` and `json()` need no `await`: unless `stream=True` was asked for, the body is there when the response is. In an
    `async with` block of a call with `catch_response=True`, `success()` and `failure()` judge it, as in Locust.
    """

    _is_plain = True
    #: The body, if it is streamed.
    _body: AsyncBody | None = None
    raw: Any = Lazy(_raw)
    _is_owed = False

    def iter_content(self, chunk_size: int | None = 1, decode_unicode: bool = False) -> Any:
        """The body in blocks, when it is there already.

        Raises:
            LocustError: It is streamed, and has not been read.
        """
        if self._body is not None and self._content is False:
            raise LocustError(_BY_AND_BY)
        return super().iter_content(chunk_size, decode_unicode)

    async def aiter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        """The decoded body as it comes.

        Args:
            chunk_size: How many bytes each piece has but the last; None takes pieces as they come.

        Raises:
            requests.exceptions.RequestException: The body broke off, cannot be decoded, or is larger than `max_body`.
        """
        blocks = Blocks(chunk_size)
        if self._body is None or self._content is not False:
            for block in blocks.cut(self.content) if self.content else ():
                yield block
        else:
            while piece := await self._body.piece(chunk_size or 1):
                for block in blocks.cut(piece):
                    yield block
        for block in blocks.rest():
            yield block

    async def aiter_lines(self) -> AsyncIterator[str]:
        """The lines of the body as they come, without their ends, in the encoding that the headers say, else UTF-8."""
        lines = Lines(self.headers)
        async for piece in self.aiter_bytes():
            for line in lines.cut(piece):
                yield line
        for line in lines.rest():
            yield line

    async def aread(self) -> bytes:
        """The whole body; afterwards `content`, `text` and `json()` have it too."""
        if self._body is not None and self._content is False:
            own = own_dict(self)
            own["_content"] = b"".join([piece async for piece in self._body.rest()])
            own["_content_consumed"] = True
        whole: bytes = self.content
        return whole

    async def aclose(self) -> None:
        """Close the connection of a streamed body that has not been read to its end."""
        self.close()

    def close(self) -> None:
        """As `aclose`; nothing has to be waited for."""
        if self._body is not None:
            self._body.close()

    def success(self) -> None:
        """Report the request as a success, whatever its status. Same as Locust."""
        self._must_be_judged()
        super().success()

    def failure(self, exc: Any) -> None:
        """Report the request as a failure; see `ResponseContextManager.failure`. Same as Locust."""
        self._must_be_judged()
        super().failure(exc)

    def _must_be_judged(self) -> None:
        if not self._catch_response:
            raise LocustError(NOT_CATCHING)
        if not self._entered:
            raise LocustError(_NOT_ENTERED)

    def __enter__(self) -> NoReturn:
        raise LocustError(_ENTERED_WRONGLY)

    def _report(self) -> None:
        """Note that the listeners are to be told: that is done by who can wait for them."""
        exchange = own_dict(self).get("_exchange")
        if exchange is not None:
            exchange.settle()
        self._is_owed = True

    async def told(self) -> None:
        """Tell the listeners, if there is anything to tell, and wait for those that are coroutine functions."""
        if self._is_owed:
            self._is_owed = False
            await self._request_event.fire_async(**self.request_meta)

    async def leave(self, kind: Any, value: Any, traceback: Any) -> bool:
        """End the block that judges the response."""
        try:
            if not self._catch_response:
                return False
            swallows = self.__exit__(kind, value, traceback)
            await self.told()
            return swallows
        finally:
            self.close()


class AsyncBody:
    """The body of a streamed response, decoded, a piece at a time."""

    def __init__(self, exchange: _core.Exchange) -> None:
        """The body that belongs to `exchange`, which has its head."""
        self._pieces = Pieces(exchange)
        #: Whether what is left of it will not come any more: it broke off, or was closed.
        self._is_cut = False
        self._decoder = decoder_of(exchange, self._pieces.max_decoded)

    async def piece(self, wanted: int) -> bytes:
        """What comes of the next bytes, of which so many are waited for; nothing at the end.

        Raises:
            requests.exceptions.RequestException: The body broke off, cannot be decoded, or is larger than `max_body`; or it was closed.
        """
        if self._is_cut:
            raise StreamConsumedError(_CUT)
        while not self._pieces.has_ended:
            # A reader that is cancelled may have had a piece on its way, which nobody will see.
            self._is_cut = True
            try:
                raw = await self._pieces.pull_async(wanted)
                self._is_cut = False
            except Broken as broken:
                raise failures.of_requests(broken.exchange, (None, None))[0] from None
            finally:
                if self._is_cut:
                    self._pieces.close()
            decoded = self._decoded(raw)
            if decoded:
                return decoded
        return b""

    def _decoded(self, raw: bytes) -> bytes:
        try:
            return self._decoder._decode(raw, True, self._pieces.has_ended)
        except RequestException:
            self.close()
            raise
        except DecodeError as error:
            self.close()
            raise ContentDecodingError(error) from None

    async def rest(self) -> AsyncIterator[bytes]:
        """All that is still to come, in large pieces."""
        while piece := await self.piece(_ALL):
            yield piece

    def close(self) -> None:
        """Close the connection, unless the body has been read."""
        self._is_cut = self._is_cut or not self._pieces.has_ended
        self._pieces.close()


def begin(own: dict[str, Any], exchange: _core.Exchange) -> None:
    """Have a response whose attributes are `own` read its body from the engine."""
    own["_body"] = AsyncBody(exchange)
    own["_content"], own["_content_consumed"] = False, False


class AsyncCall(Coroutine[Any, Any, AsyncResponse]):
    """A request that runs when it is awaited, or entered with `async with`.

    It is a coroutine to asyncio, so `create_task`, `gather`, `wait_for` and `TaskGroup.create_task` take it as it is.
    """

    __slots__ = ("_coroutine", "_response")

    _response: AsyncResponse

    def __init__(self, coroutine: Coroutine[Any, Any, AsyncResponse]) -> None:
        self._coroutine = coroutine

    def __await__(self) -> Generator[Any, Any, AsyncResponse]:
        return self._coroutine.__await__()

    def send(self, value: Any) -> Any:
        """As a coroutine's."""
        return self._coroutine.send(value)

    def throw(self, *error: Any) -> Any:
        """As a coroutine's."""
        return self._coroutine.throw(*error)

    def close(self) -> None:
        """As a coroutine's."""
        self._coroutine.close()

    def __getattr__(self, name: str) -> NoReturn:
        """Nothing is here; who looks for something of the response has forgotten to await it.

        Raises:
            AttributeError: Always.
        """
        problem = f"{type(self).__name__!r} object has no attribute {name!r}"
        if not name.startswith("_") and hasattr(AsyncResponse, name):
            problem += ": the response has it, which comes of awaiting this. hint: `response = await client.get(...)`"
        raise AttributeError(problem)

    def __enter__(self) -> NoReturn:
        self._coroutine.close()
        raise LocustError(_ENTERED_WRONGLY)

    def __exit__(self, *_: object) -> None:
        """Never come to; Python wants it before it enters."""

    async def __aenter__(self) -> AsyncResponse:
        response = self._response = await self._coroutine
        response._entered = response._catch_response
        return response

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        return await self._response.leave(kind, value, traceback)
