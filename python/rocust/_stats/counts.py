"""A dictionary of counts as Locust exposes them: plugins read it and also write into it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, SupportsIndex

#: Told of a key and its new count, or None when the key was taken out.
Write = Callable[[int, "int | None"], None]


class Counts(dict[int, int]):
    """Counts by number; a missing key counts 0, and a change is written through to the entry.

    It holds what was counted when the entry's attribute was last read: read the attribute again to see more.
    """

    __slots__ = ("_write",)

    def __init__(self, write: Write) -> None:
        super().__init__()
        self._write = write

    def show(self, counts: Mapping[int, int]) -> Counts:
        """Take over what the entry counts now."""
        super().clear()
        super().update(counts)
        return self

    def detach(self) -> None:
        """Stop writing through: the entry has begun anew."""
        self._write = lambda key, count: None

    def __missing__(self, key: int) -> int:
        return 0

    def __setitem__(self, key: int, count: int) -> None:
        self._write(key, count)
        super().__setitem__(key, count)

    def __delitem__(self, key: int) -> None:
        super().__delitem__(key)
        self._write(key, None)

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        return dict, (dict(self),)

    def clear(self) -> None:
        """Take all keys out."""
        for key in list(self):
            del self[key]

    def copy(self) -> dict[int, int]:
        """An ordinary dictionary of the counts."""
        return dict(self)

    def pop(self, key: int, *default: Any) -> Any:
        """Take a key out and return its count."""
        value = super().pop(key, *default)
        self._write(key, None)
        return value

    def popitem(self) -> tuple[int, int]:
        """Take the last key out."""
        key, count = super().popitem()
        self._write(key, None)
        return key, count

    def setdefault(self, key: int, default: int = 0) -> int:
        """The count of a key, which is set if it is missing."""
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Set several counts."""
        for key, count in dict(*args, **kwargs).items():
            self[key] = count
