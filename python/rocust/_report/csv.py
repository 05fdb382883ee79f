"""The statistics as rows of CSV: Locust's columns, in Locust's order. Where the rows go is the caller's business."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from rocust._compat.date import format_utc_timestamp
from rocust._stats.error import StatsError
from rocust._stats.percentile import get_readable_percentiles, sort_stats

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rocust._stats import StatsEntry

_FIGURES = ("Request Count", "Failure Count", "Median Response Time", "Average Response Time", "Min Response Time",
            "Max Response Time", "Average Content Size")  # fmt: skip


class CSVWriter(Protocol):
    """What `csv.writer` makes. Same as Locust."""

    def writerow(self, columns: Iterable[Any], /) -> Any:
        """Write one row."""


class StatsCSV:
    """Writes the statistics of an environment to a `csv.writer`. Same as Locust; the rows of a table are of one moment."""

    def __init__(self, environment: Any, percentiles_to_report: Sequence[float]) -> None:
        """Look at an environment, which need not have a runner yet.

        Args:
            environment: Whose statistics and exceptions are written.
            percentiles_to_report: The shares, from 0.0 to 1.0, that get a column.
        """
        self.environment = environment
        self.percentiles_to_report = percentiles_to_report
        readable = get_readable_percentiles(percentiles_to_report)
        self.percentiles_na = ["N/A"] * len(percentiles_to_report)
        self.requests_csv_columns = ["Type", "Name", *_FIGURES, "Requests/s", "Failures/s", *readable]
        self.failures_columns = ["Method", "Name", "Error", "Occurrences", "First Seen", "Last Seen"]
        self.exceptions_columns = ["Count", "Message", "Traceback", "Nodes"]
        self.stats_history_csv_columns = ["Timestamp", "User Count", "Type", "Name", "Requests/s", "Failures/s",
                                          *readable, *(f"Total {title}" for title in _FIGURES)]  # fmt: skip

    def requests_csv(self, csv_writer: CSVWriter) -> None:
        """Write the table of requests: a row for each entry, and the total. Same as Locust."""
        csv_writer.writerow(self.requests_csv_columns)
        self._requests_data_rows(csv_writer)

    def failures_csv(self, csv_writer: CSVWriter) -> None:
        """Write the table of failures. Same as Locust."""
        csv_writer.writerow(self.failures_columns)
        self._failures_data_rows(csv_writer)

    def exceptions_csv(self, csv_writer: CSVWriter) -> None:
        """Write the table of exceptions that tasks have raised. Same as Locust."""
        csv_writer.writerow(self.exceptions_columns)
        self._exceptions_data_rows(csv_writer)

    def close_files(self) -> None:
        """Nothing: there are no files here. Same as Locust."""

    # -- rows

    def _requests_data_rows(self, csv_writer: CSVWriter) -> None:
        stats = self.environment.stats
        with stats.still():
            for entry in (*sort_stats(stats.entries), stats.total):
                rates = (entry.total_rps, entry.total_fail_per_sec)
                csv_writer.writerow(
                    (entry.method, entry.name, *_figures(entry), *rates, *self._percentile_fields(entry))
                )

    def _failures_data_rows(self, csv_writer: CSVWriter) -> None:
        for failure in sort_stats(self.environment.stats.errors):
            text = StatsError.parse_error(failure.error)
            seen = (_time(failure.first_seen), _time(failure.last_seen))
            csv_writer.writerow((failure.method, failure.name, text, failure.occurrences, *seen))

    def _exceptions_data_rows(self, csv_writer: CSVWriter) -> None:
        if self.environment.runner is None:
            return
        for raised in self.environment.runner.exceptions.values():
            csv_writer.writerow((raised["count"], raised["msg"], raised["traceback"], ", ".join(raised["nodes"])))

    def _stats_history_data_rows(self, csv_writer: CSVWriter, now: float, full_history: bool = False) -> None:
        """The present figures under the time `now`: of the total, and before it of each entry with `full_history`."""
        stats, runner = self.environment.stats, self.environment.runner
        users = 0 if runner is None else runner.user_count
        with stats.still():
            for entry in (*(sort_stats(stats.entries) if full_history else ()), stats.total):
                requests_per_s, failures_per_s = entry._current_rates()
                csv_writer.writerow(
                    (
                        *(
                            int(now),
                            users,
                            entry.method or "",
                            entry.name,
                            f"{requests_per_s:f}",
                            f"{failures_per_s:f}",
                        ),
                        *self._percentile_fields(entry, use_current=full_history),
                        *_figures(entry),
                    )
                )

    def _percentile_fields(self, entry: StatsEntry, use_current: bool = False) -> Sequence[object]:
        if not entry.num_requests:
            return self.percentiles_na
        if use_current and entry.use_response_times_cache:
            current = map(entry.get_current_response_time_percentile, self.percentiles_to_report)
            return [int(value or 0) for value in current]
        return entry._percentiles(list(self.percentiles_to_report))


def _figures(entry: StatsEntry) -> tuple[float, ...]:
    """The values of `_FIGURES`."""
    return (
        entry.num_requests,
        entry.num_failures,
        entry.median_response_time,
        entry.avg_response_time,
        entry.min_response_time or 0,
        entry.max_response_time,
        entry.avg_content_length,
    )


def _time(epoch_s: float | None) -> str:
    return "" if epoch_s is None else format_utc_timestamp(epoch_s)
