"""All statistics of one run: Locust's `RequestStats` over a ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rocust import _core
from rocust._stats.bucket import own_bucketing
from rocust._stats.clock import now
from rocust._stats.entry import StatsEntry, recent_s
from rocust._stats.entry_history import EntryHistory
from rocust._stats.error import StatsError
from rocust._stats.listing import Entries, Errors
from rocust._stats.shape import StatsEntryDict, StatsErrorDict


def _shard_count() -> int:
    """One shard for the Python thread and one for each I/O thread."""
    lane_count = getattr(_core, "lane_count", None)
    return 1 + (lane_count() if lane_count is not None else 1)


class RequestStats:
    """The statistics of a run: `environment.stats`.

    Reading `entries`, `errors` or `total` collects what the I/O threads have recorded. Same as Locust; `ledger`,
    `num_aborted` and `still` are ours.
    """

    def __init__(self, use_response_times_cache: bool = True) -> None:
        """Make empty statistics that begin to count now.

        Args:
            use_response_times_cache: Whether entries can tell the current response times from those of the run.
        """
        self.use_response_times_cache = use_response_times_cache
        #: What the engine's I/O threads record into.
        self.ledger = _core.Ledger(_shard_count())
        self.ledger.set_recent(recent_s(use_response_times_cache))
        #: What `update_stats_history` has noted, oldest first.
        self.history: list[dict[str, Any]] = []
        #: The same for single entries. Locust has none.
        self.entry_history = EntryHistory()
        #: Whether the log has said that there are too many names to make sense: once is enough.
        self.has_warned_of_many_names = False
        self.clear_all()

    # -- the whole

    @property
    def total(self) -> StatsEntry:
        """The total over all entries, named "Aggregated". Same as Locust."""
        self._watch_bucketing()
        return self._total

    @total.setter
    def total(self, entry: StatsEntry) -> None:
        entry._core = self.ledger.set_total(entry._core)
        self._total = entry

    @property
    def entries(self) -> dict[tuple[str, str], StatsEntry]:
        """The entries by (name, method); a missing key makes an entry. Same as Locust."""
        self._watch_bucketing()
        return self._entries.collect()

    @entries.setter
    def entries(self, entries: Mapping[tuple[str, str], StatsEntry]) -> None:
        self._entries.collect().clear()
        self._entries.update(entries)

    @property
    def errors(self) -> dict[str, StatsError]:
        """The failures by the SHA-256 of what makes them the same. Same as Locust."""
        return self._errors.collect()

    @errors.setter
    def errors(self, errors: Mapping[str, StatsError]) -> None:
        self.ledger.clear_failures()
        self._errors = Errors(self)
        self._errors.update(errors)

    @property
    def num_requests(self) -> int:
        """Requests made, failed ones included. Same as Locust."""
        return self._total.num_requests

    @property
    def num_none_requests(self) -> int:
        """Requests without a response time. Same as Locust."""
        return self._total.num_none_requests

    @property
    def num_failures(self) -> int:
        """Failures. Same as Locust."""
        return self._total.num_failures

    @property
    def last_request_timestamp(self) -> float | None:
        """When the last request ended. Same as Locust."""
        return self._total.last_request_timestamp

    @property
    def start_time(self) -> float:
        """When counting began. Same as Locust."""
        return self._total.start_time

    @property
    def num_aborted(self) -> int:
        """Requests that were on the wire, or answered but not yet judged, when their users were stopped.

        They are in no other figure: how they would have ended was not measured. `reset_all` and `clear_all` begin anew.

        Differs from Locust: it does not tell.
        """
        return self.ledger.num_aborted

    # -- counting

    def log_request(self, method: str, name: str, response_time: float | None, content_length: int) -> None:
        """Count one request that ended now.

        Args:
            method: The HTTP method, or whatever stands in its place.
            name: The name under which requests are grouped.
            response_time: Milliseconds; None counts, but has no place in averages and percentiles.
            content_length: The size of the body, bytes.

        Same as Locust.
        """
        if own_bucketing() is None:
            self.ledger.record(method, name, response_time, content_length, now())
        else:
            self.total.log(response_time, content_length)
            self.entries[(name, method)].log(response_time, content_length)

    def log_exchange(self, method: str, name: str, response_time: float, content_length: int, exchange: Any) -> None:
        """Count one request of the engine's, with the parts of its time, and settle it: one call for what would be three.

        Args:
            method: The HTTP method as the caller wrote it.
            name: The name under which requests are grouped.
            response_time: Milliseconds.
            content_length: The size of the body, bytes.
            exchange: The engine's `Exchange`; its parts count when `response_time` is its own.

        Differs from Locust: it has none.
        """
        if own_bucketing() is None:
            self.ledger.report(method, name, response_time, content_length, now(), exchange)
        else:
            self.log_request(method, name, response_time, content_length)
            self.ledger.record_timings(method, name, response_time, [exchange])
            exchange.settle()

    def log_error(self, method: str, name: str, error: BaseException | str | None) -> None:
        """Count one failure, now; its request is logged on its own. Same as Locust."""
        text = StatsError.parse_error(error)
        if isinstance(error, BaseException) and StatsError.create_key(method, name, text) not in self._errors:
            self._errors.raised.setdefault((method, name, text), error)
        self.ledger.record_failure(method, name, text, now())

    def get(self, name: str, method: str) -> StatsEntry:
        """The entry of a (name, method), made if there is none. Same as Locust."""
        return self.entries[(name, method)]

    # -- beginning anew

    def reset_all(self) -> None:
        """Set all entries to zero; they stay. Same as Locust."""
        self._watch_bucketing()
        for entry in (self.total, *self.entries.values()):
            entry._begin_anew()
        self.ledger.reset_all(now())
        self._errors = Errors(self)
        self.history = []
        self.entry_history = EntryHistory()

    def clear_all(self) -> None:
        """Take all entries and failures out. Same as Locust."""
        self._watch_bucketing()
        self.ledger.clear_all(now())
        self._total = StatsEntry._of(self, "Aggregated", "", self.ledger.total)
        self._entries = Entries(self)
        self._errors = Errors(self)
        self.history = []
        self.entry_history = EntryHistory()

    # -- the wire

    def serialize_stats(self) -> list[StatsEntryDict]:
        """All entries that have counted something, which are reset by this. Same as Locust."""
        return [
            entry.get_stripped_report() for entry in self.entries.values() if entry.num_requests or entry.num_failures
        ]

    def serialize_errors(self) -> dict[str, StatsErrorDict]:
        """All failures. Same as Locust."""
        return {key: failure.serialize() for key, failure in self.errors.items()}

    # -- ours

    @contextmanager
    def still(self) -> Iterator[None]:
        """A context in which the figures stand still, so that the rows of a table are of one moment and add up.

        Nothing is lost: what is recorded meanwhile is counted afterwards.

        Differs from Locust: there, one thread does everything.
        """
        with self.ledger.hold():
            yield

    def file_response_times(self) -> None:
        """Ask a bucketing function of the user's about all response times that still wait for it."""
        for entry in (self.total, *self.entries.values()):
            entry._file_response_times()

    def _watch_bucketing(self) -> None:
        """Tell the ledger whether a bucketing function was assigned."""
        self.ledger.set_own_bucketing(own_bucketing() is not None)
