"""One (method, name), or the total: Locust's `StatsEntry` over an entry of the ledger.

Figures are read from the ledger, which collects first, and assignments are written through. Percentiles have two
sources. Entries of a `RequestStats` take them from the exact distribution (three significant digits, and 100% is the
maximum) unless `rocust.stats.LOCUST_ROUNDING` is set. Where rounded counts are all there is (an entry that was made by
hand, assigned to, or received from a stock worker) Locust's walk over `response_times` is used, to the letter.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from rocust import _core
from rocust._compat.knobs import knob
from rocust._compat.rounding import proper_round
from rocust._stats import timings
from rocust._stats.bucket import bucket_response_time, own_bucketing, own_key
from rocust._stats.clock import now
from rocust._stats.counts import Counts
from rocust._stats.percentile import (
    calculate_response_time_percentile,
    diff_response_time_dicts,
)
from rocust._stats.shape import FIGURE_KEYS, StatsEntryDict
from rocust._stats.timings import Timings
from rocust._stats.width import name_width, type_width

if TYPE_CHECKING:
    from rocust._stats.request_stats import RequestStats

#: Current rates are over the seconds from this long ago ...
_RATE_FROM_S = 12
#: ... until this long ago, since the newest second is not over and workers report late.
_RATE_UNTIL_S = 2
#: How far from the middle of the window a copy of the counts may lie.
_WINDOW_SLACK_S = 9


class CachedResponseTimes(NamedTuple):
    """The counts of an entry as of the end of some second. Same as Locust."""

    response_times: dict[int, int]
    num_requests: int
    num_none_requests: int


def recent_s(use_response_times_cache: bool) -> int:
    """How many seconds an entry has to be able to look back."""
    return int(knob("stats", "CURRENT_RESPONSE_TIME_PERCENTILE_WINDOW")) + 10 if use_response_times_cache else 0


def window_starts() -> list[int]:
    """The seconds at whose end the window of the current response times may begin, the best first."""
    middle = int(now()) - int(knob("stats", "CURRENT_RESPONSE_TIME_PERCENTILE_WINDOW"))
    seconds = [middle]
    for distance in range(1, _WINDOW_SLACK_S):
        seconds += (middle - distance, middle + distance)
    return seconds


def _figure(name: str, doc: str) -> Any:
    """A property that reads a figure from the ledger and writes an assignment through."""

    def read(self: StatsEntry) -> Any:
        return getattr(self._core, name)

    def write(self: StatsEntry, value: Any) -> None:
        setattr(self._core, name, value)

    return property(read, write, doc=doc)


def _counts(name: str, write_one: str, doc: str) -> Any:
    """A property that shows a dictionary of the ledger and writes changes of it through."""

    def read(self: StatsEntry) -> Counts:
        self._file_response_times()
        counts = self._counts.get(name)
        if counts is None:
            counts = self._counts[name] = Counts(lambda key, count: getattr(self._core, write_one)(key, count))
        return counts.show(getattr(self._core, name)())

    def write(self: StatsEntry, value: Mapping[int, int]) -> None:
        getattr(self._core, f"set_{name}")(dict(value))

    return property(read, write, doc=doc)


class StatsEntry:
    """The figures of one (method, name), or the total. Every figure may be assigned.

    Same as Locust, but: `num_reqs_per_sec` and `num_fail_per_sec` reach back five minutes, those of `RequestStats.total` an hour, and
    percentiles are exact for entries of a `RequestStats` (see `rocust.stats.LOCUST_ROUNDING`).
    """

    num_requests: int = _figure("num_requests", "Requests made, failed ones included. Same as Locust.")
    num_none_requests: int = _figure("num_none_requests", "Requests without a response time. Same as Locust.")
    num_failures: int = _figure("num_failures", "Failures. Same as Locust.")
    total_response_time: float = _figure("total_response_time", "The sum of all response times, ms. Same as Locust.")
    min_response_time: float | None = _figure("min_response_time", "The shortest, ms. Same as Locust.")
    max_response_time: float = _figure("max_response_time", "The longest, ms; 0 when there is none. Same as Locust.")
    total_content_length: int = _figure("total_content_length", "The sum of all body sizes, bytes. Same as Locust.")
    start_time: float = _figure("start_time", "When counting began, seconds since the epoch. Same as Locust.")
    last_request_timestamp: float | None = _figure(
        "last_request_timestamp", "When the last request ended, seconds since the epoch. Same as Locust."
    )
    response_times: dict[int, int] = _counts(
        "response_times", "set_response_time", "Counts by rounded response time. Same as Locust."
    )
    num_reqs_per_sec: dict[int, int] = _counts(
        "num_reqs_per_sec",
        "set_reqs_in_sec",
        "Requests by second. Differs from Locust: of the last five minutes, the total's of the last hour.",
    )
    num_fail_per_sec: dict[int, int] = _counts(
        "num_fail_per_sec",
        "set_fail_in_sec",
        "Failures by second. Differs from Locust: of the last five minutes, the total's of the last hour.",
    )

    def __init__(self, stats: RequestStats, name: str, method: str, use_response_times_cache: bool = False) -> None:
        """Make an entry that stands alone until it is put into `stats.entries`.

        Args:
            stats: Whose last request and start time the rates are computed with.
            name: The name under which requests are grouped.
            method: The HTTP method, or whatever stands in its place.
            use_response_times_cache: Whether the entry can tell the current response times from those of the run.
        """
        self._bind(stats, name, method, _core.Entry(recent_s(use_response_times_cache)), use_response_times_cache)
        self._is_handmade = True
        self.reset()

    @classmethod
    def _of(cls, stats: RequestStats, name: str, method: str, core: _core.Entry) -> StatsEntry:
        """The view of an entry of the ledger."""
        entry = cls.__new__(cls)
        entry._bind(stats, name, method, core, stats.use_response_times_cache)
        entry._is_handmade = False
        return entry

    def _bind(self, stats: RequestStats, name: str, method: str, core: _core.Entry, uses_cache: bool) -> None:
        self.stats = stats
        self.name = name
        self.method = method
        self._core = core
        self._uses_cache = uses_cache
        self._counts: dict[str, Counts] = {}
        # Locust's dictionary of copies, once somebody has asked for it; until then the ledger answers alone.
        self._cache: OrderedDict[int, CachedResponseTimes] | None = None
        self._cache_serial: int | None = None

    # -- counting

    def reset(self) -> None:
        """Forget everything and begin to count now. Same as Locust."""
        self._core.reset(now())
        self._begin_anew()

    def _begin_anew(self) -> None:
        """Let go of the dictionaries that were handed out: they are of the time before."""
        for counts in self._counts.values():
            counts.detach()
        self._counts = {}
        self._cache = None

    def log(self, response_time: float | None, content_length: int) -> None:
        """Count one request that ended now. Same as Locust.

        Args:
            response_time: Milliseconds; None counts, but has no place in averages and percentiles.
            content_length: The size of the body, bytes.
        """
        self._core.log(response_time, content_length, now(), own_key(response_time))

    def log_error(self, error: BaseException | str | None) -> None:
        """Count one failure, now. Same as Locust."""
        self._core.log_failure(now())

    def extend(self, other: StatsEntry) -> None:
        """Add what another entry counted. Same as Locust."""
        other._file_response_times()
        self._core.extend(other._core)

    def _file_response_times(self) -> None:
        """Ask the user's own bucketing function about the response times that I/O threads have measured."""
        waiting = self._core.take_unbucketed()
        if not waiting:
            return
        function = own_bucketing() or bucket_response_time
        for second, response_time in waiting:
            self._core.add_bucket(second, function(response_time))

    # -- the wire

    def serialize(self) -> StatsEntryDict:
        """What is sent to a master and written as JSON. Same as Locust, and `timings` where requests have told them."""
        figures = {key: getattr(self, key) for key in FIGURE_KEYS}
        figures = {key: dict(value) if isinstance(value, dict) else value for key, value in figures.items()}
        own = {"name": self.name, "method": self.method, **figures, **timings.serialized(self._core)}
        return cast(StatsEntryDict, own)

    @classmethod
    def unserialize(cls, data: StatsEntryDict, stats: RequestStats) -> StatsEntry:
        """What a worker has sent, as an entry that stands alone. Same as Locust."""
        entry = cls(stats, data["name"], data["method"])
        for key in FIGURE_KEYS:
            if key in data:
                setattr(entry, key, data[key])  # type: ignore[literal-required]
        timings.unserialize(entry._core, data)
        return entry

    def get_stripped_report(self) -> StatsEntryDict:
        """`serialize`, then `reset`. Same as Locust."""
        report = self.serialize()
        self.reset()
        return report

    def to_dict(self, escape_string_values: bool = False) -> dict[str, Any]:
        """What the web page and the HTML report show. Same as Locust."""
        return {
            "method": self.method,
            "name": self.name,
            "num_requests": self.num_requests,
            "num_failures": self.num_failures,
            "min_response_time": 0 if self.min_response_time is None else proper_round(self.min_response_time),
            "max_response_time": proper_round(self.max_response_time),
            "current_rps": self.current_rps,
            "current_fail_per_sec": self.current_fail_per_sec,
            "avg_response_time": self.avg_response_time,
            "median_response_time": self.median_response_time,
            "total_rps": self.total_rps,
            "total_fail_per_sec": self.total_fail_per_sec,
            **{
                f"response_time_percentile_{share}": self.get_response_time_percentile(share)
                for share in knob("stats", "PERCENTILES_TO_STATISTICS")
            },
            "avg_content_length": self.avg_content_length,
        }

    # -- averages and rates

    @property
    def fail_ratio(self) -> float:
        """Failures per request. Same as Locust."""
        if self.num_requests:
            return self.num_failures / self.num_requests
        return 1.0 if self.num_failures else 0.0

    @property
    def avg_response_time(self) -> float:
        """The mean of the response times, ms. Same as Locust."""
        return _ratio(self.total_response_time, self.num_requests - self.num_none_requests)

    @property
    def avg_content_length(self) -> float:
        """The mean size of the bodies, bytes. Same as Locust."""
        return _ratio(self.total_content_length, self.num_requests)

    @property
    def current_rps(self) -> float:
        """Requests per second over about the last ten seconds of the run. Same as Locust."""
        return self._current_rates()[0]

    @property
    def current_fail_per_sec(self) -> float:
        """Failures per second over about the last ten seconds of the run. Same as Locust."""
        return self._current_rates()[1]

    @property
    def total_rps(self) -> float:
        """Requests per second from the start of the run to its last request. Same as Locust."""
        return _ratio(self.num_requests, self._run_s())

    @property
    def total_fail_per_sec(self) -> float:
        """Failures per second from the start of the run to its last request. Same as Locust."""
        return _ratio(self.num_failures, self._run_s())

    def _current_rates(self) -> tuple[float, float]:
        last = self.stats.last_request_timestamp
        if last is None:
            return 0, 0
        first = max(int(last) - _RATE_FROM_S, int(self.stats.start_time or 0))
        end = int(last) - _RATE_UNTIL_S
        requests, failures = self._core.sum_seconds(first, end)
        seconds = max(end - first, 1)
        return requests / seconds, failures / seconds

    def _run_s(self) -> float:
        last, start = self.stats.last_request_timestamp, self.stats.start_time
        return last - start if last and start else 0.0

    # -- parts

    @property
    def timings(self) -> Timings | None:
        """The mean of each part of the requests' time, ms; None when no request has told. Differs from Locust: it has none."""
        return timings.average_of(self._core)

    @property
    def max_timings(self) -> Timings | None:
        """The longest of each part, ms; None when no request has told. Differs from Locust: it has none."""
        return timings.longest_of(self._core)

    @property
    def num_timed_requests(self) -> int:
        """How many requests have told how long their parts took. Differs from Locust: it has none."""
        return self._core.timings()[0]

    # -- percentiles

    @property
    def median_response_time(self) -> float:
        """The median, ms, never outside minimum and maximum. Same as Locust."""
        if not self._core.has_response_times:
            return 0
        median = self.get_response_time_percentile(0.5)
        if median > self.max_response_time:
            return self.max_response_time
        shortest = self.min_response_time
        return shortest if shortest is not None and median < shortest else median

    def get_response_time_percentile(self, percent: float) -> int:
        """The response time within which a share of the requests finished, in whole milliseconds.

        Args:
            percent: The share, from 0.0 to 1.0.

        Returns:
            Milliseconds; 0 without response times.

        Differs from Locust: exact to three significant digits where the response times are known, and 1.0 gives the
        maximum.
        """
        return self._percentiles([percent])[0]

    def exact_percentiles(self, shares: list[float]) -> list[float] | None:
        """Percentiles from the exact distribution, with fractions of a millisecond.

        Args:
            shares: From 0.0 to 1.0, in any order.

        Returns:
            Milliseconds; None when the distribution does not hold all response times.

        Differs from Locust: it has none.
        """
        return None if self._core.is_rounded else self._core.exact_percentiles(shares)

    def _percentiles(self, shares: list[float]) -> list[int]:
        self._file_response_times()
        if not (self._is_handmade or knob("stats", "LOCUST_ROUNDING")):
            exact = self.exact_percentiles(shares)
            if exact is not None:
                return [round(value) for value in exact]
        return [self._core.rounded_percentile(share) for share in shares]

    def get_current_response_time_percentile(self, percent: float) -> int | None:
        """The response time within which a share of the requests of about the last ten seconds finished.

        Args:
            percent: The share, from 0.0 to 1.0.

        Returns:
            Milliseconds, rounded as `response_times` is; None when nothing is known of that time.

        Raises:
            ValueError: When the entry was made without `use_response_times_cache`.

        Same as Locust.
        """
        if not self.use_response_times_cache:
            raise ValueError(
                "StatsEntry.use_response_times_cache must be set to True "
                "to calculate the _current_ response time percentile"
            )
        return self._current_percentile(window_starts(), percent)

    def _current_percentile(self, seconds: list[int], percent: float) -> int | None:
        """The percentile since the first of the seconds that is known."""
        self._file_response_times()
        if self._cache is None:
            return self._core.current_percentile(seconds, percent)
        copies: Mapping[int, CachedResponseTimes] = self.response_times_cache or {}
        cached = next((copies[second] for second in seconds if second in copies), None)
        if cached is None:
            return None
        return calculate_response_time_percentile(
            diff_response_time_dicts(self.response_times, cached.response_times),
            (self.num_requests - self.num_none_requests) - (cached.num_requests - cached.num_none_requests),
            percent,
        )

    @property
    def use_response_times_cache(self) -> bool:
        """Whether the entry can tell the current response times from those of the run. Same as Locust."""
        return self._uses_cache

    @use_response_times_cache.setter
    def use_response_times_cache(self, value: bool) -> None:
        self._uses_cache = value
        self._core.set_recent(recent_s(value))

    @property
    def response_times_cache(self) -> OrderedDict[int, CachedResponseTimes] | None:
        """Copies of the counts by second, oldest first. Same as Locust."""
        if self._cache is None:
            if not self._uses_cache:
                return None
            self._cache, self._cache_serial = OrderedDict(), None
        keep = recent_s(True)
        for serial, second, response_times, num_requests, num_none_requests in self._core.cached_since(
            self._cache_serial
        ):
            self._cache_serial = serial
            self._cache[second] = CachedResponseTimes(response_times, num_requests, num_none_requests)
            while len(self._cache) > keep:
                self._cache.popitem(last=False)
        return self._cache

    @response_times_cache.setter
    def response_times_cache(self, value: Mapping[int, CachedResponseTimes] | None) -> None:
        # What the ledger holds by now is what the assignment replaces.
        for serial, *_ in self._core.cached_since(self._cache_serial):
            self._cache_serial = serial
        self._cache = OrderedDict(value or {})

    # -- lines of the console tables

    def to_string(self, current: bool = True) -> str:
        """The entry's line in the table of requests.

        Args:
            current: Whether rates are over the last ten seconds instead of the whole run.

        Same as Locust.
        """
        if current:
            requests_per_s, failures_per_s = self._current_rates()
        else:
            requests_per_s, failures_per_s = self.total_rps, self.total_fail_per_sec
        type_columns, name_columns = type_width(), name_width() - type_width() + 4
        kind = f"{self.method} " if self.method else ""
        fails = f"{self.num_failures:d}({self.fail_ratio * 100:.2f}%)"
        return f"%-{type_columns}s %-{name_columns}s %7d %12s |%7d %7d %7d%7d | %7.2f %11.2f" % (
            kind,
            self.name,
            self.num_requests,
            fails,
            self.avg_response_time,
            self.min_response_time or 0,
            self.max_response_time,
            self.median_response_time,
            requests_per_s,
            failures_per_s,
        )

    def __str__(self) -> str:
        return self.to_string(current=True)

    def percentile(self) -> str:
        """The entry's line in the table of percentiles.

        Raises:
            ValueError: When there were no requests.

        Same as Locust.
        """
        if not self.num_requests:
            raise ValueError("Can't calculate percentile on url with no successful requests")
        shares = knob("stats", "PERCENTILES_TO_REPORT")
        columns = " ".join(["%6d"] * len(shares))
        line = f"%-{type_width()}s %-{name_width()}s %8d {columns}"
        return line % (self.method or "", self.name, *self._percentiles(list(shares)), self.num_requests)


def _ratio(value: float, per: float) -> float:
    return value / per if per else 0.0
