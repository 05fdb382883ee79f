"""The exceptions of `FastHttpUser`'s client, with the names and texts of geventhttpclient, which stock uses there.

Exception
├── ConnectionError             (geventhttpclient's own: a URL and a reason)
│   ├── BadStatusCode
│   │   └── LocustBadStatusCode
│   ├── RetriesExceeded
│   ├── UnrewoundBodyError
│   └── UnsupportedRedirectSchemeError
├── HTTPConnectionClosed        the server closed without an answer
└── HTTPParseError              what came back is not (whole) HTTP
"""

from __future__ import annotations

import errno as error_numbers
import re
import ssl
import zlib
from typing import TYPE_CHECKING, Any

from rocust._http.failures import BodyTooLarge, system_error, tls_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from rocust import _core


class FastConnectionError(Exception):
    """A request to `url` failed; further facts in `text` and as keyword arguments."""

    def __init__(self, url: str | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(url, *args)
        self.url = url
        self.kw_text = ", ".join(f"{key}={value!s}" for key, value in kwargs.items())
        told = str(args[0]) if len(args) == 1 else ""
        self.text = ", ".join(part for part in (told, self.kw_text) if part)
        for key, value in kwargs.items():
            setattr(self, key, value)

    def __repr__(self) -> str:
        """The class, the URL, what is known."""
        parts = [repr(self.url), *(repr(argument) for argument in self.args[1:])]
        if self.kw_text:
            parts.append(self.kw_text)
        return f"{type(self).__name__}({', '.join(parts)})"

    def __str__(self) -> str:
        """The words for people."""
        return f"URL {self.url}: {self.text}" if self.text else f"URL {self.url}"


# Its name where it came from; as a global it would hide Python's.
FastConnectionError.__name__ = FastConnectionError.__qualname__ = "ConnectionError"


class BadStatusCode(FastConnectionError):
    """The status is not one of the valid ones; it is in `code`."""

    code: int


class LocustBadStatusCode(FastConnectionError):
    """As `BadStatusCode`, shown without the URL so that failures group. Same as Locust."""

    code: int

    def __repr__(self) -> str:
        """The class and the code."""
        return f"{type(self).__name__}({self.kw_text})"


class RetriesExceeded(FastConnectionError):
    """Too many redirects, or too many attempts."""


class UnrewoundBodyError(FastConnectionError):
    """A redirect wants the body again, and there is no way back to its beginning."""


class UnsupportedRedirectSchemeError(FastConnectionError):
    """A redirect to something that is not HTTP."""


class HTTPConnectionClosed(Exception):
    """The server closed the connection without an answer."""


class HTTPParseError(Exception):
    """What came back is not HTTP, or not all of it."""


#: Added to zlib's window bits: the data has gzip's wrapper.
_GZIP = 16
#: The scheme of the URL that a message quotes.
_SCHEME = re.compile(r"'([A-Za-z][A-Za-z0-9+.-]*):")

#: What a request may fail with; recorded as a failure, never raised to the task. Same as Locust.
FAILURE_EXCEPTIONS = (
    FastConnectionError,
    ConnectionError,
    OSError,
    ssl.SSLError,
    TimeoutError,
    HTTPConnectionClosed,
    HTTPParseError,
    zlib.error,
)


def _closed(_: Any) -> Exception:
    return HTTPConnectionClosed("connection closed.")


def _reset(exchange: _core.Exchange) -> Exception:
    if exchange.body_received is None and not exchange.is_in_head:
        return _closed(exchange)
    return ConnectionResetError(exchange.failure_errno or error_numbers.ECONNRESET, exchange.failure_message)


def _bad_body(exchange: _core.Exchange) -> Exception:
    if exchange.undecoded is not None:
        return _not_decoded(exchange, *exchange.undecoded)
    if exchange.chunk_line is not None:
        return HTTPParseError("Invalid character in chunk size", 12)
    return HTTPParseError("Incomplete response.")


def _not_decoded(exchange: _core.Exchange, encoding: str, body: bytes) -> Exception:
    """What zlib says of this body: it is asked, since only it has its words."""
    try:
        if encoding.lower() == "gzip":
            _decompress(body, zlib.MAX_WBITS | _GZIP)
        elif encoding.lower() == "deflate":
            _decompress(body, zlib.MAX_WBITS)
    except zlib.error as error:
        return error
    return zlib.error(exchange.failure_message)


def _decompress(body: bytes, window_bits: int) -> None:
    """Decompress until something is wrong with it, but not all of a bomb.

    Raises:
        zlib.error: In zlib's words, with those of `zlib.decompress` for a body that was cut.
    """
    piece_bytes, pieces = 65_536, 160
    decoder = zlib.decompressobj(window_bits)
    for _ in range(pieces):
        decoder.decompress(body, piece_bytes)
        body = decoder.unconsumed_tail
        if decoder.eof:
            return
        if not body:
            raise zlib.error("Error -5 while decompressing data: incomplete or truncated stream")


_BAD_LENGTH = ("Invalid character in Content-Length", 11)


def _not_http(exchange: _core.Exchange) -> Exception:
    """In the words and numbers of llhttp, for the mistakes that are told apart."""
    line = exchange.status_line
    if exchange.failure_message.startswith("Remote end closed"):
        return HTTPParseError("Invalid EOF state", 14)
    if line is None:
        mistakes = {"Content-Length contained": ("Duplicate Content-Length", 4), "invalid content-length": _BAD_LENGTH}
        told = (facts for words, facts in mistakes.items() if exchange.failure_message.startswith(words))
        return HTTPParseError(*next(told, ("Invalid header token", 10)))
    if not line.startswith(b"HTTP/"):
        return HTTPParseError("Expected HTTP/, RTSP/ or ICE/", 8)
    if line.startswith(b"HTTP/1."):
        return HTTPParseError("Invalid status code", 13)
    return HTTPParseError("Invalid HTTP version", 9)


def _timed_out(exchange: _core.Exchange, max_retries: int) -> Exception:
    if exchange.body_received is not None:
        return TimeoutError("timed out")
    return RetriesExceeded(exchange.first_url, max_retries, original=TimeoutError("timed out"))


def _endless(exchange: _core.Exchange) -> Exception:
    """Stock reads for ever, so there are no words of its for it."""
    return HTTPParseError(exchange.failure_message)


def _invalid_redirect(exchange: _core.Exchange) -> Exception:
    scheme = _SCHEME.search(exchange.failure_message)
    return UnsupportedRedirectSchemeError(
        exchange.first_url, f"refusing to follow redirect to {scheme[1] if scheme else ''!r} URL"
    )


#: Failures in the middle of a body that stock finds when it reads the body, and so has a response for.
_BROKEN_BODIES = frozenset({"reset", "closed-early", "bad-body", "read-timeout", "tls", "other"})

_BY_KIND: dict[str, Callable[[Any], Exception]] = {
    "refused": system_error,
    "resolve": system_error,
    "reset": _reset,
    "closed-early": _closed,
    "not-http": _not_http,
    "bad-body": _bad_body,
    "endless": _endless,
    "too-large": lambda exchange: BodyTooLarge(exchange.failure_message),
    "tls": tls_error,
    "too-many-redirects": lambda exchange: RetriesExceeded(exchange.first_url, exchange.failure_message),
    "invalid-redirect": _invalid_redirect,
    "bad-location": lambda exchange: ValueError(exchange.failure_message),
}


def of_fast_body(exchange: _core.Exchange) -> Exception:
    """What went wrong with a body that was read while it came."""
    return TimeoutError("timed out") if exchange.failure_kind == "read-timeout" else of_fast(exchange)


def leftover_of(exchange: _core.Exchange) -> bytes | None:
    """What stock's connection has to give to who reads a body once more that broke off or could not be decoded.

    None where stock has no response: nothing of it had come, or what came was no HTTP.
    """
    if exchange.undecoded is not None:
        return b""
    is_told = exchange.failure_kind in _BROKEN_BODIES and exchange.chunk_line is None
    broken = exchange.broken() if is_told else None
    return broken.body if broken is not None else None


def refusal_of_proxy(exchange: _core.Exchange) -> RuntimeError | None:
    """What geventhttpclient says when a proxy opens no tunnel; it is raised to the task, and nobody is told of the request."""
    if exchange.via is None or exchange.via[3] != "asking":
        return None
    if exchange.failure_kind == "closed-early":
        return RuntimeError("Proxy closed the connection before answering the CONNECT request")
    if exchange.failure_kind not in ("tunnel", "not-http") or exchange.status_line is None:
        return None
    line = exchange.status_line.decode("latin-1").rstrip("\r\n")
    hint = " (proxy authentication required?)" if line.split()[1:2] == ["407"] else ""
    return RuntimeError(f"Proxy CONNECT failed: {line}{hint}")


def of_fast(exchange: _core.Exchange, max_retries: int = 0, max_redirects: int | None = None) -> Exception:
    """What went wrong with a failed exchange, as geventhttpclient raises it; it quotes these limits of the session."""
    if exchange.failure_kind == "too-many-redirects" and max_redirects is not None:
        return RetriesExceeded(exchange.first_url, f"Redirection limit reached ({max_redirects})")
    if exchange.failure_kind in ("connect-timeout", "read-timeout"):
        return _timed_out(exchange, max_retries)
    return _BY_KIND.get(exchange.failure_kind, system_error)(exchange)
