"""Statistics and their tables, by Locust's names. Settings may be assigned; they are read when they are used."""

from rocust._report.console import (
    get_error_report_summary,
    get_percentile_stats_summary,
    get_stats_summary,
    get_timings_summary,
    print_error_report,
    print_percentile_stats,
    print_stats,
    print_timings,
    stats_printer,
)
from rocust._report.csv import CSVWriter, StatsCSV
from rocust._report.csv_files import StatsCSVFileWriter
from rocust._report.json import print_stats_json, save_stats_json
from rocust._stats import (
    CachedResponseTimes,
    RequestStats,
    StatsBaseDict,
    StatsEntry,
    StatsEntryDict,
    StatsError,
    StatsErrorDict,
    StatsHolder,
    Timings,
    avg,
    bucket_response_time,
    calculate_response_time_percentile,
    diff_response_time_dicts,
    get_readable_percentiles,
    setup_distributed_stats_event_listeners,
    sort_stats,
    stats_history,
    terminal_name_width,
    update_stats_history,
    validate_stats_configuration,
)

#: Space for names in the console tables; follows the terminal until it is assigned.
STATS_NAME_WIDTH = terminal_name_width()
#: Whether the space for names follows the terminal.
STATS_AUTORESIZE = True
#: Space for the request type in the console tables.
STATS_TYPE_WIDTH = 8
#: Seconds between two tables on the console.
CONSOLE_STATS_INTERVAL_SEC = 2
#: Seconds between two points of the charts.
HISTORY_STATS_INTERVAL_SEC = 5
#: Seconds between two writes of the CSV files.
CSV_STATS_INTERVAL_SEC = 1
#: Seconds between two flushes of the CSV files.
CSV_STATS_FLUSH_INTERVAL_SEC = 5
#: Seconds that "current" response times look back.
CURRENT_RESPONSE_TIME_PERCENTILE_WINDOW = 10
#: Percentiles of the console table and of the CSV files.
PERCENTILES_TO_REPORT = [0.50, 0.66, 0.75, 0.80, 0.90, 0.95, 0.98, 0.99, 0.999, 0.9999, 1.0]
#: Percentiles of the table on the web page.
PERCENTILES_TO_STATISTICS = [0.95, 0.99]
#: Percentiles of the chart on the web page.
PERCENTILES_TO_CHART = [0.5, 0.95]
#: Whether percentiles are taken from Locust's rounded counts instead of the exact distribution. Locust has no such
#: setting.
LOCUST_ROUNDING = False

__all__ = [
    "CONSOLE_STATS_INTERVAL_SEC",
    "CSV_STATS_FLUSH_INTERVAL_SEC",
    "CSV_STATS_INTERVAL_SEC",
    "CURRENT_RESPONSE_TIME_PERCENTILE_WINDOW",
    "HISTORY_STATS_INTERVAL_SEC",
    "LOCUST_ROUNDING",
    "PERCENTILES_TO_CHART",
    "PERCENTILES_TO_REPORT",
    "PERCENTILES_TO_STATISTICS",
    "STATS_AUTORESIZE",
    "STATS_NAME_WIDTH",
    "STATS_TYPE_WIDTH",
    "CSVWriter",
    "CachedResponseTimes",
    "RequestStats",
    "StatsBaseDict",
    "StatsCSV",
    "StatsCSVFileWriter",
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
    "get_error_report_summary",
    "get_percentile_stats_summary",
    "get_readable_percentiles",
    "get_stats_summary",
    "get_timings_summary",
    "print_error_report",
    "print_percentile_stats",
    "print_stats",
    "print_stats_json",
    "print_timings",
    "save_stats_json",
    "setup_distributed_stats_event_listeners",
    "sort_stats",
    "stats_history",
    "stats_printer",
    "terminal_name_width",
    "update_stats_history",
    "validate_stats_configuration",
]
