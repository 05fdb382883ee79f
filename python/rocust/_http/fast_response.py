"""The response a task gets from `FastHttpUser.client`, and the request behind it; their parts are made when they are read.

Nothing here sends anything or knows a session.
"""

from __future__ import annotations

import io
import json as standard_json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from requests.utils import get_encoding_from_headers

from rocust._errors import CatchResponseError, LocustError, ResponseError
from rocust._http.address import absolute_http_url_regexp
from rocust._http.fast_errors import FastConnectionError, HTTPConnectionClosed, LocustBadStatusCode
from rocust._http.fast_headers import Headers
from rocust._http.json_text import DOUBTFUL, parsed
from rocust._http.streaming import FastStream, undone
from rocust._stats import Timings, timings_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rocust import _core
    from rocust._events import EventHook

_NOT_CATCHING = (
    "If you want to change the state of the request, you must pass catch_response=True. "
    "See http://docs.locust.io/en/stable/writing-a-locustfile.html#validating-responses"
)
_NOT_ENTERED = (
    "Tried to set status on a request that has not yet been made. Make sure you use a with-block, like this:\n\n"
    "with self.client.request(..., catch_response=True) as response:\n    response.{call}"
)


class Asked(NamedTuple):
    """What a call asked for: all that is known of a request that was never sent."""

    method: str
    url: str
    headers: list[tuple[str, bytes]]
    body: bytes | str | None


#: The same before anybody looks: method, path or URL, base URL, headers and body. Most responses are never asked for it.
Call: TypeAlias = tuple[str, str, str | None, list[tuple[str, bytes]], bytes | None]


def asked_of(call: Call) -> Asked:
    """What a call asked for, its URL put together."""
    method, path, base_url, headers, body = call
    return Asked(method, whole_url(base_url, path), headers, body)


def whole_url(base_url: str | None, path: str) -> str:
    """`path` appended to the base URL, unless it is a whole URL already."""
    return path if absolute_http_url_regexp.match(path) else f"{base_url}{path}"


class FastRequest:
    """What was sent. Same as Locust, for what a finished request can tell."""

    def __init__(self, exchange: _core.Exchange, url: str, asked: Asked) -> None:
        """The request behind `exchange`, which went to `url` and was `asked` for."""
        self._exchange = exchange
        self._asked = asked
        self.url = url
        self.method = exchange.request_method or asked.method.upper()

    @property
    def headers(self) -> Headers:
        """The headers, but for what the connection adds. Same as Locust."""
        written = [(name, value.decode("latin-1")) for name, value in self._asked.headers]
        spelling = {name.lower(): name for name, _ in written}
        sent = self._exchange.request_headers()
        own = [
            (spelling.get(name, name.title()), value) for name, value in sent if name in spelling or name == "cookie"
        ]
        return Headers(own or written)

    @property
    def payload(self) -> Any:
        """The body as it was given to the connection: JSON is text, a form is bytes; None without one. Same as Locust."""
        sent = self._exchange.request_body
        if sent or self._exchange.failed:
            return self._asked.body or sent or None
        return None

    @property
    def body(self) -> Any:
        """The same as `payload`. Same as Locust."""
        return self.payload


class FastResponse:
    """A response of `FastHttpUser.client`; its parts are made when they are read.

    Same as Locust.
    """

    _headers: Headers | None = None
    _encoding: Any = None
    _was_json = False
    _stream: io.BytesIO | FastStream | None = None
    #: What was read for `content` of a body that was streamed or broke off.
    _content: bytes | None = None
    #: What can still be read of a body that broke off or could not be decoded; None of a whole one.
    _leftover: bytes | None = None
    #: The response at the end of the redirects, in whose history this one is.
    _end: FastResponse | None = None
    #: The exception a failed request was reported with, if it failed.
    #: Not there when nothing failed. Same as Locust.
    error: BaseException

    def __init__(self, exchange: _core.Exchange, call: Call) -> None:
        """The response of `exchange`, to what `call` asked for."""
        self._exchange = exchange
        self._call = call

    @property
    def _asked(self) -> Asked:
        return asked_of(self._call)

    def __enter__(self) -> Any:
        """A response may be used in a `with` block; without `catch_response=True` that changes nothing. Same as Locust."""
        return self

    def __exit__(self, kind: Any = None, value: Any = None, traceback: Any = None) -> bool | None:
        """Leave the block; a streamed body that has not been read is given up. Same as Locust."""
        self.release()
        return None

    def begin_streaming(self) -> None:
        """Read the body while it comes."""
        self._stream = FastStream(self._exchange)

    def release(self) -> None:
        """Close the connection of a streamed body, unless that has been read. Same as Locust."""
        if isinstance(self._stream, FastStream):
            self._stream.release()

    @property
    def status_code(self) -> int:
        """The status; 0 when there was no response. Same as Locust."""
        return self._exchange.status

    @property
    def ok(self) -> bool:
        """Whether the status is below 400. Same as Locust."""
        return self.status_code < 400

    @property
    def headers(self) -> Headers | None:
        """The response's headers, whatever their case; None when there was no response. Same as Locust."""
        if self._exchange.failed:
            return None
        if self._headers is None:
            self._headers = Headers(self._exchange.headers())
        return self._headers

    @property
    def status(self) -> str:
        """The status as text, as urllib3 has it. Same as Locust."""
        return str(self.status_code)

    @property
    def data(self) -> bytes | None:
        """The body, as urllib3 calls it. Same as Locust."""
        return self.content

    def isclosed(self) -> bool:
        """Whether the body has been read whole. Same as Locust."""
        return not isinstance(self._stream, FastStream) or self._content is not None

    def __len__(self) -> int:
        """The length that the server declared.

        Raises:
            TypeError: When it declared none.

        Same as Locust.
        """
        return int(self.headers["content-length"]) if self.headers and "content-length" in self.headers else None  # type: ignore[return-value]

    def __bool__(self) -> bool:
        """A response is true.

        Differs from Locust: there one with an empty body is false, and asking one that declares no length raises.
        """
        return True

    def info(self) -> Headers | None:
        """The headers, as http.client calls them. Same as Locust."""
        return self.headers

    @property
    def encoding(self) -> Any:
        """None until the first use of `text` or `json()`; assign it before where the server does not say, or lies. Same as Locust."""
        if self._encoding is None and self._was_json:
            self._encoding = get_encoding_from_headers(self.headers or {})
        return self._encoding

    @encoding.setter
    def encoding(self, encoding: Any) -> None:
        self._encoding = encoding

    @property
    def content(self) -> bytes | None:
        """The body, or what has not been read of a streamed one; None when there was no response.

        Of a body that broke off: what had come of it.

        Raises:
            zlib.error: When the body cannot be decoded, which the request has failed with already.

        Same as Locust.
        """
        if self._leftover is None and not isinstance(self._stream, FastStream):
            return None if self._exchange.failed else self._exchange.body
        if self._content is None:
            encoding = (self.headers.get("content-encoding", "identity") if self.headers else "identity").lower()
            is_streamed = isinstance(self._stream, FastStream)
            self._content = self._stream.decoded(encoding) if is_streamed else undone(encoding, self._leftover or b"")  # type: ignore[union-attr]
        return self._content

    @property
    def text(self) -> str | None:
        """The body as text. Same as Locust."""
        content = self.content
        if content is None:
            return None
        if self.encoding is None:
            self.encoding = get_encoding_from_headers(self.headers or {}) or _detected(content)
        return str(content, str(self.encoding), errors="replace") if self.encoding else None

    @property
    def url(self) -> str:
        """The URL that answered: the last one of a chain of redirects, else as it was asked for. Same as Locust."""
        exchange = self._exchange
        return self._asked.url if exchange.failed or exchange.url == exchange.first_url else exchange.url

    @property
    def request(self) -> FastRequest:
        """What was sent; of a redirect what was sent last. Same as Locust."""
        return self._end.request if self._end is not None else FastRequest(self._exchange, self.url, self._asked)

    @property
    def history(self) -> list[FastResponse]:
        """The redirects on the way, all with the URL at their end; none of a response whose status is a failure. Same as Locust."""
        if isinstance(getattr(self, "error", None), LocustBadStatusCode):
            return []
        call = (self._call[0], self.url, *self._call[2:])
        hops = [FastResponse(hop, call) for hop in self._exchange.history()]
        for hop in hops:
            hop._end = self
        return hops

    @property
    def elapsed(self) -> timedelta:
        """From sending to the parsed head of the response. Same as Locust."""
        return timedelta(seconds=self._exchange.elapsed)

    @property
    def timings(self) -> Timings | None:
        """The parts of the response time, ms, summed over redirects; None for a redirect on the way. Differs from Locust: it has none."""
        return timings_of([self._exchange])

    @property
    def stream(self) -> io.BytesIO | FastStream:
        """The body as a file; with `stream=True` it is read while it comes, and not decoded. Else nothing is left in it. Same as Locust."""
        if self._stream is None:
            self._stream = io.BytesIO(self._leftover or b"")
        return self._stream

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            json.JSONDecodeError: When it is not JSON.

        Same as Locust.
        """
        encoding = self._encoding
        if self._leftover is not None:
            value = DOUBTFUL
        elif encoding is None:
            value = parsed(self._exchange.json_body(False))
            self._was_json = value is not DOUBTFUL
        else:
            value = parsed(self._exchange.json_body_as(encoding, False)) if type(encoding) is str else DOUBTFUL
        return standard_json.loads(self.text) if value is DOUBTFUL else value  # type: ignore[arg-type]

    def raise_for_status(self) -> None:
        """Raise what the request failed with, if it did. Same as Locust."""
        if error := getattr(self, "error", None):
            raise error

    def iter_content(self, chunk_size: int = 1024, decode_content: bool = True) -> Iterator[bytes | str]:
        """What has not been read of the body, so of a streamed one, in pieces of at most `chunk_size` bytes.

        They are text where they are UTF-8 and `decode_content` is set.

        Same as Locust.
        """
        for piece in self._pieces(chunk_size):
            try:
                yield piece.decode() if decode_content else piece
            except UnicodeDecodeError:
                yield piece

    def _pieces(self, chunk_size: int) -> Iterator[bytes]:
        stream = self.stream
        while piece := self._piece(stream, chunk_size):
            yield piece

    @staticmethod
    def _piece(stream: io.BytesIO | FastStream, chunk_size: int) -> bytes:
        try:
            return stream.read(chunk_size)
        except (HTTPConnectionClosed, FastConnectionError):
            return b""

    def success(self) -> None:
        """Only in a `with` block of a call with `catch_response=True`. Same as Locust."""
        raise LocustError(_NOT_CATCHING)

    def failure(self, *_: Any, **__: Any) -> None:
        """Only in a `with` block of a call with `catch_response=True`. Same as Locust."""
        raise LocustError(_NOT_CATCHING)


def _lacking(name: str) -> Any:
    """An attribute that stock's responses of a kind have no value for: reading it raises, so that `hasattr` tells."""

    def raising(response: FastResponse) -> Any:
        raise AttributeError(f"{type(response).__name__!r} object has no attribute {name!r}")

    return property(raising, doc="Not of this kind of response: reading it raises AttributeError. Same as Locust.")


class ErrorResponse(FastResponse):
    """The response of a connection that failed: status 0, no content, the exception in `error`. Same as Locust."""

    history = _lacking("_history")
    elapsed = _lacking("_elapsed")


class ResponseContextManager(FastResponse):
    """A response that a `with` block judges. Same as Locust."""

    _manual_result: bool | Exception | None = None
    _entered = False

    history = _lacking("_history")
    elapsed = _lacking("_elapsed")

    def __init__(self, told: FastResponse, event: EventHook, meta: dict[str, Any], unreported: _core.Exchange) -> None:
        """The response that listeners get as `told`; `event` will be told of `unreported` as `meta`."""
        self.__dict__.update(told.__dict__)
        self._request_event = event
        self.request_meta = meta
        self._unreported = unreported

    def __enter__(self) -> ResponseContextManager:
        """Begin to judge the response."""
        self._entered = True
        return self

    def __exit__(self, kind: Any = None, value: Any = None, traceback: Any = None) -> bool:
        """Report the request by what the block said, or else by what happened. A foreign exception passes, and nothing is reported."""
        if self._manual_result is not None:
            self.request_meta["exception"] = None if self._manual_result is True else self._manual_result
            self._report_request()
            return kind is None
        if kind is None:
            # A body that broke off is told already, and stands.
            self.request_meta["exception"] = getattr(self, "error", self.request_meta["exception"])
        elif isinstance(value, ResponseError):
            self.request_meta["exception"] = value
        else:
            return False
        self._report_request()
        return True

    def _report_request(self) -> None:
        self._unreported.settle()
        self._request_event.fire(**self.request_meta)

    def raise_for_status(self) -> None:
        """Raise what went wrong, or what `failure()` was given. Same as Locust."""
        if isinstance(self._manual_result, Exception):
            raise self._manual_result
        if not self._manual_result:
            super().raise_for_status()

    def success(self) -> None:
        """Report the request as a success, whatever its status. Same as Locust."""
        if not self._entered:
            raise LocustError(_NOT_ENTERED.format(call="success()"))
        self._manual_result = True

    def failure(self, exc: Any = None) -> None:
        """Report the request as a failure; `exc` is an exception, or anything else to be shown as the reason. Same as Locust."""
        if not self._entered:
            raise LocustError(_NOT_ENTERED.format(call="failure(...)"))
        self._manual_result = exc if isinstance(exc, Exception) else CatchResponseError(exc)


class RestResponseContextManager(ResponseContextManager):
    """What `rest()` yields: a response with its JSON body in `js`. Same as Locust."""

    js: Any


def _detected(content: bytes) -> str | None:
    """The encoding of a body that says nothing of it."""
    from charset_normalizer import detect

    return detect(content)["encoding"]
