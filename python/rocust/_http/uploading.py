"""Request bodies that are made while they are sent: files, and whatever can be iterated.

The engine asks for a piece when the connection has room for it; the caller's greenlet makes it then. So a file is never read whole, and
a generator runs in the greenlet that made the request: it may sleep and send requests of its own, and what it raises is raised there.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from requests.exceptions import UnrewindableBodyError
from requests.utils import rewind_body, super_len
from urllib3.util.request import body_to_chunks

from rocust import _core
from rocust._http.fast_errors import UnrewoundBodyError
from rocust._kernel.green import getcurrent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rocust._kernel.room import Room

_BLOCK_BYTES = 64 * 1024


def is_streamed(data: Any) -> bool:
    """Whether `requests` would send `data` piece by piece."""
    if isinstance(data, (str, bytes, bytearray, memoryview, list, tuple, Mapping)):
        return False
    return hasattr(data, "__iter__") or hasattr(data, "read")


def length_of(data: Any) -> int | None:
    """How long `requests` finds `data` to be from where it stands; None when it cannot say."""
    return super_len(data) or None  # type: ignore[no-untyped-call]


def file_length_of(data: Any) -> int | None:
    """How long `data` is, if it is a file of the operating system's: what geventhttpclient asks."""
    try:
        data.fileno()
    except (AttributeError, OSError):
        return None
    return length_of(data)


class SentBody:
    """One body on its way out."""

    #: As in `arguments.Body`, which describes a body that is data.
    content: bytes | None = None
    content_type: str | None = None

    def __init__(self, data: Any, method: str, length: int | None) -> None:
        """The body `data` of a request with this method, of this length if that is known."""
        self._data, self._method, self.length = data, method, length
        self.written = data
        self.core = _core.Upload(self.length)
        #: What the engine could not be given the body for, when that is to be reported and not raised.
        self.error: Exception | None = None
        self._pieces = self._made()
        # As in requests: where the body begins, for a redirect that wants it again.
        self._position: Any = None
        if getattr(data, "tell", None) is not None:
            try:
                self._position = data.tell()
            except OSError:
                self._position = object()

    @property
    def framing(self) -> tuple[str, str]:
        """The header that says where the body ends."""
        return ("Content-Length", str(self.length)) if self.length else ("Transfer-Encoding", "chunked")

    def _made(self) -> Iterator[bytes]:
        chunks: Any = body_to_chunks(self._data, method=self._method, blocksize=_BLOCK_BYTES).chunks
        for chunk in chunks or ():
            if chunk:
                yield chunk.encode() if isinstance(chunk, str) else memoryview(chunk).tobytes()

    def exchange(self, room: Room, key: int) -> Any:
        """Make the body while the engine sends it; `key` is what the request was submitted with.

        Returns:
            What the engine has to say of the exchange.

        Raises:
            BaseException: Whatever making the body raised, or was thrown into the greenlet; the request's connection is closed then.
                An `OSError`, and a body that cannot be sent again, end the exchange as a failure instead, and are in `error`.
        """
        upload = self.core
        try:
            while True:
                answer = room.park(key)
                if not isinstance(answer, str):
                    upload.release()
                    return answer
                key = upload.feed(room.port, getcurrent(), self._answer(answer))
        except BaseException:
            upload.cancel()
            raise

    def _answer(self, question: str) -> bytes | bool | None:
        try:
            if question == "piece":
                return next(self._pieces, None)
            self._rewind()
        except (OSError, UnrewindableBodyError, UnrewoundBodyError) as error:
            self.error = error
            return False
        return None

    def _rewind(self) -> None:
        """Go back to where the body began; `requests` sends what is left of one that has no position."""
        if self._position is not None:
            rewind_body(SimpleNamespace(body=self._data, _body_position=self._position))  # type: ignore[arg-type]
            self._pieces = self._made()


class FastBody(SentBody):
    """A body on its way out of a `FastHttpSession`, which goes back to the very beginning."""

    def __init__(self, data: Any, method: str, url: str) -> None:
        """The body `data` of a request to `url`."""
        super().__init__(data, method, file_length_of(data))
        self._url = url

    def _rewind(self) -> None:
        seek = getattr(self._data, "seek", None)
        try:
            if seek is not None:
                seek(0)
                self._pieces = self._made()
                return
        except OSError:
            pass
        raise UnrewoundBodyError(self._url, "payload cannot be rewound and resent after a redirect")
