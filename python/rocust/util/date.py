"""Times as reports print them, under Locust's name."""

from __future__ import annotations

from rocust._compat.date import (
    format_duration,
    format_safe_timestamp,
    format_utc_timestamp,
)

__all__ = ["format_duration", "format_safe_timestamp", "format_utc_timestamp"]
