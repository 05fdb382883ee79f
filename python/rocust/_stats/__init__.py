"""What was measured, as Locust's objects: `RequestStats`, its entries and its failures.

The figures live in the compiled ledger, which I/O threads fill without the GIL; the objects here are views of it that
collect what was recorded when they are read, and write through when they are assigned to. Nothing here prints or writes
files (`_report` does), knows users or knows how requests are made.
"""

from rocust._stats.bucket import bucket_response_time
from rocust._stats.distributed import setup_distributed_stats_event_listeners
from rocust._stats.entry import CachedResponseTimes, StatsEntry
from rocust._stats.error import StatsError
from rocust._stats.history import stats_history, update_stats_history
from rocust._stats.percentile import (
    avg,
    calculate_response_time_percentile,
    diff_response_time_dicts,
    get_readable_percentiles,
    sort_stats,
)
from rocust._stats.request_stats import RequestStats
from rocust._stats.settings import validate_stats_configuration
from rocust._stats.shape import (
    StatsBaseDict,
    StatsEntryDict,
    StatsErrorDict,
    StatsHolder,
)
from rocust._stats.timings import Timings, timings_of
from rocust._stats.width import terminal_name_width

__all__ = [
    "CachedResponseTimes",
    "RequestStats",
    "StatsBaseDict",
    "StatsEntry",
    "StatsEntryDict",
    "StatsError",
    "StatsErrorDict",
    "StatsHolder",
    "Timings",
    "avg",
    "bucket_response_time",
    "calculate_response_time_percentile",
    "diff_response_time_dicts",
    "get_readable_percentiles",
    "setup_distributed_stats_event_listeners",
    "sort_stats",
    "stats_history",
    "terminal_name_width",
    "timings_of",
    "update_stats_history",
    "validate_stats_configuration",
]
