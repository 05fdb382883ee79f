"""Times and durations as the reports print them."""

from __future__ import annotations

from datetime import datetime, timezone

_SECONDS_PER = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def format_utc_timestamp(unix_timestamp: float) -> str:
    """`2026-01-31T12:00:00Z`. Same as Locust."""
    return datetime.fromtimestamp(int(unix_timestamp), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_safe_timestamp(unix_timestamp: float) -> str:
    """`2026-01-31-12h00`, in local time, fit for a file name. Same as Locust."""
    return datetime.fromtimestamp(int(unix_timestamp)).strftime("%Y-%m-%d-%Hh%M")


def format_duration(start_time: float, end_time: float) -> str:
    """`1 day, 2 hours and 3 seconds`. Same as Locust."""
    remaining = int(end_time - start_time)
    parts = []
    for unit, seconds in _SECONDS_PER:
        count, remaining = divmod(remaining, seconds)
        if count > 0:
            parts.append(f"{count} {unit}{'' if count == 1 else 's'}")
    if not parts:
        return "0 seconds"
    *others, last = parts
    return f"{', '.join(others)} and {last}" if others else last
