"""The adapters that a session mounts: `requests` hands them a prepared request, and the engine sends it.

What the engine cannot send goes through `requests`' own adapter over sockets that the kernel made cooperative.
"""

from __future__ import annotations

import ssl
from collections import OrderedDict
from functools import cache
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidHeader, InvalidJSONError, TooManyRedirects
from requests.utils import DEFAULT_CA_BUNDLE_PATH, extract_zipped_paths
from urllib3.util import create_urllib3_context

from rocust import _core
from rocust._http import arguments, failures, paths, streaming, tls, uploading
from rocust._http.arguments import NotPlain
from rocust._http.policies import Limits
from rocust._http.proxies import rules_of
from rocust._http.response import arriving, own_dict
from rocust._http.uploading import SentBody
from rocust._kernel import mailroom
from rocust._kernel.green import getcurrent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import requests

#: Methods that are sent without `Content-Length` when they have no body, as urllib3 sends them.
_BODILESS = frozenset({"GET", "HEAD", "DELETE", "TRACE", "OPTIONS", "CONNECT"})

_REFUSALS = (InvalidHeader, InvalidJSONError, TooManyRedirects)


class LocustHttpAdapter(HTTPAdapter):
    """The adapter of a session: it hands prepared requests to the engine as they are, and never follows a redirect itself.

    That holds for those that a session makes for itself without a pool. One that somebody makes and mounts sends over sockets of its
    own, or over a pool that users share.

    Same as Locust.
    """

    #: What sends for a session that made this adapter.
    _engine: Engine | None = None

    def __init__(self, pool_manager: Any = None, *args: Any, **kwargs: Any) -> None:
        """Make an adapter over `pool_manager`, or over a pool of its own."""
        self.poolmanager = pool_manager
        super().__init__(*args, **kwargs)

    @classmethod
    def of_session(
        cls, client: _core.Client, tally: paths.Tally, calls: dict[Any, Call], pool_manager: Any
    ) -> LocustHttpAdapter:
        """The adapter that a session mounts by default.

        Args:
            client: Whose connections are used.
            tally: What the session counts.
            calls: The session's running calls by greenlet.
            pool_manager: A pool of urllib3 to send by, instead of by the engine.
        """
        adapter = cls(pool_manager)
        adapter._engine = Engine(client, tally, calls, adapter, pool_manager is not None)
        return adapter

    def __reduce__(self) -> Any:
        """That of a session is pickled as the adapter that needs no engine."""
        return super().__reduce__() if self._engine is None else (LocustHttpAdapter, ())

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        """Send a prepared request, without following redirects.

        The time of a call is what its requests took on their lanes, summed over the hops; what hooks and authentication objects do
        between them is the generator's business, not the server's.

        Raises:
            requests.RequestException: When there is no whole response.

        Differs from requests: by the engine, the body has been read whole when this returns, unless `stream` is set.
        """
        response = None if self._engine is None else self._engine.send(request, stream, timeout, verify, cert, proxies)
        return super().send(request, stream, timeout, verify, cert, proxies) if response is None else response

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make a pool unless one was given. Same as Locust."""
        if self.__dict__.get("poolmanager") is None:
            super().init_poolmanager(*args, **kwargs)

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        """Where to connect and how; trusted certificates are read once, not for every connection. Same as Locust."""
        host: Any
        pool: Any
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        if verify is True:
            pool["ssl_context"] = _verifying_context()
        return host, pool


@cache
def _verifying_context() -> ssl.SSLContext:
    """A context with `requests`' certificates."""
    context = create_urllib3_context()
    context.load_verify_locations(extract_zipped_paths(DEFAULT_CA_BUNDLE_PATH))  # type: ignore[no-untyped-call]
    return context


class SessionAdapters(OrderedDict[str, HTTPAdapter]):
    """A session's adapters, which tell when another one is mounted."""

    def __init__(self, adapters: Iterable[tuple[str, HTTPAdapter]], changed: Callable[[], None]) -> None:
        """Take these to begin with; `changed` is called when others are set later."""
        self._changed: Callable[[], None] | None = None
        super().__init__(adapters)
        self._changed = changed

    def __setitem__(self, prefix: str, adapter: HTTPAdapter) -> None:
        """Mount an adapter."""
        super().__setitem__(prefix, adapter)
        if self._changed is not None:
            self._changed()


class Call:
    """A call that `requests` runs, and what the engine did for it, hop by hop."""

    __slots__ = (
        "cause",
        "error",
        "exchanges",
        "hops",
        "is_foreign",
        "last",
        "ledger",
        "max_body",
        "response_time",
        "started_at",
    )

    def __init__(self, ledger: _core.Ledger | None, is_foreign: bool, max_body: int) -> None:
        self.ledger = ledger
        #: The bound of each response's body; -1 for none.
        self.max_body = max_body
        #: Whether somebody else's code sends, so that the call is measured from outside.
        self.is_foreign = is_foreign
        self.hops = 0
        #: The exchanges of all hops, which know what took how long.
        self.exchanges: list[_core.Exchange] = []
        #: Milliseconds, summed over the hops.
        self.response_time = 0.0
        self.started_at = 0.0
        #: The latest exchange. It stays unsettled until the next one, or until the call is reported: one open entry a call.
        self.last: _core.Exchange | None = None
        #: What the adapter raised for a failed exchange.
        self.error: BaseException | None = None
        #: Its context, which Python replaces when it is raised while the caller handles something else.
        self.cause: BaseException | None = None

    def add(self, exchange: _core.Exchange) -> None:
        """Take note of one more hop."""
        if self.last is None:
            self.started_at = exchange.started_at
        self.last = exchange
        self.hops += 1
        self.exchanges.append(exchange)
        self.response_time += exchange.response_time

    def goes_on(self) -> None:
        """Another request of this call is on its way, whose entry is open in place of the last one's."""
        if self.last is not None:
            self.last.settle()

    def breaks_off(self) -> None:
        """Nobody will report this call, though the server has seen it: it is counted as aborted."""
        if self.last is not None and not self.last.is_settled:
            self.last.settle()
            if self.ledger is not None:
                self.ledger.abort()

    def ran_all(self, response: requests.Response) -> bool:
        """Whether the engine ran every request behind `response`, so that what it measured is all there is."""
        if self.is_foreign:
            return False
        error = getattr(response, "error", None)
        if error is None:
            return self.hops > len(response.history)
        # What `requests` refuses (a header, a body, one redirect too many) is sent by nobody.
        return error is self.error or isinstance(error, _REFUSALS)

    def hand_over(self, response: requests.Response, is_engines: bool) -> None:
        """Leave it to `response` to settle the last exchange when it is reported, and to tell the parts of what the engine ran."""
        if self.last is not None and own_dict(response).setdefault("_exchange", self.last) is not self.last:
            self.last.settle()
        own_dict(response)["_hops"] = self.exchanges if is_engines else []


class Engine:
    """What an adapter sends by: its session's connections."""

    def __init__(
        self,
        client: _core.Client,
        tally: paths.Tally,
        calls: dict[Any, Call],
        adapter: LocustHttpAdapter,
        has_own_pool: bool,
    ) -> None:
        self._client, self._tally, self._calls = client, tally, calls
        #: What responses show as their `connection`.
        self._adapter = adapter
        self._has_own_pool = has_own_pool

    def send(
        self, request: requests.PreparedRequest, stream: bool, timeout: Any, verify: Any, cert: Any, proxies: Any
    ) -> requests.Response | None:
        """Send a prepared request; None when `requests` itself must."""
        call = self._calls.get(getcurrent())
        body: Any = None
        is_ours = not (self._has_own_pool or (call is not None and call.is_foreign))
        if is_ours:
            body, is_ours = _body(request)
        if is_ours and paths.ADAPTER_SEND is HTTPAdapter.send:
            limits = arguments.limits_of(timeout)
            try:
                settings = tls.of_requests(verify, cert, str(request.url))
                exchange = self._run(request, body, timeout, settings, proxies, call, stream)
            except (_core.InvalidHeader, NotPlain):
                # The engine is stricter than http.client about the bytes of a header.
                pass
            else:
                own_error = body.error if isinstance(body, SentBody) else None
                return self._answer(exchange, request, limits, call, stream, own_error)
        if call is not None:
            call.is_foreign = True
        return None

    def _run(
        self,
        request: requests.PreparedRequest,
        body: bytes | SentBody | None,
        timeout: Any,
        settings: _core.TlsSettings,
        proxies: Any,
        call: Call | None,
        stream: bool,
    ) -> _core.Exchange:
        connect, read = arguments.limits_of(timeout)
        sent = body if isinstance(body, SentBody) else None
        extra = {
            "headers": arguments.checked_header_pairs(request.headers),
            "body": None if sent else body,
            "upload": sent.core if sent else None,
            "is_streamed": bool(stream),
            "query": "",
            "is_prepared": True,
            "cookies": [],
            "use_jar": False,
            "connect_timeout": connect,
            "read_timeout": read,
            "total_timeout": timeout.total if isinstance(timeout, Limits) else None,
            "follow": False,
            "max_redirects": 0,
            "tls": settings,
            "proxies": rules_of(proxies),
        }
        if call is not None:
            extra["max_body"] = call.max_body
        ledger = call.ledger if call is not None else None
        room = mailroom.current()
        try:
            key = self._client.send_with(
                room.port, getcurrent(), ledger, False, str(request.method), str(request.url), None, extra
            )
        except _core.InvalidTarget as problem:
            raise failures.invalid_target(problem) from None
        self._tally.hops += 1
        if call is not None:
            call.goes_on()
        exchange = room.park(key) if sent is None else sent.exchange(room, key)
        if exchange is False:
            raise RuntimeError(failures.LOST)
        return exchange  # type: ignore[no-any-return]

    def _answer(
        self,
        exchange: _core.Exchange,
        request: requests.PreparedRequest,
        limits: Any,
        call: Call | None,
        stream: bool,
        own_error: Exception | None,
    ) -> requests.Response:
        if call is not None:
            call.add(exchange)
        else:
            self._tally.prepared += 1
            exchange.settle()
        if exchange.failed:
            error: requests.RequestException
            if own_error is not None:
                error = failures.of_body(own_error)
            else:
                error, _ = failures.of_requests(exchange, limits)
            if not failures.knows_no_request(exchange):
                error.request = request
            if call is not None:
                call.error, call.cause = error, error.__context__
            raise error
        response = arriving(exchange, request, self._adapter)
        if stream:
            streaming.begin(own_dict(response), exchange)
        return response


def is_engines(adapter: HTTPAdapter) -> bool:
    """Whether a session has made this adapter for itself."""
    return type(adapter) is LocustHttpAdapter and adapter._engine is not None


def _body(request: requests.PreparedRequest) -> tuple[bytes | SentBody | None, bool]:
    """The body as the engine takes it, and whether it can."""
    body: Any = request.body
    if body is None:
        return (None if request.method in _BODILESS or "Content-Length" in request.headers else b""), True
    if isinstance(body, str):
        return body.encode(), True
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body), True
    if not uploading.is_streamed(body):
        return None, False
    length = request.headers.get("Content-Length")
    if length is None:
        # As in requests' own adapter: whatever has no length goes in chunks.
        request.headers["Transfer-Encoding"] = "chunked"
    return SentBody(body, str(request.method), None if length is None else int(length)), True
