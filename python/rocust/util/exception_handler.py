"""Trying again, under Locust's name."""

from __future__ import annotations

from rocust._compat.retry import retry

__all__ = ["retry"]
