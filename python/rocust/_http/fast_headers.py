"""Header lines as `FastHttpUser`'s client shows them: a dict by name, whatever its case, that keeps repeated lines apart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any

_ABSENT: Any = object()


class Headers(dict[str, Any]):
    """Header lines, of which several may have one name.

    Reading gives the value, or a list of them where the name was repeated; `items()` gives every line in the spelling it came in.
    Assigning replaces all lines of a name, `add()` adds one. Same as geventhttpclient, which stock uses.
    """

    def __init__(self, lines: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None, **more: Any) -> None:
        """Begin with these lines."""
        super().__init__()
        if lines is not None:
            self.extend(lines)
        self.extend(more)

    # What is kept is one list of (name, value) for each name in lower case; everything below goes through these four.

    def _lines(self, name: str) -> list[tuple[str, Any]]:
        lines: list[tuple[str, Any]] = super().get(name.lower(), [])
        return lines

    def _put(self, name: str, lines: list[tuple[str, Any]]) -> None:
        super().__setitem__(name.lower(), lines)

    def __delitem__(self, name: str) -> None:
        """Drop all lines of a name."""
        super().__delitem__(name.lower())

    def _all(self) -> Iterator[tuple[str, Any]]:
        for lines in super().values():
            yield from lines

    def __setitem__(self, name: str, value: Any) -> None:
        """Replace all lines of a name; a list becomes a line for each of its elements."""
        values = value if isinstance(value, (list, tuple)) else [value]
        self._put(name, [(name, one) for one in values])

    def __getitem__(self, name: str) -> Any:
        """The value, or a list where there are several."""
        values = [value for _, value in super().__getitem__(name.lower())]
        return values[0] if len(values) == 1 else values

    def __contains__(self, name: object) -> bool:
        """Whether there is such a line."""
        return isinstance(name, str) and super().__contains__(name.lower())

    def __iter__(self) -> Iterator[str]:
        """The names in lower case. Said here, so that `dict(headers)` asks for the values, not for what they are kept in."""
        return super().__iter__()

    def __len__(self) -> int:
        """How many lines there are."""
        return sum(1 for _ in self._all())

    def __eq__(self, other: object) -> bool:
        """Whether the other has the same values by name."""
        if not isinstance(other, Mapping):
            return False
        theirs = other if isinstance(other, Headers) else Headers(other)
        return {name: self[name] for name in self} == {name: theirs[name] for name in theirs}

    __hash__ = None

    def __ne__(self, other: object) -> bool:
        """Whether the other differs."""
        return not self == other

    def __repr__(self) -> str:
        """The lines, repeated ones joined."""
        return f"{type(self).__name__}({self.compatible_dict()})"

    def __str__(self) -> str:
        """The lines as in HTTP."""
        return "\n".join(f"{name}: {value}" for name, value in self._all())

    def __reduce__(self) -> Any:
        """Pickled by its lines."""
        return Headers, (list(self._all()),)

    def add(self, name: str, value: Any) -> None:
        """Add a line, or one for each element of a list."""
        values = value if isinstance(value, (list, tuple)) else [value]
        self._put(name, [*self._lines(name), *((name, one) for one in values)])

    def extend(self, lines: Any = (), **more: Any) -> None:
        """Add lines."""
        for name, value in (*_pairs(lines), *more.items()):
            self.add(name, value)

    def update(self, lines: Any = (), **more: Any) -> None:  # type: ignore[override]
        """Replace lines."""
        if isinstance(lines, Headers):
            for name in lines:
                self._put(name, list(lines._lines(name)))
            lines = ()
        for name, value in (*_pairs(lines), *more.items()):
            self[name] = value

    def discard(self, name: str) -> None:
        """Drop the lines of a name, if there are any."""
        if name in self:
            del self[name]

    def get(self, name: str, default: Any = None) -> Any:
        """The value, or `default`."""
        values = self.getlist(name)
        return default if not values else values[0] if len(values) == 1 else values

    def pop(self, name: str, default: Any = _ABSENT) -> Any:
        """The value, which is dropped; or `default`.

        Raises:
            KeyError: When there is neither.
        """
        if name not in self and default is not _ABSENT:
            return default
        value = self[name]
        del self[name]
        return value

    def setdefault(self, name: str, default: Any = "") -> Any:
        """The value, set to `default` when there was none."""
        if name not in self:
            self[name] = default
        return self[name]

    def copy(self) -> Headers:
        """The same lines, apart."""
        clone = Headers()
        clone.update(self)
        return clone

    def __or__(self, other: Any) -> Headers:  # type: ignore[override]
        """These lines with others over them."""
        both = self.copy()
        both.update(other)
        return both

    def __ior__(self, other: Any) -> Headers:  # type: ignore[override]
        """Put other lines over these."""
        self.update(other)
        return self

    def getlist(self, name: str) -> list[Any]:
        """All values of a name; an empty list when there is none."""
        return [value for _, value in self._lines(name)]

    getheaders = getallmatchingheaders = getlist

    def get_all(self, name: str, failobj: Any = None) -> Any:
        """All values of a name, or `failobj`."""
        return self.getlist(name) or failobj

    def keys(self) -> KeysView[str]:  # type: ignore[override]
        """The names in lower case."""
        return KeysView(self)

    def values(self) -> ValuesView[Any]:  # type: ignore[override]
        """The values by name."""
        return ValuesView(self)

    def items(self) -> Iterator[tuple[str, Any]]:  # type: ignore[override]
        """Every line."""
        return self._all()

    def iterlower(self) -> Iterator[tuple[str, Any]]:
        """Every line, names in lower case."""
        return ((name.lower(), value) for name, value in self._all())

    def itermerged(self) -> Iterator[tuple[str, Any]]:
        """One line for each name, its values joined by a comma."""
        for lines in super().values():
            yield lines[0][0], lines[0][1] if len(lines) == 1 else ", ".join(str(value) for _, value in lines)

    def compatible_dict(self) -> dict[str, Any]:
        """A plain dict, repeated lines joined by a comma."""
        return dict(self.itermerged())


_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def refusal(headers: Iterable[tuple[str, bytes]]) -> str:
    """What is wrong with the first of these headers that cannot be sent, in geventhttpclient's words."""
    for name, value in headers:
        if not _TOKEN.fullmatch(name):
            return f"invalid header field name {name!r}"
        if any(byte in b"\r\n\0" for byte in value):
            return f"invalid value for header field {name!r}: {value.decode('latin-1')!r}"
    return "invalid header"


def _pairs(lines: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(lines, Headers):
        return lines._all()
    return lines.items() if isinstance(lines, Mapping) else lines
