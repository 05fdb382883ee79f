"""Locust's log set-up, under Locust's name."""

from __future__ import annotations

from rocust._log import (
    HOSTNAME,
    LogReader,
    get_logs,
    greenlet_exception_logger,
    setup_logging,
    unhandled_greenlet_exception,
)

__all__ = [
    "HOSTNAME",
    "LogReader",
    "get_logs",
    "greenlet_exception_logger",
    "setup_logging",
    "unhandled_greenlet_exception",
]
