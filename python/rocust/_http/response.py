"""The response a task gets from `HttpUser.client`: a `requests.Response` whose attributes are made when somebody reads them.

The engine's `Exchange` holds the status, the headers and the body; most tasks look at none of them, so a response starts as an empty
shell around it. A `_Lazy` attribute is computed at its first reading and stored in the instance; assigning it works as on any object.
"""

from __future__ import annotations

import io
from contextlib import contextmanager
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

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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


class _Lazy:
    """An attribute computed from the exchange when it is first read; assignment replaces it."""

    def __init__(self, compute: Callable[[Any], Any]) -> None:
        self._compute = compute

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        value = instance.__dict__[self._name] = self._compute(instance)
        return value


def _headers(response: ResponseContextManager) -> CaseInsensitiveDict[str]:
    """The headers; repeated ones joined by a comma, as urllib3 shows them."""
    return CaseInsensitiveDict(HTTPHeaderDict(response._exchange.headers()))


def _request(response: ResponseContextManager) -> requests.PreparedRequest:
    """What was sent, as `requests` would have prepared it."""
    exchange = response._exchange
    prepared = requests.PreparedRequest()
    prepared.method, prepared.url, prepared.body = exchange.request_method, exchange.url, exchange.request_body
    prepared.headers = CaseInsensitiveDict(exchange.request_headers())
    prepared._cookies = RequestsCookieJar()  # type: ignore[attr-defined]
    return prepared


def _raw(response: ResponseContextManager) -> HTTPResponse:
    """The body as a file-like urllib3 response, already decoded."""
    exchange = response._exchange
    headers = HTTPHeaderDict(exchange.headers())
    message = Message()
    for name, value in exchange.headers():
        message[name] = value
    return HTTPResponse(
        body=io.BytesIO(exchange.body),
        headers=headers,
        status=exchange.status,
        reason=exchange.reason,
        preload_content=False,
        decode_content=False,
        original_response=SimpleNamespace(msg=message, isclosed=lambda: True, close=lambda: None),  # type: ignore[arg-type]
    )


def _cookies(response: ResponseContextManager) -> RequestsCookieJar:
    """The cookies that this response set."""
    jar = RequestsCookieJar()
    if any(name.lower() == "set-cookie" for name, _ in response._exchange.headers()):
        extract_cookies_to_jar(jar, response.request, response.raw)  # type: ignore[no-untyped-call]
    return jar


def _next(response: ResponseContextManager) -> requests.PreparedRequest | None:
    """The request that this redirect asks for, when it was not followed."""
    if not response.is_redirect:
        return None
    with requests.Session() as session:
        session.trust_env = False
        following: Any = session.resolve_redirects(response, response.request, yield_requests=True)
        return next(following, None)


def _meta(response: ResponseContextManager) -> dict[str, Any]:
    """What was, or would have been, told to the listeners."""
    session, method, name, context = response._call
    return session._meta(response, method, name, context)  # type: ignore[no-any-return]


class ResponseContextManager(requests.Response):
    """A `requests.Response` that a `with` block can mark as a success or a failure (with `catch_response=True`).

    Same as Locust.
    """

    #: The exception of a connection that failed; None when there is a response.
    error: Exception | None = None
    _manual_result: bool | Exception | None = None
    _entered = False
    _catch_response = False
    _request_event: EventHook
    _exchange: _core.Exchange
    #: The session, and the call's method, name and context, for `request_meta`.
    _call: tuple[Any, Any, str | None, dict[str, Any]]

    # What `requests` sets in its constructor, made when it is read.
    _content_consumed: Any = True
    _next: Any = _Lazy(_next)
    _content: Any = _Lazy(lambda response: response._exchange.body)
    status_code: Any = _Lazy(lambda response: response._exchange.status)
    reason: Any = _Lazy(lambda response: response._exchange.reason)
    url: Any = _Lazy(lambda response: response._exchange.url)
    elapsed: Any = _Lazy(lambda response: timedelta(seconds=response._exchange.elapsed))
    encoding: Any = _Lazy(lambda response: get_encoding_from_headers(response.headers))
    headers: Any = _Lazy(_headers)
    history: Any = _Lazy(lambda response: [of_hop(hop) for hop in response._exchange.history()])
    request: Any = _Lazy(_request)
    raw: Any = _Lazy(_raw)
    cookies: Any = _Lazy(_cookies)
    request_meta: Any = _Lazy(_meta)

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

    def _plain_json(self) -> bytes | None:
        """The body as it came, if any parser may read it and nobody has put another one in its place."""
        own = self.__dict__
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
        meta = self.request_meta
        if self._manual_result is not None:
            meta["exception"] = None if self._manual_result is True else self._manual_result
        elif kind is None:
            meta["exception"] = self.verdict(meta["name"])
        elif isinstance(value, ResponseError):
            meta["exception"] = value
        else:
            return False
        had_own_verdict = self._manual_result is not None
        self._report()
        return kind is None if had_own_verdict else True

    def verdict(self, name: str) -> BaseException | None:
        """The exception this response is reported with when nobody said otherwise; `name` stands in for the URL, to group failures."""
        url, self.url = self.url, name
        try:
            self.raise_for_status()
        except requests.exceptions.RequestException as error:
            reported: BaseException = error
            while isinstance(reported, _WRAPPERS) and reported.__context__:
                reported = reported.__context__
            return reported
        finally:
            self.url = url
        return None

    def _report(self) -> None:
        exchange = self.__dict__.get("_exchange")
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


class RestResponseContextManager(ResponseContextManager):
    """What `rest()` yields: a response with its JSON body in `js`. Same as Locust."""

    js: Any


def of_hop(exchange: _core.Exchange) -> requests.Response:
    """A redirect on the way, as a response."""
    response = ResponseContextManager.__new__(ResponseContextManager)
    response._exchange = exchange
    return response


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
