"""The tables of the console, byte for byte as Locust prints them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from rocust._compat.knobs import knob
from rocust._kernel.green import sleep
from rocust._report.live import LiveTable
from rocust._report.pause import pause_s
from rocust._stats.percentile import get_readable_percentiles, sort_stats
from rocust._stats.width import name_width, type_width

if TYPE_CHECKING:
    from rocust._stats import RequestStats, StatsEntry

__all__ = [
    "LiveTable",
    "get_error_report_summary",
    "get_percentile_stats_summary",
    "get_stats_summary",
    "get_timings_summary",
    "print_error_report",
    "print_percentile_stats",
    "print_stats",
    "print_timings",
    "stats_printer",
]

#: The parts of a response time, as the table calls them; the queue comes before it.
_PARTS = ("queue", "dns", "connect", "tls", "send", "first byte", "body")

console_logger = logging.getLogger("locust.stats_logger")
logger = logging.getLogger("locust.stats")


def get_stats_summary(stats: RequestStats, current: bool = True) -> list[str]:
    """The lines of the table of requests.

    Args:
        stats: What to show; its rows are of one moment.
        current: Whether rates are over the last ten seconds instead of the whole run.

    Same as Locust.
    """
    type_columns, name_columns = type_width(), name_width() - type_width() + 4
    titles = (
        f"{'Type':<{type_columns}} {'Name':<{max(name_columns, 0)}} {'# reqs':>7} {'# fails':>12} |"
        f"{'Avg':>7} {'Min':>7} {'Max':>7}{'Med':>7} | {'req/s':>7} {'failures/s':>11}"
    )
    separator = "|".join("-" * width for width in (type_columns, name_columns, 7, 13, 7, 7, 7, 7, 8, 11))
    with stats.still():
        rows = [entry.to_string(current=current) for entry in sort_stats(stats.entries)]
        total = stats.total.to_string(current=current)
    return [titles, separator, *rows, separator, total]


def get_percentile_stats_summary(stats: RequestStats) -> list[str]:
    """The lines of the table of percentiles.

    Same as Locust; `rocust.stats.LOCUST_ROUNDING` makes the figures so too.
    """
    shares = knob("stats", "PERCENTILES_TO_REPORT")
    first, *others = [*get_readable_percentiles(shares), "# reqs"]
    columns = " ".join(f"{title:>6}" for title in others)
    titles = f"{'Type':<{type_width()}} {'Name':<{name_width()}} {first:>8} {columns}"
    separator = "|".join("-" * width for width in (type_width(), name_width(), 8, *[6] * len(shares)))
    with stats.still():
        rows = [entry.percentile() for entry in sort_stats(stats.entries) if entry._core.has_response_times]
        total = [stats.total.percentile()] if stats.total._core.has_response_times else []
    return ["Response time percentiles (approximated)", titles, separator, *rows, separator, *total]


def get_timings_summary(stats: RequestStats) -> list[str]:
    """The lines of the table of timings: the mean of each part of the response times, over the requests that have told.

    Differs from Locust: it has none.
    """
    widths = [max(len(title), 9) for title in _PARTS]
    type_columns, name_columns = type_width(), name_width() - type_width() + 4
    titles = " ".join(f"{title:>{width}}" for title, width in zip(_PARTS, widths, strict=True))
    heading = f"{'Type':<{type_columns}} {'Name':<{max(name_columns, 0)}} {'# reqs':>7} | {titles}"
    separator = "|".join("-" * width for width in (type_columns, name_columns, 8, widths[0] + 1, *widths[1:]))

    def row(entry: StatsEntry) -> str:
        values = " ".join(f"{value:>{width}.3f}" for value, width in zip(entry.timings or (), widths, strict=True))
        kind = f"{entry.method or '':<{type_columns}} {entry.name:<{max(name_columns, 0)}}"
        return f"{kind} {entry.num_timed_requests:>7d} | {values}"

    with stats.still():
        rows = [row(entry) for entry in sort_stats(stats.entries) if entry.num_timed_requests]
        total = row(stats.total) if rows else "No request has told its timings: those of HttpUser and FastHttpUser do."
    return ["Timings (average ms)", heading, separator, *rows, separator, total]


def get_error_report_summary(stats: RequestStats) -> list[str]:
    """The lines of the table of failures. Same as Locust."""
    separator = f"{'-' * 18}|{'-' * (80 + name_width() - 19)}"
    rows = [f"{failure.occurrences:<18d} {failure.to_name():<100}" for failure in stats.errors.values()]
    return ["Error report", f"{'# occurrences':18} {'Error':100}", separator, *rows, separator, ""]


def print_stats(stats: RequestStats, current: bool = True) -> None:
    """Log the table of requests. Same as Locust."""
    _log([*get_stats_summary(stats, current), ""])


def print_percentile_stats(stats: RequestStats) -> None:
    """Log the table of percentiles. Same as Locust."""
    _log([*get_percentile_stats_summary(stats), ""])


def print_timings(stats: RequestStats) -> None:
    """Log the table of timings. Differs from Locust: it has none."""
    _log([*get_timings_summary(stats), ""])


def print_error_report(stats: RequestStats) -> None:
    """Log the table of failures, if there are any. Same as Locust."""
    if stats.errors:
        _log(get_error_report_summary(stats))


def _log(lines: Iterable[str]) -> None:
    for line in lines:
        console_logger.info(line)


def stats_printer(stats: RequestStats) -> Callable[[], None]:
    """A function that logs the table of requests every `CONSOLE_STATS_INTERVAL_SEC`, for ever; to be spawned.

    Same as Locust, but where there are so many names that a table takes long, the pauses grow.
    """

    def print_for_ever() -> None:
        try:
            while True:
                began_s = time.perf_counter()
                print_stats(stats)
                sleep(pause_s(knob("stats", "CONSOLE_STATS_INTERVAL_SEC"), time.perf_counter() - began_s))
        except KeyboardInterrupt as interrupt:
            logger.debug(interrupt, exc_info=True)

    return print_for_ever
