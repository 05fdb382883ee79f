"""From the engine's facts about a failed exchange to the exception `requests` would have raised.

Stock shows these exceptions in its failures table and hands them to listeners, so their classes, arguments and causes are part of the
contract. The engine knows what happened (a kind, an error number, the system's words); here it gets the words of urllib3 and requests.
"""

from __future__ import annotations

import errno as error_numbers
import http.client
import io
import re
import socket
import ssl
import zlib
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import requests.exceptions as wrong
from requests.models import CONTENT_CHUNK_SIZE
from requests.utils import urldefragauth
from urllib3 import HTTPResponse
from urllib3 import exceptions as pool

from rocust._http import proxies
from rocust._http.proxy_failures import of_proxy, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from rocust import _core

#: Connect and read limits in seconds, as the user wrote them.
Limits = tuple[float | None, float | None]

#: How much of a body that cannot be decoded is decoded again, to hear what is wrong with it: ten megabytes.
_PIECES_OF_EVIDENCE = 1_000
#: What is said when the engine lost a request to a bug of its own.
LOST = "The engine lost a request to a panic of its own; see the traceback above. This run cannot be trusted."

_MISSING_SCHEMA, _INVALID_SCHEMA, _INVALID_PROXY = "missing-schema", "invalid-schema", "invalid-proxy"
#: What proxies that take requests in absolute form speak.
_FORWARDING = frozenset({"http", "https"})
#: A status line that is right in all but its version.
_STATUS_LINE = re.compile(r"(?P<version>HTTP/\S+)\s+[1-9]\d\d(\s|$)")


class BodyTooLarge(wrong.RequestException):
    """The body of a response is larger than `max_body` allows, or decodes to more than a gibibyte without one.

    Differs from Locust: it reads bodies of any size.
    """


class TotalTimeout(wrong.Timeout):
    """A request was not over in the time that `Timeout(total=...)` gives it, whatever kept it.

    Differs from Locust and requests: they have no such limit.
    """


def invalid_target(problem: BaseException) -> wrong.RequestException:
    """The exception for a URL that cannot be requested; these are raised to the caller, as stock does."""
    kind, message = problem.args
    if kind == _INVALID_PROXY:
        return proxies.problem_with(message)
    if kind == _MISSING_SCHEMA:
        return wrong.MissingSchema(message)
    if kind == _INVALID_SCHEMA:
        return wrong.InvalidSchema(message)
    return wrong.InvalidURL(message)


def system_error(exchange: _core.Exchange) -> OSError:
    """The operating system's error behind a failed exchange, as the socket module would raise it."""
    number, message = exchange.failure_errno, exchange.failure_message
    if exchange.failure_kind == "resolve":
        return socket.gaierror(number if number is not None else socket.EAI_NONAME, message)
    if exchange.failure_kind == "refused":
        return ConnectionRefusedError(number or error_numbers.ECONNREFUSED, message)
    if exchange.failure_kind == "reset":
        return OSError(number or error_numbers.ECONNRESET, message)
    if number is not None:
        return OSError(number, message)
    return OSError(message)


class _Place:
    """Stands for the urllib3 object that an error message names: a pool or a connection to somewhere."""

    def __init__(self, name: str, host: str, port: int) -> None:
        self._name = f"{name}(host={host!r}, port={port})"

    def __repr__(self) -> str:
        return self._name


def _pool(exchange: _core.Exchange) -> Any:
    """A proxy that forwards has a pool, whatever it forwards to; a tunnel belongs to its target's."""
    via = exchange.via
    if via is None or exchange.is_tls or via[0] not in _FORWARDING:
        name = f"{_socks(exchange)}HTTP{'S' if exchange.is_tls else ''}ConnectionPool"
        return _Place(name, exchange.host, exchange.port)
    return _Place(f"HTTP{'S' if via[0] == 'https' else ''}ConnectionPool", via[1], via[2])


def _dialled(exchange: _core.Exchange) -> tuple[str, int]:
    """Host and port that a connection was to be made to."""
    if exchange.via is None or exchange.via[0] not in _FORWARDING:
        return exchange.host, exchange.port
    return exchange.via[1:3]


def _socks(exchange: _core.Exchange) -> str:
    """How urllib3's classes for SOCKS begin."""
    return "SOCKS" if exchange.via is not None and exchange.via[0] not in _FORWARDING else ""


def _connection(exchange: _core.Exchange) -> Any:
    if (socks := _socks(exchange)) != "":
        return _Place(f"{socks}{'HTTPS' if exchange.is_tls else ''}Connection", *_dialled(exchange))
    is_tls = exchange.is_tls or (exchange.via is not None and exchange.via[0] == "https")
    return _Place(f"HTTP{'S' if is_tls else ''}Connection", *_dialled(exchange))


def _gave_up(exchange: _core.Exchange, cause: Exception) -> pool.MaxRetryError:
    via = exchange.via
    is_forwarded = via is not None and not exchange.is_tls and via[0] in _FORWARDING
    return pool.MaxRetryError(
        _pool(exchange), urldefragauth(exchange.url) if is_forwarded else exchange.path_url, cause
    )


def _silence(exchange: _core.Exchange, limit: float | None) -> pool.ReadTimeoutError:
    return pool.ReadTimeoutError(_pool(exchange), exchange.path_url, f"Read timed out. (read timeout={limit})")


def _not_connected(exchange: _core.Exchange) -> tuple[BaseException, BaseException]:
    cause = system_error(exchange)
    connection = _connection(exchange)
    why: Exception
    if isinstance(cause, socket.gaierror) and not _socks(exchange):
        why = pool.NameResolutionError(_dialled(exchange)[0], connection, cause)
    else:
        why = pool.NewConnectionError(connection, f"Failed to establish a new connection: {cause}")
    return wrong.ConnectionError(_gave_up(exchange, why)), cause


def _aborted(cause: Exception) -> tuple[BaseException, BaseException]:
    return wrong.ConnectionError(pool.ProtocolError("Connection aborted.", cause)), cause


def _reset(exchange: _core.Exchange) -> tuple[BaseException, BaseException]:
    cause = system_error(exchange)
    if exchange.body_received is None:
        return _aborted(cause)
    error = wrong.ChunkedEncodingError(pool.ProtocolError(f"Connection broken: {cause!r}", cause))
    return error, error


def _closed_early(_: _core.Exchange) -> tuple[BaseException, BaseException]:
    return _aborted(http.client.RemoteDisconnected("Remote end closed connection without response"))


def _not_http(exchange: _core.Exchange) -> tuple[BaseException, BaseException]:
    line = exchange.status_line
    if exchange.failure_message.startswith("Content-Length contained multiple"):
        unmatching = wrong.InvalidHeader(pool.InvalidHeader(exchange.failure_message))
        return unmatching, unmatching
    if line is None:
        return _aborted(http.client.HTTPException(exchange.failure_message))
    text = line.decode("latin-1")
    if (told := _STATUS_LINE.match(text)) is not None:
        return _aborted(http.client.UnknownProtocol(told["version"]))
    return _aborted(http.client.BadStatusLine(text))


def _connect_timeout(exchange: _core.Exchange, limits: Limits) -> tuple[BaseException, BaseException]:
    limit = limits[0]
    if limit is None:
        return _not_connected(exchange)
    why = pool.ConnectTimeoutError(
        _connection(exchange), f"Connection to {_dialled(exchange)[0]} timed out. (connect timeout={limit})"
    )
    return wrong.ConnectTimeout(_gave_up(exchange, why)), why


def _read_timeout(exchange: _core.Exchange, limits: Limits) -> tuple[BaseException, BaseException]:
    if exchange.body_received is not None:
        in_body = pool.ReadTimeoutError(_pool(exchange), exchange.path_url, "Read timed out.")
        return wrong.ConnectionError(in_body), in_body
    timeout = _silence(exchange, limits[1])
    error = wrong.ReadTimeout(timeout)
    return error, error


def _endless(exchange: _core.Exchange) -> tuple[BaseException, BaseException]:
    """What http.client and urllib3 cut off too, in their words; and what they would read for ever."""
    message = exchange.failure_message
    if exchange.body_received is not None:
        error = wrong.ChunkedEncodingError(pool.ProtocolError(message))
        return error, error
    _, is_line, which = message.partition(" bytes when reading ")
    return _aborted(http.client.LineTooLong(which) if is_line else http.client.HTTPException(message))


def _too_large(exchange: _core.Exchange) -> tuple[BaseException, BaseException]:
    error = BodyTooLarge(exchange.failure_message)
    return error, error


def _bad_body(exchange: _core.Exchange) -> tuple[BaseException, BaseException]:
    error: wrong.RequestException
    if exchange.undecoded is not None:
        error = wrong.ContentDecodingError(_not_decoded(exchange, *exchange.undecoded))
    elif (cut := _cut(exchange)) is not None:
        error = wrong.ChunkedEncodingError(pool.ProtocolError(f"Connection broken: {cut!r}", cut))
    else:
        message = exchange.failure_message
        has_ended = "EOF" in message or "end of file" in message
        error = wrong.ChunkedEncodingError(pool.ProtocolError("Response ended prematurely" if has_ended else message))
    return error, error


def _cut(exchange: _core.Exchange) -> Exception | None:
    """How a body broke off, in the terms of the layer that reads it in stock; None when it ended between two chunks."""
    if exchange.chunk_line is not None:
        # urllib3 counts no bytes of a body in chunks.
        nothing_read: Any = SimpleNamespace(tell=int, length_remaining=None)
        return pool.InvalidChunkLength(nothing_read, exchange.chunk_line.partition(b";")[0])
    if exchange.chunk_progress is not None:
        received, missing = exchange.chunk_progress
        read_before = received - received % CONTENT_CHUNK_SIZE
        wanted = min(received + missing - read_before, CONTENT_CHUNK_SIZE)
        return _Incomplete(received - read_before, wanted - (received - read_before))
    if exchange.body_missing is not None:
        return _Incomplete(exchange.body_received or 0, exchange.body_missing)
    return None


def _not_decoded(exchange: _core.Exchange, encoding: str, body: bytes) -> pool.DecodeError:
    """What urllib3 says of this body: it is asked, since only zlib has zlib's words. A bomb is not followed to its end."""
    response = HTTPResponse(io.BytesIO(body), {"content-encoding": encoding}, preload_content=False)
    try:
        for _ in range(_PIECES_OF_EVIDENCE):
            if not response.read(CONTENT_CHUNK_SIZE, decode_content=True):
                break
    except pool.DecodeError as error:
        return error
    what, _, why = exchange.failure_message.partition(" (")
    return pool.DecodeError(what, zlib.error(why.removesuffix(")")))


class _Incomplete(http.client.IncompleteRead):
    """An incomplete read that knows how much came without having it."""

    def __init__(self, received: int, missing: int | None) -> None:
        super().__init__(b"", missing)
        self._received = received

    def __repr__(self) -> str:
        more = f", {self.expected} more expected" if self.expected is not None else ""
        return f"IncompleteRead({self._received} bytes read{more})"

    __str__ = object.__str__


def tls_error(exchange: _core.Exchange) -> ssl.SSLError:
    """The error of the `ssl` module for a failed handshake; the engine knows OpenSSL's words."""
    words = exchange.failure_message
    if words.startswith("[SSL: CERTIFICATE_VERIFY_FAILED]"):
        return ssl.SSLCertVerificationError(1, words)
    if words.startswith("[SSL: UNEXPECTED_EOF_WHILE_READING]"):
        return ssl.SSLEOFError(int(ssl.SSL_ERROR_EOF), words)
    if words.startswith("[SSL: "):
        return ssl.SSLError(int(ssl.SSL_ERROR_SSL), words)
    return ssl.SSLError(words)


def _tls(exchange: _core.Exchange) -> tuple[BaseException, BaseException]:
    cause = tls_error(exchange)
    why = pool.SSLError(cause)
    if exchange.body_received is not None:
        error = wrong.SSLError(why)
        return error, error
    return wrong.SSLError(_gave_up(exchange, why)), why


def _too_many_redirects(exchange: _core.Exchange) -> tuple[BaseException, BaseException]:
    error = wrong.TooManyRedirects(exchange.failure_message)
    return error, error


def _invalid_redirect(exchange: _core.Exchange) -> tuple[BaseException, BaseException]:
    error = wrong.InvalidSchema(exchange.failure_message)
    return error, error


def _bad_location(exchange: _core.Exchange) -> tuple[BaseException, BaseException]:
    error = wrong.InvalidURL(exchange.failure_message)
    return error, error


def _tunnel(exchange: _core.Exchange) -> tuple[BaseException, BaseException]:
    cause = refusal(exchange)
    why = pool.NewConnectionError(_connection(exchange), f"Failed to establish a new connection: {cause}")
    return wrong.ConnectionError(_gave_up(exchange, why)), cause


def _total_timeout(exchange: _core.Exchange) -> tuple[BaseException, BaseException]:
    error = TotalTimeout(exchange.failure_message)
    return error, error


def _invalid_proxy(exchange: _core.Exchange) -> tuple[BaseException, BaseException]:
    error = proxies.problem_with(exchange.failure_message)
    return error, error


def _other(exchange: _core.Exchange) -> tuple[BaseException, BaseException]:
    if exchange.failure_errno is not None:
        return _not_connected(exchange)
    return _aborted(http.client.HTTPException(exchange.failure_message))


_BY_LIMIT: dict[str, Callable[[Any, Limits], tuple[BaseException, BaseException]]] = {
    "connect-timeout": _connect_timeout,
    "read-timeout": _read_timeout,
}
_BY_KIND: dict[str, Callable[[Any], tuple[BaseException, BaseException]]] = {
    "refused": _not_connected,
    "resolve": _not_connected,
    "reset": _reset,
    "closed-early": _closed_early,
    "not-http": _not_http,
    "bad-body": _bad_body,
    "total-timeout": _total_timeout,
    "endless": _endless,
    "too-large": _too_large,
    "tls": _tls,
    "too-many-redirects": _too_many_redirects,
    "invalid-redirect": _invalid_redirect,
    "bad-location": _bad_location,
    "invalid-proxy": _invalid_proxy,
    "tunnel": _tunnel,
    "other": _other,
}


def of_body(error: Exception) -> wrong.RequestException:
    """What `requests` raises when a request's body could not be made, for `error`."""
    if isinstance(error, wrong.RequestException):
        return error
    told, cause = _aborted(error)
    told.__context__ = cause
    return told  # type: ignore[return-value]


def of_requests(exchange: _core.Exchange, limits: Limits) -> tuple[wrong.RequestException, BaseException]:
    """What went wrong, twice: as `requests` raises it, and as stock reports it (the innermost cause).

    Args:
        exchange: One that failed.
        limits: Connect and read limits in seconds, as the call had them.

    Returns:
        The `requests` exception for `response.error`, and the exception for the statistics and listeners.
    """
    kind = exchange.failure_kind
    if kind in _BY_LIMIT:
        error, reported = _BY_LIMIT[kind](exchange, limits)
    else:
        error, reported = _BY_KIND.get(kind, _other)(exchange)
    if exchange.via is not None:
        error, reported = of_proxy(exchange, (error, reported), limits[0], tls_error, _gave_up, _silence)
    if reported is not error and exchange.via is None:
        _chain(error, reported)
    elif reported is not error:
        # That it was the proxy is said beside the chain, not in it.
        error.__context__ = wrapped = error.args[0]
        wrapped.__context__ = reported
    return error, reported  # type: ignore[return-value]


def knows_no_request(exchange: _core.Exchange) -> bool:
    """Whether `requests` raises the failure without the request it is about: in the body, where it no longer has it at hand."""
    return exchange.body_received is not None or exchange.undecoded is not None


def _chain(error: BaseException, cause: BaseException) -> None:
    """Have each exception wrapped in `error` be the context of the one around it, down to `cause`, as if they had been raised in turn."""
    outer: Any = error
    while outer is not cause:
        inside = getattr(outer, "reason", None) or next(
            (part for part in outer.args if isinstance(part, BaseException)), cause
        )
        outer.__context__ = inside
        outer = inside
