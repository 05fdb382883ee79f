"""Time spans such as 1h30m, under Locust's name."""

from __future__ import annotations

from rocust._cli.conversion import parse_timespan

__all__ = ["parse_timespan"]
