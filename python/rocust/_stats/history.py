"""What the charts show: a note of the total, and of the entries, every few seconds."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from rocust._compat.date import format_utc_timestamp
from rocust._compat.knobs import knob
from rocust._compat.rounding import proper_round
from rocust._kernel.green import sleep
from rocust._stats.bucket import own_bucketing
from rocust._stats.clock import now

if TYPE_CHECKING:
    from rocust._stats.request_stats import RequestStats

logger = logging.getLogger("locust.stats")

_IDLE_STATES = ("ready", "stopped")
#: So many notes of the total are kept; then every second one goes.
_MOST_NOTES = 2_048


def update_stats_history(runner: Any, timestamp: str | None = None) -> None:
    """Append the present rates, average, percentiles and users to `runner.stats.history`.

    Args:
        runner: Whose `stats` and `user_count` are noted.
        timestamp: The time to note; now by default.

    Differs from Locust: there are at most 2,048 notes, nearly three hours of them. When there would be more, every second one is taken
    out, so a long run keeps the shape of its curves, the older the coarser. And the entries are noted too, in `stats.entry_history`.
    """
    stats: RequestStats = runner.stats
    time = timestamp or format_utc_timestamp(now())
    total = stats.total
    stats.history.append(
        {
            **{
                f"response_time_percentile_{share}": [time, total.get_current_response_time_percentile(share) or 0]
                for share in knob("stats", "PERCENTILES_TO_CHART")
            },
            "current_rps": [time, total.current_rps or 0],
            "current_fail_per_sec": [time, total.current_fail_per_sec or 0],
            "total_avg_response_time": [time, proper_round(total.avg_response_time, digits=2)],
            "user_count": [time, runner.user_count or 0],
            "time": time,
        }
    )
    if len(stats.history) > _MOST_NOTES:
        del stats.history[1:-1:2]
    stats.entry_history.note(stats, time)


def stats_history(runner: Any) -> None:
    """Note the present figures every `HISTORY_STATS_INTERVAL_SEC` while a test runs; to be spawned. Same as Locust."""
    try:
        while runner.stats.total.use_response_times_cache:
            if runner.state not in _IDLE_STATES:
                update_stats_history(runner)
            if own_bucketing() is not None:
                # What waits for the user's function takes memory until somebody asks it.
                runner.stats.file_response_times()
            sleep(knob("stats", "HISTORY_STATS_INTERVAL_SEC"))
    except KeyboardInterrupt as interrupt:
        logger.debug(interrupt, exc_info=True)
