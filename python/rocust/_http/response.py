"""The response a task gets from `HttpUser.client`: a `requests.Response` whose attributes are made when somebody reads them.

The engine's `Exchange` holds the status, the headers and the body; most tasks look at none of them, so a response starts as an empty
shell around it. A `Lazy` attribute is computed at its first reading and stored in the instance; assigning it works as on any object.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import contextmanager, suppress
from datetime import timedelta
from email.message import Message
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import requests
from requests.cookies import RequestsCookieJar, extract_cookies_to_jar
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers
from urllib3 import HTTPHeaderDict, HTTPResponse
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError

from rocust._errors import CatchResponseError, LocustError, ResponseError
from rocust._http.json_text import DOUBTFUL, parsed, requests_uses_json
from rocust._http.recording import direct_stats
from rocust._http.sent import prepared_from
from rocust._stats import Timings, timings_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rocust import _core
    from rocust._events import EventHook

_NOT_ENTERED = (
    "Tried to set status on a request that has not yet been made. Make sure you use a with-block, like this:\n\n"
    "with self.client.request(..., catch_response=True) as response:\n    response.{call}"
)
NOT_CATCHING = (
    "If you want to change the state of the request using .success() or .failure(), you must pass catch_response=True. "
    "See http://docs.locust.io/en/stable/writing-a-locustfile.html#validating-responses"
)
#: Wrappers that stock peels off before it reports what went wrong.
_WRAPPERS = (requests.exceptions.ConnectionError, ProtocolError, MaxRetryError, NewConnectionError)


#: The attributes of a response as they are, nothing made for it.
own_dict: Callable[[Any], dict[str, Any]] = requests.Response.__dict__["__dict__"].__get__


class Lazy:
    """An attribute computed from the exchange when it is first read; assignment replaces it."""

    def __init__(self, compute: Callable[[Any], Any]) -> None:
        self._compute = compute

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        value = own_dict(instance)[self._name] = self._compute(instance)
        return value


def _headers(response: Any) -> CaseInsensitiveDict[str]:
    """The headers; repeated ones joined by a comma, as urllib3 shows them."""
    headers: CaseInsensitiveDict[str] = CaseInsensitiveDict()
    # What `CaseInsensitiveDict(HTTPHeaderDict(...))` comes to, at a fifth of its price.
    store = headers._store  # type: ignore[attr-defined]
    for name, value in response._exchange.headers():
        key = name.lower()
        if key in store:
            first, before = store[key]
            store[key] = first, f"{before}, {value}"
        else:
            store[key] = name, value
    return headers


def read_raw(response: Any) -> HTTPResponse:
    """The urllib3 response behind one whose body has been read: nothing is left in it."""
    return _raw(response._exchange, b"")


def _raw(exchange: _core.Exchange, body: bytes) -> HTTPResponse:
    """The urllib3 response of an exchange, with `body` to be read from it, already decoded."""
    headers = HTTPHeaderDict(exchange.headers())
    message = Message()
    for name, value in exchange.headers():
        message[name] = value
    return HTTPResponse(
        body=io.BytesIO(body),
        headers=headers,
        status=exchange.status,
        reason=exchange.reason,
        version=exchange.version,
        version_string={10: "HTTP/1.0", 20: "HTTP/2"}.get(exchange.version, "HTTP/1.1"),
        preload_content=False,
        decode_content=False,
        # What has come was whole, and is not as long any more as the server said, once it is decoded.
        enforce_content_length=False,
        original_response=SimpleNamespace(msg=message, isclosed=lambda: True, close=lambda: None),  # type: ignore[arg-type]
    )


def _cookies(response: Any) -> RequestsCookieJar:
    """The cookies that this response set."""
    jar = RequestsCookieJar()
    if any(name.lower() == "set-cookie" for name, _ in response._exchange.headers()):
        extract_cookies_to_jar(jar, response.request, read_raw(response))  # type: ignore[no-untyped-call]
    return jar


def _next(response: Any) -> requests.PreparedRequest | None:
    """The request that this redirect asks for, when it was not followed."""
    if not response.is_redirect:
        return None
    call = own_dict(response).get("_call")
    session = requests.Session() if call is None else call[0]
    following: Any = session.resolve_redirects(response, response.request, yield_requests=True)
    return next(following, None)


def _history(response: Any) -> list[requests.Response]:
    """The redirects on the way."""
    call = own_dict(response).get("_call")
    return [_of_hop(hop, call) for hop in response._exchange.history()]


def _request(response: Any) -> requests.PreparedRequest:
    """What was sent, as `requests` would have prepared it."""
    return prepared_from(response._exchange, own_dict(response).get("_call"))


def _connection(response: Any) -> Any:
    """The adapter that `requests` would have sent by: with it, a hook or a task can send once more."""
    session = response._call[0]
    return session.get_adapter(response.url)


class _Arriving(requests.Response):
    """A response on its way through `requests.Session.send`, which sets `elapsed` first, to the time the adapter took.

    Our adapter waits for the body too; the exchange knows when the head was there, so that is what is set. From then on it is a plain
    `requests.Response`.
    """

    _head_at: timedelta

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "elapsed" and "_head_at" in self.__dict__:
            value = self.__dict__.pop("_head_at")
            object.__setattr__(self, "__class__", requests.Response)
        object.__setattr__(self, name, value)


def arriving(exchange: _core.Exchange, request: requests.PreparedRequest, adapter: Any) -> requests.Response:
    """The response to a prepared request, for `requests` to go on with."""
    response = _Arriving()
    _fill(response, exchange, request, adapter)
    response.__dict__["_head_at"] = timedelta(seconds=exchange.elapsed)
    return response


def _of_hop(exchange: _core.Exchange, call: Any) -> requests.Response:
    """A redirect on the way, as a response."""
    response = requests.Response()
    request = prepared_from(exchange, call)
    _fill(response, exchange, request, call[0].get_adapter(request.url) if call is not None else None)
    response.elapsed = timedelta(seconds=exchange.elapsed)
    return response


def _fill(
    response: requests.Response, exchange: _core.Exchange, request: requests.PreparedRequest, adapter: Any
) -> None:
    """Set what `requests`' own adapter sets, and the body."""
    own = response.__dict__
    own["_exchange"], own["request"], own["connection"], own["url"] = exchange, request, adapter, request.url
    own["status_code"], own["reason"] = exchange.status, exchange.reason
    own["headers"], own["raw"] = _headers(response), _raw(exchange, exchange.body)
    own["encoding"] = get_encoding_from_headers(response.headers)
    own["_content"], own["_content_consumed"] = exchange.body, True
    own["cookies"] = _cookies(response)


def _meta(response: Any) -> dict[str, Any]:
    """What was, or would have been, told to the listeners."""
    session, method, name, context, *_ = response._call
    return session._meta(response, method, name, context)  # type: ignore[no-any-return]


class ResponseContextManager(requests.Response):
    """A `requests.Response` that a `with` block can mark as a success or a failure (with `catch_response=True`).

    Same as Locust.
    """

    #: Of a class whose instances are reported as they are, with nothing that somebody has added to it.
    _is_plain = True

    #: The exception of a connection that failed; None when there is a response.
    error: Exception | None = None
    _manual_result: bool | Exception | None = None
    _entered = False
    _catch_response = False
    _request_event: EventHook
    _exchange: _core.Exchange
    #: The session, and the call's method, name, context, extra data and URL: what else is known of the request.
    _call: tuple[Any, Any, str | None, dict[str, Any], dict[str, Any] | None, Any]

    # What `requests` sets in its constructor, made when it is read.
    _content_consumed: Any = True
    _next: Any = Lazy(_next)
    _content: Any = Lazy(lambda response: response._exchange.body)
    status_code: Any = Lazy(lambda response: response._exchange.status)
    reason: Any = Lazy(lambda response: response._exchange.reason)
    url: Any = Lazy(lambda response: response._exchange.url)
    elapsed: Any = Lazy(lambda response: timedelta(seconds=response._exchange.elapsed))
    encoding: Any = Lazy(lambda response: get_encoding_from_headers(response.headers))
    headers: Any = Lazy(_headers)
    history: Any = Lazy(_history)
    request: Any = Lazy(_request)
    raw: Any = Lazy(read_raw)
    cookies: Any = Lazy(_cookies)
    connection: Any = Lazy(_connection)

    request_meta: Any = Lazy(_meta)
    #: The attributes that are made late.
    _late: tuple[str, ...] = ()

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
        """All attributes, those made that nobody has read so far."""
        own = own_dict(self)
        exchange = own.get("_exchange")
        if exchange is not None and not exchange.failed:
            own.setdefault("_content_consumed", self._content_consumed)
            for name in self._late:
                if name not in own:
                    with suppress(AttributeError, LocustError):
                        getattr(self, name)
        return own

    def __init__(self, error: requests.RequestException) -> None:
        """Make the response that stands for a connection that failed with `error`. Same as Locust."""
        super().__init__()
        self.error = error
        self.status_code = 0
        self._content_consumed = False
        self._catch_response = True
        self.request = error.request

    @classmethod
    def wrap_response(
        cls,
        response: requests.Response,
        request_event: EventHook,
        request_meta: dict[str, Any],
        catch_response: bool,
    ) -> ResponseContextManager:
        """Turn a plain response into one of these, in place. Same as Locust."""
        response.__class__ = cls
        response._entered = False  # type: ignore[attr-defined]
        response._manual_result = None  # type: ignore[attr-defined]
        response._request_event = request_event  # type: ignore[attr-defined]
        response._catch_response = catch_response  # type: ignore[attr-defined]
        response.request_meta = request_meta  # type: ignore[attr-defined]
        return response  # type: ignore[return-value]

    @property
    def timings(self) -> Timings | None:
        """The parts of the response time, ms, summed over redirects; None for a call that somebody else's adapter has sent.

        Differs from Locust: it has none.
        """
        own = own_dict(self)
        hops, exchange = own.get("_hops"), own.get("_exchange")
        return timings_of(([] if exchange is None else [exchange]) if hops is None else hops)

    def json(self, **kwargs: Any) -> Any:
        """The body as JSON.

        Args:
            **kwargs: As for `json.loads`.

        Raises:
            requests.exceptions.JSONDecodeError: When it is not JSON.

        Same as requests.
        """
        value = DOUBTFUL if kwargs or not requests_uses_json() else parsed(self._plain_json())
        return super().json(**kwargs) if value is DOUBTFUL else value

    @property
    def text(self) -> str:
        """The body as text. Same as requests."""
        own = own_dict(self)
        exchange = own.get("_exchange")
        if (
            exchange is not None
            and "encoding" not in own
            and ("_content" not in own or own["_content"] is exchange.body)
        ):
            plain: str | None = exchange.plain_text()
            if plain is not None:
                return plain
        return super().text

    def _plain_json(self) -> bytes | None:
        """The body as it came, if any parser may read it and nobody has put another one in its place."""
        own = own_dict(self)
        exchange = own.get("_exchange")
        if exchange is None or ("_content" in own and own["_content"] is not exchange.body):
            return None
        if "encoding" in own:
            encoding = own["encoding"]
            is_name = encoding is None or type(encoding) is str
            return exchange.json_body_as(encoding, True) if is_name else None
        return exchange.json_body(True)  # type: ignore[no-any-return]

    def raise_for_status(self) -> None:
        """Raise what went wrong, if anything did; what the block said with `success()` or `failure()` comes first.

        Raises:
            Exception: The connection's error, an `HTTPError` for a status from 400 to 599, or what `failure()` was given.

        Same as Locust.
        """
        __tracebackhide__ = True
        if isinstance(self._manual_result, Exception):
            raise self._manual_result
        if not self._manual_result:
            if self.error:
                raise self.error
            super().raise_for_status()

    @property
    def is_unusable(self) -> bool:
        """Whether the request ended at a redirect that leads nowhere, which the caller is told by an exception."""
        return isinstance(self.error, (requests.exceptions.InvalidSchema, requests.exceptions.InvalidURL))

    def usable(self) -> ResponseContextManager:
        """This response.

        Raises:
            InvalidSchema: After a redirect to something that is not HTTP, which was reported: the server has seen a request.
            InvalidURL: After a redirect to something that is no URL, or not UTF-8, or whose proxy cannot be used; reported as well.
        """
        if self.error is not None and self.is_unusable:
            raise self.error
        return self

    def __enter__(self) -> ResponseContextManager:
        """Begin to judge the response.

        Raises:
            LocustError: When the request was made without `catch_response=True`.
        """
        self._entered = True
        if not self._catch_response:
            raise LocustError("In order to use a with-block for requests, you must also pass catch_response=True")
        return self

    def __exit__(self, kind: Any, value: Any, traceback: Any) -> bool:  # type: ignore[override]
        """Report the request by what the block said, or else by its status. A foreign exception passes, and nothing is reported."""
        if self._report_success(kind):
            return kind is None or self._manual_result is None
        meta = self.request_meta
        if self._manual_result is not None:
            meta["exception"] = None if self._manual_result is True else self._manual_result
            self._report()
            return kind is None
        if kind is None:
            self.report_by_status()
        elif isinstance(value, ResponseError):
            meta["exception"] = value
            self._report()
        else:
            return False
        return True

    def _report_success(self, kind: Any) -> bool:
        """Report the request where nobody but the statistics would be told and nothing is wrong: the same in one step."""
        own = own_dict(self)
        verdict = self._manual_result
        if "request_meta" in own or "_hops" in own or self.error is not None or "_is_plain" not in vars(type(self)):
            return False
        exchange = own.get("_exchange")
        stats = direct_stats(self._request_event)
        if exchange is None or stats is None or exchange.failed:
            return False
        if verdict is not True and (verdict is not None or kind is not None or not _is_fine(own, exchange)):
            return False
        _, method, name, _, extra, _ = self._call
        length = exchange.declared_length if extra is not None and extra["is_streamed"] else exchange.length
        stats.log_exchange(method, name or exchange.first_path_url, exchange.response_time, length, exchange)
        return True

    def report_by_status(self) -> None:
        """Report what nobody has judged. The name stands in for the URL meanwhile, so that failures group, as in Locust."""
        own = own_dict(self)
        had_url, url = "url" in own, own.get("url")
        own["url"] = self.request_meta["name"]
        try:
            self.request_meta["exception"] = self._verdict()
            self._report()
        finally:
            if had_url:
                own["url"] = url
            else:
                # It was not read so far; whoever does makes it.
                del own["url"]

    def _verdict(self) -> BaseException | None:
        """The exception this response is reported with when nobody said otherwise."""
        own = own_dict(self)
        if (
            self.error is None
            and self._manual_result is None
            and "_exchange" in own
            and _is_fine(own, own["_exchange"])
        ):
            # Most responses: there is nothing to raise.
            return None
        cause = self.error.__context__ if self.error is not None else None
        try:
            self.raise_for_status()
        except requests.exceptions.RequestException as error:
            if error is self.error:
                # Raised while the caller handles something else, it would be told by that.
                error.__context__ = cause
            reported: BaseException = error
            while isinstance(reported, _WRAPPERS) and reported.__context__:
                reported = reported.__context__
            return reported
        return None

    def _report(self) -> None:
        exchange = own_dict(self).get("_exchange")
        if exchange is not None:
            exchange.settle()
        self._request_event.fire(**self.request_meta)

    def success(self) -> None:
        """Report the request as a success, whatever its status. Same as Locust."""
        if not self._entered:
            raise LocustError(_NOT_ENTERED.format(call="success()"))
        self._manual_result = True

    def failure(self, exc: Any) -> None:
        """Report the request as a failure.

        Args:
            exc: An exception, or anything else to be shown as the reason.

        Raises:
            LocustError: Outside a `with` block.

        Same as Locust.
        """
        if not self._entered:
            raise LocustError(_NOT_ENTERED.format(call="failure(...)"))
        self._manual_result = exc if isinstance(exc, Exception) else CatchResponseError(exc)


ResponseContextManager._late = tuple(
    name for name, value in vars(ResponseContextManager).items() if isinstance(value, Lazy)
)


def _is_fine(own: dict[str, Any], exchange: _core.Exchange) -> bool:
    """Whether the status, the server's or one that was assigned, is nothing that `raise_for_status` raises for."""
    status = own.get("status_code", exchange.status)
    return type(status) is int and status < 400


class RestResponseContextManager(ResponseContextManager):
    """What `rest()` yields: a response with its JSON body in `js`. Same as Locust."""

    js: Any


def _only_when_catching(*_: Any, **__: Any) -> None:
    raise LocustError(NOT_CATCHING)


def teach_plain_responses() -> None:
    """Give every `requests.Response` a `success` and a `failure` that say what is missing. Same as Locust."""
    requests.Response.success = _only_when_catching  # type: ignore[attr-defined]
    requests.Response.failure = _only_when_catching  # type: ignore[attr-defined]


@contextmanager
def renamed(session: Any, name: str) -> Iterator[None]:
    """Group the requests of a block under `name`."""
    session.request_name = name
    try:
        yield
    finally:
        session.request_name = None
