"""The dictionaries of entries and of failures: filled by the ledger, and open to assignment as Locust's are."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from rocust import _core
from rocust._stats.clock import now
from rocust._stats.entry import StatsEntry
from rocust._stats.error import StatsError

if TYPE_CHECKING:
    from rocust._stats.request_stats import RequestStats

logger = logging.getLogger("locust.stats")

#: More names than a test has that means them.
_MANY_NAMES = 5_000

Key = TypeVar("Key")
Value = TypeVar("Value")


class _Listing(dict[Key, Value], Generic[Key, Value]):
    """A dictionary that takes over what the ledger lists, and tells the ledger of changes."""

    def __init__(self, stats: RequestStats) -> None:
        super().__init__()
        self._stats = stats
        self._edition = -1
        self._place = 0

    def _enter(self, key: Key, value: Value) -> None:
        """Take a key over without telling the ledger."""
        super().__setitem__(key, value)

    def _leave(self, key: Key) -> None:
        super().__delitem__(key)

    def clear(self) -> None:
        """Take all keys out."""
        for key in list(self):
            del self[key]

    def pop(self, key: Key, *default: Any) -> Any:
        """Take a key out and return its value."""
        if key not in self and default:
            return default[0]
        value = dict.__getitem__(self, key)
        del self[key]
        return value

    def popitem(self) -> tuple[Key, Value]:
        """Take the last key out."""
        key = next(reversed(self))
        return key, self.pop(key)

    def setdefault(self, key: Key, default: Value) -> Value:
        """The value of a key, which is set if it is missing."""
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Set several keys."""
        for key, value in dict(*args, **kwargs).items():
            self[key] = value


class Entries(_Listing[tuple[str, str], StatsEntry]):
    """`RequestStats.entries`: by (name, method); a missing key makes an entry. Same as Locust."""

    def collect(self) -> Entries:
        """Take over the entries that have appeared since."""
        edition, listed = self._stats.ledger.entries_from(self._place)
        if edition != self._edition:
            self._place = 0
            edition, listed = self._stats.ledger.entries_from(0)
            self._edition = edition
            for key in self.keys() - {(name, method) for name, method, _ in listed}:
                self._leave(key)
        self._place += len(listed)
        for name, method, core in listed:
            known = dict.get(self, (name, method))
            if known is None or not known._core.is_same(core):
                self._enter((name, method), StatsEntry._of(self._stats, name, method, core))
        if len(self) > _MANY_NAMES:
            self._warn_of_many_names()
        return self

    def _warn_of_many_names(self) -> None:
        if self._stats.has_warned_of_many_names:
            return
        self._stats.has_warned_of_many_names = True
        newest, _ = next(reversed(self))
        logger.warning(
            "The statistics have more than %d different names by now, like %r. Each of them takes memory and a line in every report. If "
            "they are one thing with changing parts, give it one name: self.client.get(url, name='/item/[id]').",
            *(_MANY_NAMES, newest),
        )

    def __missing__(self, key: tuple[str, str]) -> StatsEntry:
        name, method = key
        core = self._stats.ledger.entry(method, name, now())
        entry = StatsEntry._of(self._stats, name, method, core)
        self._enter(key, entry)
        return entry

    def __setitem__(self, key: tuple[str, str], entry: StatsEntry) -> None:
        name, method = key
        entry._core = self._stats.ledger.adopt(method, name, entry._core)
        self._enter(key, entry)

    def __delitem__(self, key: tuple[str, str]) -> None:
        self._leave(key)
        name, method = key
        self._stats.ledger.forget(method, name)


class Errors(_Listing[str, StatsError]):
    """`RequestStats.errors`: by the SHA-256 of what makes two failures the same. Same as Locust."""

    def __init__(self, stats: RequestStats) -> None:
        super().__init__(stats)
        # The exceptions that Python code logged, until their failures are listed.
        self.raised: dict[tuple[str, str, str], BaseException] = {}

    def collect(self) -> Errors:
        """Take over the failures that have appeared since."""
        edition, listed = self._stats.ledger.failures_from(self._place)
        if edition != self._edition:
            self._place = 0
            edition, listed = self._stats.ledger.failures_from(0)
            self._edition = edition
            listed_keys = {StatsError.create_key(method, name, text) for method, name, text, _ in listed}
            for key in self.keys() - listed_keys:
                self._leave(key)
        self._place += len(listed)
        for method, name, text, core in listed:
            self._take_over(method, name, text, core)
        return self

    def _take_over(self, method: str, name: str, text: str, core: _core.Failure) -> None:
        key = StatsError.create_key(method, name, text)
        error = self.raised.pop((method, name, text), text)
        known = dict.get(self, key)
        if known is None or not known._core.is_same(core):
            self._enter(key, StatsError._of(method, name, error, core))

    def __setitem__(self, key: str, failure: StatsError) -> None:
        text = StatsError.parse_error(failure.error)
        failure._core = self._stats.ledger.adopt_failure(failure.method, failure.name, text, failure._core)
        self._enter(key, failure)

    def __delitem__(self, key: str) -> None:
        failure = dict.__getitem__(self, key)
        self._leave(key)
        self._stats.ledger.forget_failure(failure.method, failure.name, StatsError.parse_error(failure.error))
