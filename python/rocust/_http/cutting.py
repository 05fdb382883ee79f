"""What the pieces of a body are cut into while they come: blocks of one size, and lines."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Any

from requests.utils import get_encoding_from_headers

if TYPE_CHECKING:
    from collections.abc import Iterator


class Blocks:
    """Cuts pieces into blocks of one size, but for the last one."""

    def __init__(self, size: int | None) -> None:
        """Blocks of `size` bytes; None leaves pieces as they are."""
        self._size = size
        self._ahead = b""

    def cut(self, piece: bytes) -> Iterator[bytes]:
        """The blocks that are complete with this piece."""
        size = self._size
        if size is None:
            yield piece
            return
        ahead = self._ahead + piece
        whole = len(ahead) - len(ahead) % size
        for start in range(0, whole, size):
            yield ahead[start : start + size]
        self._ahead = ahead[whole:]

    def rest(self) -> Iterator[bytes]:
        """What is left at the end."""
        if self._ahead:
            yield self._ahead


class Lines:
    """Cuts pieces into lines without their ends (a line feed, or that and a carriage return before it)."""

    def __init__(self, headers: Any) -> None:
        """Lines in the encoding that these headers say, else UTF-8."""
        self._decoder = codecs.getincrementaldecoder(get_encoding_from_headers(headers) or "utf-8")("replace")
        self._rest = ""

    def cut(self, piece: bytes) -> Iterator[str]:
        """The lines that are complete with this piece."""
        *lines, self._rest = (self._rest + self._decoder.decode(piece)).split("\n")
        for line in lines:
            yield line.removesuffix("\r")

    def rest(self) -> Iterator[str]:
        """A last line that has no end."""
        if rest := self._rest + self._decoder.decode(b"", final=True):
            yield rest
