"""From the engine's facts about a failed exchange to the exception `requests` would have raised.

Stock shows these exceptions in its failures table and hands them to listeners, so their classes, arguments and causes are part of the
contract. The engine knows what happened (a kind, an error number, the system's words); here it gets the words of urllib3 and requests.
"""

from __future__ import annotations

import errno as error_numbers
import http.client
import socket
import ssl
import zlib
from typing import TYPE_CHECKING, Any

import requests.exceptions as wrong
from urllib3 import exceptions as pool

if TYPE_CHECKING:
    from collections.abc import Callable

    from rocust import _core

#: Connect and read limits in seconds, as the user wrote them.
Limits = tuple[float | None, float | None]

#: How the engine's message begins when a body came whole and could not be decoded.
_UNDECODABLE = "Received response with content-encoding"
#: How the engine's message begins when it does not trust the server, and OpenSSL's words for its reasons.
_BAD_CERTIFICATE = "invalid peer certificate: "
_CERTIFICATE_REASONS = {
    "UnknownIssuer": "unable to get local issuer certificate",
    "Expired": "certificate has expired",
    "NotValidYet": "certificate is not yet valid",
    "certificate expired": "certificate has expired",
    "certificate not valid for name": "Hostname mismatch, certificate is not valid for this host",
    "NotValidForName": "Hostname mismatch, certificate is not valid for this host",
    "Revoked": "certificate revoked",
}
_MISSING_SCHEMA, _INVALID_SCHEMA = "missing-schema", "invalid-schema"


def invalid_target(problem: BaseException) -> wrong.RequestException:
    """The exception for a URL that cannot be requested; these are raised to the caller, as stock does."""
    kind, message = problem.args
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
    """Stands for the urllib3 object that an error message names: a pool or a connection to the exchange's host."""

    def __init__(self, kind: str, exchange: _core.Exchange) -> None:
        scheme = "HTTPS" if exchange.is_tls else "HTTP"
        self._name = f"{scheme}Connection{kind}(host={exchange.host!r}, port={exchange.port})"

    def __repr__(self) -> str:
        return self._name


def _pool(exchange: _core.Exchange) -> Any:
    return _Place("Pool", exchange)


def _connection(exchange: _core.Exchange) -> Any:
    return _Place("", exchange)


def _gave_up(exchange: _core.Exchange, cause: Exception) -> pool.MaxRetryError:
    return pool.MaxRetryError(_pool(exchange), exchange.path_url, cause)


def _not_connected(exchange: _core.Exchange) -> tuple[BaseException, BaseException]:
    cause = system_error(exchange)
    connection = _connection(exchange)
    why: Exception
    if isinstance(cause, socket.gaierror):
        why = pool.NameResolutionError(exchange.host, connection, cause)
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
    return _aborted(http.client.BadStatusLine(exchange.failure_message))


def _connect_timeout(exchange: _core.Exchange, limits: Limits) -> tuple[BaseException, BaseException]:
    limit = limits[0]
    if limit is None:
        return _not_connected(exchange)
    why = pool.ConnectTimeoutError(
        _connection(exchange), f"Connection to {exchange.host} timed out. (connect timeout={limit})"
    )
    return wrong.ConnectTimeout(_gave_up(exchange, why)), why


def _read_timeout(exchange: _core.Exchange, limits: Limits) -> tuple[BaseException, BaseException]:
    timeout = pool.ReadTimeoutError(_pool(exchange), exchange.path_url, f"Read timed out. (read timeout={limits[1]})")
    error: wrong.RequestException = wrong.ReadTimeout(timeout)
    if exchange.body_received is not None:
        error = wrong.ConnectionError(timeout)
    return error, error


def undecodable(exchange: _core.Exchange) -> tuple[str, str] | None:
    """What could not be decoded and why, when the body of a failed exchange came and was not what its headers said."""
    message = exchange.failure_message
    if exchange.body_received is not None and not message.startswith(_UNDECODABLE):
        return None
    what, _, why = message.partition(" (")
    return what, why.removesuffix(")")


def _bad_body(exchange: _core.Exchange) -> tuple[BaseException, BaseException]:
    received = exchange.body_received
    error: wrong.RequestException
    if (problem := undecodable(exchange)) is not None:
        what, why = problem
        error = wrong.ContentDecodingError(pool.DecodeError(what, zlib.error(why)))
    elif received is None or (exchange.body_missing is None and exchange.failure_message):
        error = wrong.ChunkedEncodingError(pool.ProtocolError("Response ended prematurely"))
    else:
        cut = _Incomplete(received, exchange.body_missing)
        error = wrong.ChunkedEncodingError(pool.ProtocolError(f"Connection broken: {cut!r}", cut))
    return error, error


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
    """What went wrong with TLS, in OpenSSL's words where it is about a certificate."""
    _, is_certificate, reason = exchange.failure_message.partition(_BAD_CERTIFICATE)
    if not is_certificate:
        return ssl.SSLError(exchange.failure_message)
    known = next((words for name, words in _CERTIFICATE_REASONS.items() if reason.startswith(name)), reason)
    return ssl.SSLCertVerificationError(1, f"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {known}")


def _tls(exchange: _core.Exchange) -> tuple[BaseException, BaseException]:
    why = pool.SSLError(tls_error(exchange))
    return wrong.SSLError(_gave_up(exchange, why)), why


def _too_many_redirects(exchange: _core.Exchange) -> tuple[BaseException, BaseException]:
    error = wrong.TooManyRedirects(exchange.failure_message)
    return error, error


def _invalid_redirect(exchange: _core.Exchange) -> tuple[BaseException, BaseException]:
    error = wrong.InvalidSchema(exchange.failure_message)
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
    "tls": _tls,
    "too-many-redirects": _too_many_redirects,
    "invalid-redirect": _invalid_redirect,
    "other": _other,
}


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
    if reported is not error:
        error.__context__ = reported
    return error, reported  # type: ignore[return-value]
