"""A session's headers: `requests`' own dictionary, which says when it was changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from requests.structures import CaseInsensitiveDict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class SessionHeaders(CaseInsensitiveDict):  # type: ignore[type-arg]
    """Case-insensitive headers that call `changed` at every change, so that a plain request need not look at them."""

    def __init__(self, headers: Mapping[str, Any] | None, changed: Callable[[], None]) -> None:
        self._changed: Callable[[], None] = _nothing
        super().__init__(headers)
        self._changed = changed

    def __setitem__(self, key: str, value: Any) -> None:
        """Set a header."""
        super().__setitem__(key, value)
        self._changed()

    def __delitem__(self, key: str) -> None:
        """Drop a header."""
        super().__delitem__(key)
        self._changed()

    def copy(self) -> CaseInsensitiveDict:  # type: ignore[type-arg]
        """A plain copy, which belongs to no session."""
        return CaseInsensitiveDict(self.items())

    def __reduce__(self) -> Any:
        """Pickled as a plain copy."""
        return CaseInsensitiveDict, (dict(self.items()),)


def _nothing() -> None:
    """What a dictionary tells while it is being made."""
