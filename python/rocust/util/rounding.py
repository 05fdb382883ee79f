"""Rounding for tables, under Locust's name."""

from __future__ import annotations

from rocust._compat.rounding import proper_round

__all__ = ["proper_round"]
