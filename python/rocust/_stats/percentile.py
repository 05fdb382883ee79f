"""Percentiles by Locust's walk over rounded counts, and small arithmetic that plugins import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

Held = TypeVar("Held")


def calculate_response_time_percentile(response_times: Mapping[int, int], num_requests: int, percent: float) -> int:
    """The response time within which a share of the requests finished, as far as rounded counts can tell.

    Args:
        response_times: Counts by response time, as `StatsEntry.response_times`.
        num_requests: How many requests the counts are of.
        percent: The share, from 0.0 to 1.0.

    Returns:
        A key of `response_times`; 0 when there is none.

    Same as Locust.
    """
    beyond = int(num_requests * percent)
    remaining = num_requests
    for response_time in sorted(response_times, reverse=True):
        remaining -= response_times[response_time]
        if remaining <= beyond:
            return response_time
    return 0


def diff_response_time_dicts(latest: Mapping[int, int], old: Mapping[int, int]) -> dict[int, int]:
    """What `latest` counts more than `old`; keys without a difference are left out. Same as Locust."""
    differences = {key: count - old.get(key, 0) for key, count in latest.items()}
    return {key: difference for key, difference in differences.items() if difference}


def get_readable_percentiles(percentile_list: Sequence[float]) -> list[str]:
    """Column titles: `[0.5, 0.999]` becomes `["50%", "99.9%"]`. Same as Locust."""

    def readable(share: float) -> str:
        percent = share * 100
        return f"{int(percent) if percent.is_integer() else round(100 * share, 6)}%"

    return [readable(share) for share in percentile_list]


def sort_stats(stats: Mapping[Any, Held]) -> list[Held]:
    """The values in the order of their keys. Same as Locust."""
    return [stats[key] for key in sorted(stats)]


def avg(values: Sequence[float]) -> float:
    """The mean; 0 of nothing. Same as Locust."""
    return sum(values, 0.0) / max(len(values), 1)
