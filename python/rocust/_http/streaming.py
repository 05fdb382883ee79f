"""Response bodies that are read while they come: `stream=True`.

The engine hands the response over with its head and keeps the connection; each piece of the body is fetched by one wait of the
greenlet that wants it, so nothing is read ahead and a slow reader slows its server down. What reads the body for `HttpUser` is
urllib3's `HTTPResponse` on the standard library's, as in stock: decoding, the sizes of pieces and the errors are theirs. The only thing
of ours is at the bottom, where they have a socket. `FastHttpUser` reads the same pieces with geventhttpclient's methods.
"""

from __future__ import annotations

import asyncio
import errno as error_numbers
import http.client
import io
import zlib
from collections import deque
from contextlib import contextmanager
from email.message import Message
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from urllib3 import HTTPHeaderDict, HTTPResponse
from urllib3 import exceptions as pool

from rocust import _core
from rocust._http import failures
from rocust._http.fast_errors import of_fast_body
from rocust._kernel import looproom, mailroom
from rocust._kernel.green import getcurrent

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

_ALL = 1 << 30
"""More than any piece holds: the engine gives as much as it gathers at once."""
_BLOCK_BYTES = 64 * 1024
AS_IT_COMES = 1 << 29
"""What `iter_content` is asked for by who wants pieces as they come, which `requests` has no word for."""
_OWN_ENCODINGS = ("br", "zstd")
"""Content encodings that the engine undoes, since urllib3 needs other packages for them."""


class Broken(Exception):
    """The body broke off; the failed exchange says how."""

    def __init__(self, exchange: _core.Exchange) -> None:
        super().__init__(exchange.failure_message)
        self.exchange = exchange


class Pieces:
    """The body of one exchange, a piece at a time."""

    def __init__(self, exchange: _core.Exchange) -> None:
        self._flow = exchange.flow()
        #: The most bytes that may come of the body when its encoding is undone; None when nothing is to come.
        self.max_decoded = None if self._flow is None else self._flow.max_decoded_bytes
        #: What has come with the head, when no more is to come.
        self._whole = b"" if self._flow is not None else exchange.body
        self.has_ended = self._flow is None and not self._whole

    def pull(self, wanted: int, to_chunk_end: bool = False) -> tuple[bytes, int | None]:
        """Wait for at least so many bytes, or for the end of a chunk. Not to be called after the end.

        Returns:
            The bytes, nothing at the end; and what is still to come of their chunk, None for a body without chunks.

        Raises:
            Broken: The body breaks off here.
        """
        if self._flow is None:
            return self.rest(to_chunk_end)
        room = mailroom.current()
        return self.taken(room.park(self._flow.pull(room.port, getcurrent(), wanted, to_chunk_end)))

    async def pull_async(self, wanted: int) -> bytes:
        """As `pull`, for a coroutine, without a word about chunks."""
        if self._flow is None:
            return self.rest()[0]
        room = looproom.current()
        future = asyncio.get_running_loop().create_future()
        return self.taken(await room.park(future, self._flow.pull(room.port, future, wanted, False)))[0]

    def rest(self, to_chunk_end: bool = False) -> tuple[bytes, int | None]:
        """What has come with the head, when no more is to come."""
        self.has_ended = True
        return self._whole, 0 if to_chunk_end else None

    def taken(self, answer: Any) -> tuple[bytes, int | None]:
        """The engine's answer, taken apart."""
        if answer is False:
            raise RuntimeError("The engine lost a body to a panic of its own; see the traceback above.")
        if isinstance(answer, _core.Exchange):
            self.has_ended = True
            raise Broken(answer)
        piece, chunk_left, self.has_ended = answer
        return piece, chunk_left

    def close(self) -> None:
        """Close the connection, unless the body has been read."""
        if self._flow is not None and not self.has_ended:
            self._flow.close()
        self._flow, self._whole, self.has_ended = None, b"", True


class _Wire(io.RawIOBase):
    """What the standard library takes for the socket: the body as it came, the frame around its chunks put on again."""

    def __init__(self, pieces: Pieces, is_chunked: bool) -> None:
        super().__init__()
        self._pieces = pieces
        self._is_chunked = is_chunked
        self._is_inside_chunk = False
        self._ready: deque[memoryview] = deque()
        self._is_over = self._pieces.has_ended

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        """What there is, after at most one wait.

        Raises:
            OSError: The connection failed. (A body that ends too soon just ends.)
        """
        if not self._ready and not self._is_over:
            try:
                self._fetch()
            except Broken as broken:
                self._is_over = True
                self._ready.extend(map(memoryview, _last_words(broken.exchange, self._is_inside_chunk)))
        if not self._ready:
            return 0
        view = self._ready[0]
        count = min(len(buffer), len(view))
        buffer[:count] = view[:count]
        if count == len(view):
            self._ready.popleft()
        else:
            self._ready[0] = view[count:]
        return count

    def _fetch(self) -> None:
        piece, left = self._pieces.pull(1, self._is_chunked)
        self._is_over = self._pieces.has_ended
        if piece and not self._is_chunked:
            self._ready.append(memoryview(piece))
        elif piece:
            if not self._is_inside_chunk:
                self._ready.append(memoryview(b"%x\r\n" % (len(piece) + (left or 0))))
            self._ready.append(memoryview(piece))
            self._is_inside_chunk = bool(left)
            if not left:
                self._ready.append(memoryview(b"\r\n"))
        if self._is_over and self._is_chunked:
            self._ready.append(memoryview(b"0\r\n\r\n"))

    def close(self) -> None:
        self._pieces.close()
        super().close()


def _last_words(exchange: _core.Exchange, is_inside_chunk: bool) -> list[bytes]:
    """What a server said before its body ended too soon, and what was not handed out as a piece: (half) the size of a chunk.

    Raises:
        OSError: The connection failed.
    """
    kind = exchange.failure_kind
    if kind == "bad-body":
        if exchange.chunk_line is not None:
            return [exchange.chunk_line]
        if exchange.chunk_progress is not None and not is_inside_chunk and exchange.chunk_progress[0] == 0:
            return [b"%x\r\n" % exchange.chunk_progress[1]]
        return []
    if kind == "read-timeout":
        raise TimeoutError("timed out")
    if kind == "reset":
        raise ConnectionResetError(exchange.failure_errno or error_numbers.ECONNRESET, exchange.failure_message)
    if kind == "tls":
        raise failures.tls_error(exchange)
    if kind == "too-large":
        raise failures.BodyTooLarge(exchange.failure_message)
    raise failures.system_error(exchange)


class _Socket:
    """A socket that has nothing but a body to read."""

    def __init__(self, wire: _Wire) -> None:
        self._wire = wire

    def makefile(self, *_: Any) -> io.BufferedReader:
        return io.BufferedReader(self._wire, _BLOCK_BYTES)


class BodyFile(http.client.HTTPResponse):
    """The standard library's response, with its head read already."""

    def __init__(self, exchange: _core.Exchange) -> None:
        """The response that belongs to `exchange`, which has its head."""
        pieces = Pieces(exchange)
        wire: Any = _Socket(_Wire(pieces, exchange.is_chunked))
        super().__init__(wire, method=exchange.request_method)
        self.max_decoded = pieces.max_decoded
        message = http.client.HTTPMessage()
        for name, value in exchange.headers():
            Message.__setitem__(message, name, value)
        self.headers = self.msg = message
        self.status, self.reason, self.version = exchange.status, exchange.reason or "", 11
        self.chunked, self.chunk_left = exchange.is_chunked, None
        has_length = not self.chunked and "content-length" in message
        self.length = exchange.declared_length if has_length else None
        self.will_close = False


def _too_large_decoded(limit: int) -> failures.BodyTooLarge:
    return failures.BodyTooLarge(f"The response body is larger than {limit} bytes when it is decoded")


class _Bounded:
    """A decoder of urllib3's that gives no more than the body may have, and never makes much more than that."""

    def __init__(self, decoder: Any, limit: int) -> None:
        self._decoder = decoder
        self._limit = self._left = limit

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """What comes of `data`, at most `max_length` bytes unless that is negative.

        Raises:
            BodyTooLarge: That is more than is left.
        """
        # One byte too many tells that there are too many.
        enough = self._left + 1
        decoded: bytes = self._decoder.decompress(
            data, max_length=enough if max_length < 0 else min(max_length, enough)
        )
        self._left -= len(decoded)
        if self._left < 0:
            self._left = 0
            raise _too_large_decoded(self._limit)
        return decoded

    @property
    def has_unconsumed_tail(self) -> bool:
        return bool(self._decoder.has_unconsumed_tail)

    def flush(self) -> bytes:
        """What the decoder holds back."""
        flushed: bytes = self._decoder.flush()
        return flushed


class StreamedResponse(HTTPResponse):
    """urllib3's response on a body that the engine brings.

    Differs from Locust: a body with more than `max_body` bytes, or a gibibyte when it is decoded, ends with `BodyTooLarge`.
    """

    #: Whether the request said that it takes Zstandard.
    takes_zstd = False

    def _init_decoder(self) -> None:
        """Find the decoder for the content encoding; the engine has those that urllib3 would need other packages for."""
        super()._init_decoder()
        if self._decoder is None:
            encoding = self.headers.get("content-encoding", "").lower().strip()
            if encoding in _OWN_ENCODINGS and (encoding != "zstd" or self.takes_zstd):
                decoder: Any = _core.Decoder(encoding)
                self._decoder = decoder
        limit = getattr(self._original_response, "max_decoded", None)
        if self._decoder is not None and limit is not None and not isinstance(self._decoder, _Bounded):
            bounded: Any = _Bounded(self._decoder, limit)
            self._decoder = bounded

    def stream(
        self, amt: int | None = _BLOCK_BYTES, decode_content: bool | None = None
    ) -> Generator[bytes, None, None]:
        """The body in pieces of so many bytes, or as they come."""
        if amt != AS_IT_COMES:
            yield from super().stream(amt, decode_content)
            return
        # Only one that asks for a number of bytes hears that the body has ended too soon.
        while piece := self.read1(_BLOCK_BYTES, decode_content):
            yield piece

    @contextmanager
    def _error_catcher(self) -> Iterator[None]:
        """Give errors urllib3's names, but for the one that it does not know and would take for the connection's."""
        try:
            with super()._error_catcher():
                yield
        except pool.ProtocolError as error:
            if isinstance(error.__cause__, failures.BodyTooLarge):
                raise error.__cause__ from None
            raise

    def _decode(self, *args: Any, **kwargs: Any) -> bytes:
        """Undo the content encoding; a body that gets too large gives up its connection."""
        try:
            return super()._decode(*args, **kwargs)
        except pool.DecodeError as error:
            if not isinstance(error.__cause__, failures.BodyTooLarge):
                raise
            self.close()
            raise error.__cause__ from None


def raw_of(exchange: _core.Exchange) -> StreamedResponse:
    """The body of `exchange` as a file-like urllib3 response."""
    body: Any = BodyFile(exchange)
    raw = StreamedResponse(
        body=body,
        headers=HTTPHeaderDict(exchange.headers()),
        status=exchange.status,
        version=11,
        version_string="HTTP/1.1",
        reason=exchange.reason,
        preload_content=False,
        decode_content=False,
        original_response=body,
        pool=failures._pool(exchange),
        request_method=exchange.request_method,
        request_url=exchange.path_url,
    )
    raw.takes_zstd = _takes_zstd(exchange)
    return raw


def decoder_of(exchange: _core.Exchange, max_decoded: int | None) -> StreamedResponse:
    """The same without its body, for who gets the pieces and wants them decoded."""
    origin: Any = SimpleNamespace(max_decoded=max_decoded)
    decoder = StreamedResponse(
        headers=HTTPHeaderDict(exchange.headers()), original_response=origin, preload_content=False
    )
    decoder.takes_zstd = _takes_zstd(exchange)
    decoder._init_decoder()
    return decoder


def _takes_zstd(exchange: _core.Exchange) -> bool:
    return any(name == "accept-encoding" and "zstd" in value.lower() for name, value in exchange.request_headers())


def begin(own: dict[str, Any], exchange: _core.Exchange) -> None:
    """Have a response whose attributes are `own` read its body from the engine."""
    own["raw"] = raw_of(exchange)
    own["_content"], own["_content_consumed"] = False, False


class FastStream:
    """`FastResponse.stream`: the body as it comes, not decoded. Same as geventhttpclient's, which Locust uses."""

    block_size = 4096

    def __init__(self, exchange: _core.Exchange) -> None:
        """The body that belongs to `exchange`."""
        self._pieces = Pieces(exchange)
        self._ahead = bytearray()
        self.status_code = exchange.status

    @property
    def message_complete(self) -> bool:
        """Whether the whole body has come."""
        return self._pieces.has_ended

    def _fetch(self, wanted: int) -> None:
        try:
            piece, _ = self._pieces.pull(wanted)
        except Broken as broken:
            raise of_fast_body(broken.exchange) from None
        self._ahead += piece

    def read(self, length: int | None = None) -> bytes:
        """So many bytes, fewer only at the end; all there are without a number.

        Raises:
            OSError: And `HTTPParseError`, when the body breaks off; what had come by then can be read afterwards.
        """
        while not self._pieces.has_ended and (length is None or len(self._ahead) < length):
            self._fetch(_ALL if length is None else length - len(self._ahead))
        end = len(self._ahead) if length is None else length
        taken = bytes(self._ahead[:end])
        del self._ahead[:end]
        return taken

    def readline(self, sep: bytes = b"\r\n") -> bytes:
        """Up to and including the next `sep`; nothing when no other follows."""
        while (at := self._ahead.find(sep)) < 0:
            if self._pieces.has_ended:
                return b""
            self._fetch(1)
        end = at + len(sep)
        line = bytes(self._ahead[:end])
        del self._ahead[:end]
        return line

    def __iter__(self) -> FastStream:
        """The body in blocks."""
        return self

    def __next__(self) -> bytes:
        """The next block."""
        block = self.read(self.block_size)
        if not block:
            raise StopIteration
        return block

    def release(self) -> None:
        """Close the connection, unless the body has been read."""
        self._pieces.close()

    def decoded(self, encoding: str) -> bytes:
        """The rest of the body with its content encoding undone.

        Raises:
            zlib.error: When it is not in this encoding.
            BodyTooLarge: It is larger than `max_body`, or a gibibyte without one.
            ValueError: For an encoding that stock does not know either.
        """
        limit = self._pieces.max_decoded
        rest = self.read()
        return rest if not rest or limit is None else undone(encoding, rest, limit)


def undone(encoding: str, body: bytes, limit: int = 1 << 30) -> bytes:
    """A body with its content encoding undone, as geventhttpclient does it, up to `limit` bytes.

    Raises:
        zlib.error: When it is not in this encoding, or not all of it.
        BodyTooLarge: There is more.
        ValueError: For an encoding that stock does not know either.
    """
    if encoding == "identity":
        return body
    if encoding == "gzip":
        return _unzipped(body, 16 + zlib.MAX_WBITS, limit)
    if encoding == "deflate":
        try:
            return _unzipped(body, -zlib.MAX_WBITS, limit)
        except zlib.error:
            return _unzipped(body, zlib.MAX_WBITS, limit)
    if encoding in _OWN_ENCODINGS:
        return _Bounded(_core.Decoder(encoding), limit).decompress(body)
    raise ValueError(f"Unknown content encoding: {encoding}")


def _unzipped(body: bytes, window: int, limit: int) -> bytes:
    """What `zlib.decompress` gives, up to `limit` bytes.

    Raises:
        zlib.error: In its words, when it is not in this encoding or ends too soon.
        BodyTooLarge: There is more.
    """
    decoder = zlib.decompressobj(window)
    decoded = decoder.decompress(body, limit + 1)
    if len(decoded) > limit:
        raise _too_large_decoded(limit)
    if not decoder.eof:
        raise zlib.error("Error -5 while decompressing data: incomplete or truncated stream")
    return decoded
