"""`FastHttpUser.client`: a smaller surface, the same engine.

Its answers differ from `HttpUser`'s where stock's do: any status outside a list of valid ones is a failure, TLS is not verified unless
asked for, the request's name is the URL as it was passed, and connection errors have geventhttpclient's names.
"""

from __future__ import annotations

import json as standard_json
import re
from http.cookiejar import CookieJar
from typing import TYPE_CHECKING, Any

from requests.auth import _basic_auth_str
from requests.structures import CaseInsensitiveDict
from requests.utils import DEFAULT_CA_BUNDLE_PATH, get_encoding_from_headers

from rocust import _core
from rocust._errors import CatchResponseError, LocustError, ResponseError
from rocust._http import arguments
from rocust._http.cookies import SessionCookies
from rocust._http.fast_errors import LocustBadStatusCode, of_fast
from rocust._http.recording import ledgers
from rocust._http.response import renamed
from rocust._http.session import _split_credentials
from rocust._kernel import mailroom
from rocust._kernel.green import getcurrent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from rocust._events import EventHook

_NO_CONTEXT: dict[str, Any] = {}
_VALID = frozenset([*range(200, 209), 226, 301, 302, 303, 304, 307, 308])
_NOT_CATCHING = (
    "If you want to change the state of the request, you must pass catch_response=True. "
    "See http://docs.locust.io/en/stable/writing-a-locustfile.html#validating-responses"
)
_NOT_ENTERED = (
    "Tried to set status on a request that has not yet been made. Make sure you use a with-block, like this:\n\n"
    "with self.client.request(..., catch_response=True) as response:\n    response.{call}"
)
absolute_http_url_regexp = re.compile(r"^https?://", re.IGNORECASE)


class FastRequest:
    """What was sent. Same as Locust, for what a finished request can tell."""

    def __init__(self, exchange: _core.Exchange, url: str) -> None:
        """The request behind `exchange`, which was asked for as `url`."""
        self._exchange = exchange
        self.url = url
        self.method = exchange.request_method

    @property
    def headers(self) -> dict[str, str]:
        """The headers as sent. Same as Locust."""
        return dict(self._exchange.request_headers())

    @property
    def payload(self) -> bytes:
        """The body as sent. Same as Locust."""
        return self._exchange.request_body or b""

    @property
    def body(self) -> bytes:
        """The body as sent. Same as Locust."""
        return self.payload


class FastResponse:
    """A response of `FastHttpUser.client`; its parts are made when they are read.

    Same as Locust.
    """

    #: Set it before the first use of `text` where the server does not say, or lies.
    encoding: Any = None
    #: The exception a failed request was reported with, if it failed.
    error: BaseException | None = None

    def __init__(self, exchange: _core.Exchange, url: str) -> None:
        """The response of `exchange`, which was asked for as `url`."""
        self._exchange = exchange
        self._url = url

    @property
    def status_code(self) -> int:
        """The status; 0 when there was no response. Same as Locust."""
        return self._exchange.status

    @property
    def ok(self) -> bool:
        """Whether the status is below 400. Same as Locust."""
        return self.status_code < 400  # noqa: PLR2004 - HTTP

    @property
    def headers(self) -> CaseInsensitiveDict[str] | None:
        """The response's headers, case-insensitive; None when there was no response. Same as Locust."""
        if self._exchange.failed:
            return None
        try:
            return self._headers
        except AttributeError:
            self._headers: CaseInsensitiveDict[str] = CaseInsensitiveDict()
            for name, value in self._exchange.headers():
                self._headers[name] = f"{self._headers[name]}, {value}" if name in self._headers else value
            return self._headers

    @property
    def content(self) -> bytes | None:
        """The body; None when there was no response. Same as Locust."""
        return None if self._exchange.failed else self._exchange.body

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
        """The URL that was asked for, before redirects. Same as Locust."""
        return self._url

    @property
    def request(self) -> FastRequest:
        """What was sent. Same as Locust."""
        return FastRequest(self._exchange, self._url)

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            json.JSONDecodeError: When it is not JSON.

        Same as Locust.
        """
        return standard_json.loads(self.text)  # type: ignore[arg-type]

    def raise_for_status(self) -> None:
        """Raise what the request failed with, if it did. Same as Locust."""
        if self.error:
            raise self.error

    def iter_content(self, chunk_size: int = 1024, decode_content: bool = True) -> Iterator[bytes | str]:
        """The body in pieces of at most `chunk_size` bytes, as text where it is UTF-8 and `decode_content` is set. Same as Locust."""
        content = self.content or b""
        for start in range(0, len(content), chunk_size):
            piece = content[start : start + chunk_size]
            try:
                yield piece.decode() if decode_content else piece
            except UnicodeDecodeError:
                yield piece

    def success(self) -> None:
        """Only in a `with` block of a call with `catch_response=True`. Same as Locust."""
        raise LocustError(_NOT_CATCHING)

    def failure(self, *_: Any, **__: Any) -> None:
        """Only in a `with` block of a call with `catch_response=True`. Same as Locust."""
        raise LocustError(_NOT_CATCHING)


class ErrorResponse(FastResponse):
    """The response of a connection that failed: status 0, no content, the exception in `error`. Same as Locust."""


class ResponseContextManager(FastResponse):
    """A response that a `with` block judges. Same as Locust."""

    _manual_result: bool | Exception | None = None
    _entered = False

    def __init__(self, exchange: _core.Exchange, url: str, event: EventHook, meta: dict[str, Any]) -> None:
        """The response of `exchange`, which `event` will be told of as `meta`."""
        super().__init__(exchange, url)
        self._request_event = event
        self.request_meta = meta

    def __enter__(self) -> ResponseContextManager:
        """Begin to judge the response."""
        self._entered = True
        return self

    def __exit__(self, kind: Any, value: Any, traceback: Any) -> bool:
        """Report the request by what the block said, or else by what happened. A foreign exception passes, and nothing is reported."""
        if self._manual_result is not None:
            self.request_meta["exception"] = None if self._manual_result is True else self._manual_result
            self._report_request()
            return kind is None
        if kind is None:
            self.request_meta["exception"] = self.error
        elif isinstance(value, ResponseError):
            self.request_meta["exception"] = value
        else:
            return False
        self._report_request()
        return True

    def _report_request(self) -> None:
        self._exchange.settle()
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


class FastHttpSession:
    """The client of a `FastHttpUser`.

    Same as Locust, but the time is taken where the bytes arrive.
    """

    #: A label for all requests until it is set to None again.
    request_name: str | None = None
    auth_header: str | None = None

    def __init__(
        self,
        base_url: str | None,
        request_event: EventHook,
        user: Any,
        insecure: bool = True,
        *,
        network_timeout: float | None = 60.0,
        connection_timeout: float | None = 60.0,
        max_redirects: int = 30,
        max_retries: int = 0,
        headers: dict[str, str] | None = None,
        **_: Any,
    ) -> None:
        """Make a session.

        Args:
            base_url: What paths are appended to. Credentials in it become basic authentication.
            request_event: Fired for each request.
            user: Whose session this is, or None.
            insecure: Whether TLS certificates are not verified.
            network_timeout: Seconds without a byte before a request fails.
            connection_timeout: Seconds to connect before a request fails.
            max_redirects: How many redirects are followed; zero returns the redirect itself.
            max_retries: How often a request whose connection failed is sent again.
            headers: Headers of every request.
        """
        self.request_event, self.user = request_event, user
        self.base_url, credentials = _split_credentials(base_url)
        self._defaults = {**dict(headers or {})}
        if credentials:
            self.auth_header = self._defaults["Authorization"] = _basic_auth_str(*credentials)
        if "accept-encoding" not in {key.lower() for key in self._defaults}:
            self._defaults["Accept-Encoding"] = "gzip, deflate, br"
        self._limits = (connection_timeout, network_timeout)
        self._max_redirects = max_redirects
        self._max_retries = max_retries
        self._bundle = None if insecure else str(DEFAULT_CA_BUNDLE_PATH)
        self._client = _core.Client(
            "fast", self.base_url or "", arguments.header_pairs(self._defaults.items()), self._bundle
        )
        self._client.set_limits(connection_timeout, network_timeout, max_redirects)

    @property
    def cookiejar(self) -> CookieJar:
        """This session's cookies. Same as Locust."""
        return SessionCookies(self._client)

    def request(
        self,
        method: str,
        url: str,
        name: str | None = None,
        data: Any = None,
        catch_response: bool = False,
        stream: bool = False,
        headers: dict[str, Any] | None = None,
        auth: tuple[str | bytes, str | bytes] | None = None,
        json: Any = None,
        allow_redirects: bool = True,
        context: dict[str, Any] = _NO_CONTEXT,
        **kwargs: Any,
    ) -> Any:
        """Send a request and report it.

        Args:
            method: The HTTP method.
            url: A path, which is appended to `base_url`, or a whole URL.
            name: The label in the statistics; `url` as it is by default.
            data: The body: text, bytes, or a dict (form).
            catch_response: Whether a `with` block will judge the response.
            stream: Accepted; the body is read whole all the same, and its time counted.
            headers: Headers of this request.
            auth: User and password for basic authentication.
            json: The body as JSON, when there is no `data`.
            allow_redirects: Whether redirects are followed.
            context: Passed to listeners, together with the user's own context.
            **kwargs: `params`: the query, a dict or text.

        Returns:
            A `FastResponse`, or with `catch_response` a `ResponseContextManager`. A connection that failed gives one with
            status 0 and the exception in `error`.

        Same as Locust, but for `stream`.
        """
        label = name or self.request_name or url
        ledger, is_direct = ledgers(self.request_event, self.user)
        is_direct = is_direct and not catch_response
        room = mailroom.current()
        client = self._client
        if data is None and headers is None and auth is None and json is None and allow_redirects and not kwargs:
            extra = None
        else:
            extra = self._extra(method, data, headers, auth, json, allow_redirects, **kwargs)
        attempts = self._max_retries + 1
        while True:
            try:
                if extra is None:
                    key = client.send(room.port, getcurrent(), ledger, is_direct, method, url, label)
                else:
                    key = client.send_with(room.port, getcurrent(), ledger, is_direct, method, url, label, extra)
            except _core.InvalidTarget as problem:
                raise ValueError(problem.args[1]) from None
            exchange = room.park(key)
            if exchange is False:
                raise RuntimeError(
                    "The engine lost a request to a panic of its own; see the traceback above. This run cannot be trusted."
                )
            attempts -= 1
            if not (exchange.failed and attempts > 0):
                break
            exchange.settle()
        if exchange.is_settled and not catch_response:
            status = exchange.status
            response = FastResponse(exchange, self._build_url(url))
            if status not in _VALID:
                response.error = LocustBadStatusCode(response.url, code=status)
            return response
        return self._report(exchange, method, url, label, catch_response, context)

    def _report(
        self, exchange: Any, method: str, url: str, label: str, catch_response: bool, context: dict[str, Any]
    ) -> Any:
        """Build the response and tell the listeners, or leave that to the `with` block."""
        built_url = self._build_url(url)
        error: BaseException | None = None
        if exchange.failed:
            error = of_fast(exchange)
        elif exchange.status not in _VALID:
            error = LocustBadStatusCode(built_url, code=exchange.status)
        meta: dict[str, Any] = {
            "request_type": method,
            "name": label,
            "context": {**self.user.context(), **context} if self.user else context,
            "exception": error,
            "start_time": exchange.started_at,
            "url": built_url,
            "response_length": exchange.length,
            "response_time": exchange.response_time,
        }
        response: FastResponse
        if catch_response:
            response = ResponseContextManager(exchange, built_url, self.request_event, meta)
        else:
            response = (ErrorResponse if exchange.failed else FastResponse)(exchange, built_url)
        response.error = error
        meta["response"] = response
        if not catch_response:
            exchange.settle()
            self.request_event.fire(**meta)
        return response

    def _extra(
        self,
        method: str,
        data: Any,
        headers: dict[str, Any] | None,
        auth: Any,
        json: Any,
        allow_redirects: bool,
        params: Any = None,
        **unknown: Any,
    ) -> dict[str, Any]:
        """All that goes with the request, as plain data."""
        if unknown:
            raise TypeError(
                f"FastHttpSession.request() does not take {', '.join(sorted(unknown))}; hint: HttpUser's client may"
            )
        pairs: list[tuple[str, bytes]] | None = None
        content, content_type = _payload(data, json)
        if headers or auth or content_type:
            both = CaseInsensitiveDict({**self._defaults})
            both.update(headers or {})
            if auth:
                both["Authorization"] = _basic_auth_str(*auth)
            if content_type:
                both.setdefault("Content-Type", content_type)
                if json is not None and not data:
                    both.setdefault("Accept", "application/json")
            pairs = arguments.header_pairs(both.items())
        if content is None and method.upper() not in ("GET", "HEAD"):
            content = b""
        connect, read = self._limits
        return {
            "headers": pairs,
            "body": content,
            "query": arguments.query_of(params),
            "cookies": [],
            "connect_timeout": connect,
            "read_timeout": read,
            "follow": allow_redirects,
            "max_redirects": self._max_redirects,
            "bundle": self._bundle,
        }

    def _build_url(self, path: str) -> str:
        """`path` appended to the base URL, unless it is a whole URL already. Same as Locust."""
        return path if absolute_http_url_regexp.match(path) else f"{self.base_url}{path}"

    def rename_request(self, name: str) -> AbstractContextManager[None]:
        """Group the requests of a `with` block under `name`. Same as Locust."""
        return renamed(self, name)

    def get(self, url: str, **kwargs: Any) -> Any:
        """Send a GET request. Same as Locust."""
        return self.request("GET", url, **kwargs)

    def options(self, url: str, **kwargs: Any) -> Any:
        """Send an OPTIONS request. Same as Locust."""
        return self.request("OPTIONS", url, **kwargs)

    def head(self, url: str, **kwargs: Any) -> Any:
        """Send a HEAD request. Same as Locust."""
        return self.request("HEAD", url, **kwargs)

    def post(self, url: str, data: Any = None, **kwargs: Any) -> Any:
        """Send a POST request. Same as Locust."""
        return self.request("POST", url, data=data, **kwargs)

    def put(self, url: str, data: Any = None, **kwargs: Any) -> Any:
        """Send a PUT request. Same as Locust."""
        return self.request("PUT", url, data=data, **kwargs)

    def patch(self, url: str, data: Any = None, **kwargs: Any) -> Any:
        """Send a PATCH request. Same as Locust."""
        return self.request("PATCH", url, data=data, **kwargs)

    def delete(self, url: str, **kwargs: Any) -> Any:
        """Send a DELETE request. Same as Locust."""
        return self.request("DELETE", url, **kwargs)


def _payload(data: Any, json: Any) -> tuple[bytes | None, str | None]:
    """The body and the type that goes with it, as stock's client encodes them."""
    if not data and json is not None:
        return standard_json.dumps(json).encode(), "application/json"
    if not data:
        return None, None
    if isinstance(data, (bytes, bytearray)):
        return bytes(data), None
    if isinstance(data, str):
        return data.encode(), None
    return arguments.query_of(data).encode(), "application/x-www-form-urlencoded"


def _detected(content: bytes) -> str | None:
    """The encoding of a body that says nothing of it."""
    from charset_normalizer import detect

    return detect(content)["encoding"]


