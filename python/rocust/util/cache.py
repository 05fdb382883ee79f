"""Remembering answers, under Locust's name."""

from __future__ import annotations

from rocust._compat.memoize import memoize

__all__ = ["memoize"]
