"""`FastHttpUser.client`: a smaller surface, the same engine.

Its answers differ from `HttpUser`'s where stock's do: any status outside a list of valid ones is a failure, TLS is not verified unless
asked for, the request's name is the URL as it was passed, and connection errors have geventhttpclient's names.
"""

from __future__ import annotations

import codecs
import logging
import ssl
from collections.abc import Callable, Mapping
from functools import cached_property
from http.cookiejar import CookieJar
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from requests.auth import _basic_auth_str
from requests.models import RequestEncodingMixin

from rocust import _core
from rocust._http import arguments, tls, tracing, uploading
from rocust._http.address import split_credentials
from rocust._http.cookies import SessionCookies, adopt
from rocust._http.failures import LOST
from rocust._http.fast_agent import (
    CONCURRENCY,
    REDIRECT_CODES,
    VALID_CODES,
    ClientPool,
    DefaultHeaders,
    LocustUserAgent,
    refusing,
    shared_pool,
)
from rocust._http.fast_errors import LocustBadStatusCode, leftover_of, of_fast, refusal_of_proxy
from rocust._http.fast_headers import Headers, refusal
from rocust._http.fast_response import Call, ErrorResponse, FastResponse, ResponseContextManager, asked_of, whole_url
from rocust._http.json_text import written
from rocust._http.proxies import proxy_at, said_of
from rocust._http.recording import ledgers
from rocust._http.response import renamed
from rocust._http.uploading import FastBody
from rocust._http.wire import PLAIN as PLAIN_WIRE
from rocust._http.wire import WiredSession, WireSettings
from rocust._kernel import mailroom
from rocust._kernel.green import getcurrent

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from rocust._events import EventHook

logger = logging.getLogger("locust.contrib.fasthttp")

_NO_CONTEXT: dict[str, Any] = {}
_AS_THE_SESSION = object()
_USER_AGENT = ("User-Agent", f"rocust/{_core.__version__}")
_ENCODINGS = "gzip, deflate, br"
_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
#: Failures after which a request is sent again, if it may be.
_PASSING = frozenset({"connect-timeout", "read-timeout"})


class FastHttpSession(WiredSession):
    """The client of a `FastHttpUser`.

    Same as Locust, but the time is taken where the bytes arrive.
    """

    #: A label for all requests until it is set to None again.
    request_name: str | None = None
    #: What `ssl_context_factory` raised.
    context_problem: Exception | None
    auth_header: str | None = None
    _max_body: int | None = None

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
        concurrency: int = CONCURRENCY,
        client_pool: Any = None,
        ssl_context_factory: Callable[..., ssl.SSLContext] | None = None,
        wire: WireSettings = PLAIN_WIRE,
        proxy_host: str | None = None,
        proxy_port: int | None = None,
        **others: Any,
    ) -> None:
        """Make a session.

        Args:
            base_url: What paths are appended to. Credentials in it become basic authentication.
            request_event: Fired for each request.
            user: Whose session this is, or None.
            insecure: Whether TLS certificates are not verified; with a factory, whether they may be for another host.
            network_timeout: Seconds without a byte before a request fails.
            connection_timeout: Seconds to connect before a request fails.
            max_redirects: How many redirects are followed; zero returns the redirect itself.
            max_retries: How often a request whose connection failed is sent again.
            headers: Headers of every request.
            concurrency: How many requests of this session are under way at once; the others wait, and that counts. Servers are not told
                apart.
            client_pool: A pool of geventhttpclient: sessions that are given the same one share connections and its `concurrency`.
            ssl_context_factory: Makes a context, which is read: trusted certificates, whether to verify and for which host, the
                versions of TLS, and the client certificate that the factory loads. Called once for each user; what it raises is
                raised by the first request.
            **others: What else geventhttpclient takes; kept in `client.clientpool.client_args`.
            wire: How connections are made.
            proxy_host: Host of an HTTP proxy that all requests go through.
            proxy_port: Its port.

        Raises:
            AssertionError: For a proxy without a port.
        """
        self.request_event, self.user = request_event, user
        self.base_url, credentials = split_credentials(base_url)
        if credentials:
            self.auth_header = _basic_auth_str(*credentials)
        self._limits = (connection_timeout, network_timeout)
        self._max_redirects, self._max_retries = max_redirects, max_retries
        self._valid_codes = LocustUserAgent.valid_response_codes
        self.context_problem = None
        try:
            self._tls = tls.of_fast(insecure, ssl_context_factory)
        except Exception as problem:
            self._tls, self.context_problem = tls.of_fast(insecure, None), problem
        self._given_pool = client_pool
        self._pool_arguments = {
            "concurrency": concurrency,
            "connection_timeout": connection_timeout,
            "network_timeout": network_timeout,
            "insecure": insecure,
            "ssl_context_factory": ssl_context_factory
            or (tls.insecure_ssl_context_factory if insecure else ssl.create_default_context),
            **others,
        }
        self._default_headers = self._own_headers(headers)
        pool = _core.Pool(max(1, concurrency)) if client_pool is None else shared_pool(client_pool)
        self._encoded_defaults = _pairs(self._headers_for(None, None))
        self._client = _core.Client("fast", self.base_url or "", self._encoded_defaults, self._tls, pool)
        self._client.set_limits(connection_timeout, network_timeout, max_redirects)
        if self.context_problem is not None:
            self._client = refusing(self._client, self.context_problem)
        if LocustUserAgent.redirect_response_codes is not REDIRECT_CODES:
            self._client.set_redirect_codes(sorted(LocustUserAgent.redirect_response_codes))
        if wire is not PLAIN_WIRE:
            self.wire = wire
        if proxy_host is not None:
            self._client.set_proxies(proxy_at(proxy_host, proxy_port))

    @property
    def max_body(self) -> int | None:
        """The most bytes a response's body may have, as received and as decoded. A larger one is a failure, `BodyTooLarge`.

        None, the default, bounds only what compression makes of a body: at a gibibyte. It may be assigned at any time, and one call may
        have another bound (`max_body=`).

        Differs from Locust: it reads bodies of any size.
        """
        return self._max_body

    @max_body.setter
    def max_body(self, max_body: int | None) -> None:
        self._client.set_max_body(arguments.bound_of(max_body))
        self._max_body = max_body

    # -- what the agent shows and changes ---------------------------------------------------------------------------------

    @cached_property
    def client(self) -> LocustUserAgent:
        """What of geventhttpclient's user agent can be read and changed. Same as Locust."""
        return LocustUserAgent(session=self)

    @cached_property
    def cookiejar(self) -> Any:
        """This session's cookies. Another jar is given to `client.cookiejar`. Same as Locust."""
        return SessionCookies(self._client, self._refuse_policy)

    @cached_property
    def _client_pool(self) -> Any:
        return ClientPool(self._client.close, self._pool_arguments) if self._given_pool is None else self._given_pool

    def _own_headers(self, headers: Any) -> DefaultHeaders:
        own = Headers([_USER_AGENT])
        own.update(headers or {})
        return DefaultHeaders(own, self._push_headers)

    def _set_default_headers(self, headers: Any) -> None:
        self._default_headers = self._own_headers(headers)
        self._push_headers()

    def _push_headers(self) -> None:
        self._encoded_defaults = _pairs(self._headers_for(None, None))
        self._client.set_headers(self._encoded_defaults)

    def _set_limits(self, max_redirects: int) -> None:
        self._max_redirects = max_redirects
        self._client.set_limits(*self._limits, max_redirects)

    def _jar(self) -> Any:
        return self.cookiejar

    def _set_jar(self, jar: Any) -> None:
        """Have another jar: a plain one stays the object it is, from others the cookies are taken.

        Raises:
            TypeError: For what is no jar.
        """
        if not isinstance(jar, CookieJar):
            raise TypeError(f"cookiejar is a {type(jar).__name__}; it must be a jar of http.cookiejar")
        if not adopt(jar, self._client, self._refuse_policy):
            cookies, jar = list(jar), SessionCookies(self._client, self._refuse_policy)
            jar.clear()
            for cookie in cookies:
                jar.set_cookie(cookie)
        self.cookiejar = jar

    def _refuse_policy(self) -> None:
        logger.warning("FastHttpUser goes by the usual rules for cookies only. hint: HttpUser honours a cookie policy.")

    def _headers_for(self, headers: Any, auth: Any, is_json: bool = False) -> Headers:
        """The headers of a request, as stock puts them together."""
        own = dict(headers or {})
        if auth:
            own["Authorization"] = _basic_auth_str(auth[0], auth[1])
        elif self.auth_header:
            own["Authorization"] = self.auth_header
        added = {"Accept-Encoding": _ENCODINGS}
        if is_json:
            added.update({"Content-Type": "application/json", "Accept": "application/json"})
        for name, value in added.items():
            if name not in own and name.lower() not in own:
                own[name] = value
        both = self._default_headers.copy()
        both.update(own)
        return both

    # -- requests ---------------------------------------------------------------------------------------------------------

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
            data: The body: text, bytes, or a dict (form); a file or anything that can be iterated is sent piece by piece.
            catch_response: Whether a `with` block will judge the response.
            stream: Whether the response is returned with its head; its body is then read from `stream` or by `iter_content`, and
                the time for that is not counted.
            headers: Headers of this request.
            auth: User and password for basic authentication.
            json: The body as JSON, when there is no `data`.
            allow_redirects: Whether redirects are followed.
            context: Passed to listeners, together with the user's own context.
            **kwargs: `params` (the query, a dict or text), `files`, `max_redirects`, `max_retries`, `max_body` (for this call instead
                of the session's); any other becomes part of the query, or of the form in a POST.

        Returns:
            A `FastResponse`, or with `catch_response` a `ResponseContextManager`. A connection that failed gives one with
            status 0 and the exception in `error`.

        Same as Locust.
        """
        label = name or self.request_name or url
        ledger, is_direct = ledgers(self.request_event, self.user)
        # What a request with a limit of its own fails with quotes the session's, which the engine does not know.
        is_direct = is_direct and not (catch_response or "max_redirects" in kwargs) and self._valid_codes is VALID_CODES
        room: Any = mailroom.current()
        client = self._client
        attempts = kwargs.pop("max_retries", self._max_retries) + 1
        body: FastBody | None = None
        if (
            data is None
            and headers is None
            and auth is None
            and json is None
            and not (stream or kwargs)
            and allow_redirects
            and tracing.tracer is None
        ):
            extra = None
        else:
            body = self._body(data, method, url, kwargs)
            # A body that was sent is used up.
            attempts = 1 if body else attempts
            extra = self._extra(method, data, headers, auth, json, allow_redirects, body=body, **kwargs)
            extra["is_streamed"] = stream
            room = self._followed(room, method, url, name, extra, body, attempts)
        while True:
            try:
                if extra is None:
                    key = client.send(room.port, getcurrent(), ledger, is_direct, method, url, label)
                else:
                    key = client.send_with(room.port, getcurrent(), ledger, is_direct, method, url, label, extra)
            except (_core.InvalidTarget, _core.InvalidHeader) as problem:
                raise self._refused(problem, url, extra) from None
            exchange = room.park(key) if body is None else body.exchange(room, key)
            if exchange is False:
                raise RuntimeError(LOST)
            attempts -= 1
            if not (attempts > 0 and _may_pass(exchange, method)):
                break
            exchange.settle()
        call = self._call(method, url, extra, exchange.failed)
        if exchange.is_settled and not catch_response:
            response = FastResponse(exchange, call)
            if exchange.status not in self._valid_codes:
                response.error = LocustBadStatusCode(response.url, code=exchange.status)
            if stream:
                response.begin_streaming()
            return response
        own_error = body.error if body is not None else None
        partial = self._partial(exchange, self._call(method, url, extra, False)) if exchange.failed else None
        return self._report(exchange, call, label, catch_response, context, stream, own_error, partial)

    def _followed(
        self,
        room: Any,
        method: str,
        url: str,
        name: str | None,
        extra: dict[str, Any],
        body: FastBody | None,
        attempts: int,
    ) -> Any:
        """Where a call waits: if somebody follows it, what is to be sent with it is part of `extra` then."""
        if tracing.tracer is None:
            return room

        def error_of(exchange: Any) -> BaseException:
            own_error = body.error if body is not None else None
            return own_error or of_fast(exchange, self._max_retries, self._max_redirects)

        def is_sent_again(exchange: Any) -> bool:
            nonlocal attempts
            attempts -= 1
            return attempts > 0 and _may_pass(exchange, method)

        whole = self._build_url(url) + (f"?{extra['query']}" if extra["query"] else "")
        headers = extra["headers"] or self._encoded_defaults
        trace = tracing.tracer.begin(tracing.Call(method.upper(), whole, name or self.request_name, headers))
        if trace is None:
            return room
        extra["headers"] = trace.headers
        return tracing.FollowedRoom(room, trace, error_of, is_sent_again)

    def _refused(self, problem: Exception, url: str, extra: dict[str, Any] | None) -> ValueError:
        """What stock raises for a URL or header that cannot be sent."""
        if isinstance(problem, _core.InvalidHeader):
            return ValueError(refusal((extra and extra["headers"]) or self._encoded_defaults))
        return _invalid_url(self._build_url(url), said_of(problem))

    def _body(self, data: Any, method: str, url: str, kwargs: dict[str, Any]) -> FastBody | None:
        """The body, if it is one that is made while it is sent."""
        if not data or kwargs.get("files") or not uploading.is_streamed(data):
            return None
        return FastBody(data, method, self._build_url(url))

    def _call(self, method: str, url: str, extra: dict[str, Any] | None, has_failed: bool) -> Call:
        """What the response is told of this call."""
        if type(self)._build_url is not _BUILD_URL:
            url = self._build_url(url)
        headers, body = (extra["headers"], extra["written_body"]) if extra else (None, None)
        if headers is None:
            headers = self._encoded_defaults
        if has_failed:
            # Stock tells of a request that came to nothing without what goes with every request.
            always = _pairs(self._default_headers)
            headers = [header for header in headers if header not in always]
        return method, url, self.base_url, headers, body

    def _partial(self, exchange: Any, call: Call) -> FastResponse | None:
        """The response whose body broke off or cannot be decoded, where stock hands one out."""
        leftover = leftover_of(exchange)
        if leftover is None:
            return None
        broken = exchange.broken()
        if broken.status not in self._valid_codes:
            return None
        response = FastResponse(broken, call)
        response._leftover = leftover
        return response

    def _report(
        self,
        exchange: Any,
        call: Call,
        label: str,
        catch_response: bool,
        context: dict[str, Any],
        stream: bool,
        own_error: Exception | None,
        partial: FastResponse | None,
    ) -> Any:
        """Build the response and tell the listeners, or leave that to the `with` block."""
        asked = asked_of(call)
        error: BaseException | None = None
        if exchange.failed:
            if (refused := refusal_of_proxy(exchange)) is not None:
                exchange.settle()
                raise refused
            error = own_error or of_fast(exchange, self._max_retries, self._max_redirects)
        elif exchange.status not in self._valid_codes:
            error = LocustBadStatusCode(
                exchange.url if exchange.url != exchange.first_url else asked.url, code=exchange.status
            )
        meta: dict[str, Any] = {
            "request_type": asked.method,
            "name": label,
            "context": {**self.user.context(), **context} if self.user else context,
            "exception": error,
            "start_time": exchange.started_at,
            "url": asked.url,
            "response_length": exchange.declared_length if stream else exchange.length,
            "response_time": exchange.response_time,
        }
        response: FastResponse = partial or (ErrorResponse if exchange.failed else FastResponse)(exchange, call)
        if error is not None and partial is None:
            response.error = error
        if stream and not exchange.failed:
            response.begin_streaming()
        meta["response"] = response
        if catch_response:
            # Listeners get the response, the block gets its judge.
            response = ResponseContextManager(response, self.request_event, meta, exchange)
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
        files: Any = None,
        max_redirects: int | None = None,
        max_body: Any = _AS_THE_SESSION,
        body: FastBody | None = None,
        **unknown: Any,
    ) -> dict[str, Any]:
        """All that goes with the request, as plain data."""
        if unknown:
            data, params = _with_unknown(method, data, params, unknown)
        pairs: list[tuple[str, bytes]] | None = None
        is_json = json is not None and not data
        both = self._headers_for(headers, auth, is_json and not files)
        has_type = bool(both.get("content-type"))
        text = written(json, allow_nan=True).decode() if is_json else data
        content: bytes | None = None
        if body:
            _frame(body, both)
        else:
            content = _payload(text, files, both)
        if headers or auth or body or content is not None:
            pairs = _pairs(both)
        if content is None and body is None and method.upper() not in ("GET", "HEAD"):
            content = b""
        connect, read = self._limits
        return {
            "headers": pairs,
            "body": content,
            "written_body": text if is_json or (isinstance(data, str) and has_type) else content,
            "query": arguments.query_of(params),
            "cookies": [],
            "use_jar": True,
            "connect_timeout": connect,
            "read_timeout": read,
            "follow": allow_redirects,
            "max_redirects": self._max_redirects if max_redirects is None else max_redirects,
            "max_body": arguments.bound_of(self._max_body if max_body is _AS_THE_SESSION else max_body),
            "tls": self._tls,
            "upload": body.core if body else None,
        }

    def _build_url(self, path: str) -> str:
        """`path` appended to the base URL, unless it is a whole URL already. Same as Locust."""
        return whole_url(self.base_url, path)

    def rename_request(self, name: str) -> AbstractContextManager[None]:
        """Group the requests of a `with` block under `name`. Same as Locust."""
        return renamed(self, name)

    def iter_lines(self, url: str, method: str = "GET", **kwargs: Any) -> Iterator[str]:
        """Send a request and yield the lines of its body while they come, without their ends.

        Raises:
            Exception: What the request failed with, or what its body broke off with.

        Same as Locust, but a character that comes in two pieces is put together.
        """
        response = self.request(method, url, stream=True, **kwargs)
        response.raise_for_status()
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        rest = ""
        for piece in response.iter_content(chunk_size=1024, decode_content=False):
            *lines, rest = (rest + decoder.decode(piece)).split("\n")
            yield from lines
        if rest := rest + decoder.decode(b"", final=True):
            yield rest

    def get(self, url: str, **kwargs: Any) -> Any:
        """Send a GET request. Same as Locust."""
        # Most calls bring nothing else, and to hand on an empty dict costs as much as the rest of this.
        return self.request("GET", url, **kwargs) if kwargs else self.request("GET", url)

    def options(self, url: str, **kwargs: Any) -> Any:
        """Send an OPTIONS request. Same as Locust."""
        return self.request("OPTIONS", url, **kwargs)

    def head(self, url: str, **kwargs: Any) -> Any:
        """Send a HEAD request. Same as Locust."""
        return self.request("HEAD", url, **kwargs)

    def post(self, url: str, data: Any = None, json: Any = None, **kwargs: Any) -> Any:
        """Send a POST request. Same as Locust."""
        return self.request("POST", url, data=data, json=json, **kwargs)

    def put(self, url: str, data: Any = None, **kwargs: Any) -> Any:
        """Send a PUT request. Same as Locust."""
        return self.request("PUT", url, data=data, **kwargs)

    def patch(self, url: str, data: Any = None, **kwargs: Any) -> Any:
        """Send a PATCH request. Same as Locust."""
        return self.request("PATCH", url, data=data, **kwargs)

    def delete(self, url: str, **kwargs: Any) -> Any:
        """Send a DELETE request. Same as Locust."""
        return self.request("DELETE", url, **kwargs)


_BUILD_URL = FastHttpSession._build_url


def _may_pass(exchange: Any, method: str) -> bool:
    """Whether a request may be sent again, and its failure be another one's then."""
    return exchange.failure_kind in _PASSING and exchange.body_received is None and method.upper() in _IDEMPOTENT


def _pairs(headers: Headers) -> list[tuple[str, bytes]]:
    """Headers as the engine takes them: values that are no text are sent as Python shows them, as in stock."""
    return arguments.header_pairs((name, str(value)) for name, value in headers.items())


def _frame(body: FastBody, headers: Headers) -> None:
    """Say in `headers` what a body is that is made while it is sent, and where it ends."""
    if not headers.get("content-type"):
        headers["content-type"] = "application/octet-stream"
    name, value = body.framing
    headers[name] = value


def _payload(data: Any, files: Any, headers: Headers) -> bytes | None:
    """The body as stock's client encodes it; what it says of the body goes into `headers`, where it puts that."""
    content_type = headers.get("content-type")
    content: bytes | None
    if files:
        content, headers["content-type"] = RequestEncodingMixin._encode_files(files, data or {})  # type: ignore[attr-defined]
        headers["content-length"] = str(len(content or b""))
        return content
    if not data:
        return None
    if isinstance(data, Mapping):
        content, own_type = urlencode(data).encode(), "application/x-www-form-urlencoded; charset=utf-8"
    elif isinstance(data, str):
        content, own_type = data.encode(), "text/plain; charset=utf-8"
    elif isinstance(data, bytes):
        content, own_type = data, "application/octet-stream"
    elif hasattr(data, "__iter__"):
        # Of what has a length but is no bytes geventhttpclient takes that it can be read.
        raise AttributeError(f"{type(data).__name__!r} object has no attribute 'read'")
    else:
        raise TypeError(f"{type(data).__name__!r} object is not iterable")
    if not content_type:
        headers["content-type"] = own_type
    if isinstance(data, Mapping) or (isinstance(data, str) and not content_type):
        headers["content-length"] = str(len(content))
    return content


def _invalid_url(url: str, why: str) -> ValueError:
    """What stock raises for a URL that cannot be requested, where Python itself finds the fault; else why we do not."""
    try:
        parts = urlsplit(url)
        _ = parts.port
        (parts.hostname or "").encode("idna")
    except ValueError as error:
        return error
    return ValueError(why)


def _with_unknown(method: str, data: Any, params: Any, unknown: dict[str, Any]) -> tuple[Any, Any]:
    """Put keyword arguments that nobody knows where stock puts them: into the form of a POST, else into the query."""
    if method.upper() == "POST":
        return {**(data or {}), **unknown} if data is None or isinstance(data, dict) else data, params
    return data, {**(params or {}), **unknown} if params is None or isinstance(params, dict) else params
