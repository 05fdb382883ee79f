"""Locust's log set-up, under Locust's name."""

from __future__ import annotations

from rocust._log import HOSTNAME, LogReader, get_logs, greenlet_exception_logger, setup_logging

__all__ = ["HOSTNAME", "LogReader", "get_logs", "greenlet_exception_logger", "setup_logging"]


def __getattr__(name: str) -> object:
    """`unhandled_greenlet_exception` as it is now: the room sets it, later."""
    if name == "unhandled_greenlet_exception":
        from . import _log

        return _log.unhandled_greenlet_exception
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
