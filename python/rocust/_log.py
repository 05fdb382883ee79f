"""The log: its format and handlers, and the flag that something went wrong in nobody's hands.

Logger names are Locust's (`locust.main`, `locust.runners`, ...), written as literals where they are used: wrappers
and dashboards search for them. This room imports nothing of ours and never logs about anything but itself.
"""

from __future__ import annotations

import logging
import logging.config
import os
import socket
import sys
from collections import deque
from collections.abc import Callable
from typing import Any

#: This machine's name, up to the first dot: the first word of each log line after the time.
HOSTNAME = socket.gethostname().partition(".")[0]

#: Whether an exception ended a greenlet or an event handler that nobody watched. Ends in exit code 2. The truth is
#: that of the face, once it is imported: `locust.log.unhandled_greenlet_exception` may be read and assigned.
unhandled_greenlet_exception = False


def _holder_of_flag() -> Any:
    return sys.modules.get("rocust.log", sys.modules[__name__])


def note_unhandled_exception() -> None:
    """Remember that an exception went unhandled, so that the process does not end as if all was well."""
    _holder_of_flag().unhandled_greenlet_exception = True


def has_unhandled_exception() -> bool:
    """Whether an exception went unhandled since the start, or since somebody said to forget it."""
    return bool(_holder_of_flag().unhandled_greenlet_exception)


class LogReader(logging.Handler):
    """Keeps the last 500 log lines, for the web page. Same as Locust."""

    def __init__(self) -> None:
        super().__init__()
        self.logs: deque[str] = deque(maxlen=500)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        self.logs.append(self.format(record))


def setup_logging(loglevel: str, logfile: str | None = None) -> None:
    """Send the log to stderr, or to `logfile`; the statistics tables always go to stderr.

    Args:
        loglevel: A level by name, in any case.
        logfile: Where the log goes instead of stderr; its directory is created.

    Same as Locust.
    """
    logging.config.dictConfig(_configuration(loglevel.upper(), logfile))


def _configuration(loglevel: str, logfile: str | None) -> dict[str, Any]:
    handlers: dict[str, dict[str, Any]] = {
        "console": {"class": "logging.StreamHandler", "formatter": "default"},
        "console_plain": {"class": "logging.StreamHandler", "formatter": "plain"},
        "log_reader": {"()": LogReader, "formatter": "default"},
    }
    destination = "console"
    if logfile:
        if directory := os.path.dirname(logfile):
            os.makedirs(directory, exist_ok=True)
        handlers["file"] = {
            "class": "logging.FileHandler",
            "filename": logfile,
            "formatter": "default",
        }
        destination = "file"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "default": {"format": f"[%(asctime)s] {HOSTNAME}/%(levelname)s/%(name)s: %(message)s"},
            "plain": {"format": "%(message)s"},
        },
        "handlers": handlers,
        "loggers": {
            "locust": {
                "handlers": [destination, "log_reader"],
                "level": loglevel,
                "propagate": False,
            },
            "locust.stats_logger": {
                "handlers": ["console_plain", "log_reader"],
                "level": "INFO",
                "propagate": False,
            },
        },
        "root": {"handlers": [destination, "log_reader"], "level": loglevel},
    }


def get_logs() -> list[str]:
    """The last log lines, oldest first; empty when `setup_logging` was not called. Same as Locust."""
    for handler in logging.getLogger().handlers:
        if handler.name == "log_reader" and isinstance(handler, LogReader):
            return list(handler.logs)
    return []


def greenlet_exception_logger(logger: logging.Logger, level: int = logging.CRITICAL) -> Callable[[Any], None]:
    """A function for `greenlet.link_exception`: logs the exception and makes the process end with exit code 2.

    Args:
        logger: Where to log it.
        level: How loudly; a `sys.exit` in a greenlet is never logged louder than INFO.

    Same as Locust.
    """

    def log_exception(greenlet: Any) -> None:
        kind, value, _ = greenlet.exc_info
        if kind is SystemExit:
            logger.log(
                min(logging.INFO, level),
                f"sys.exit({value}) called (use log level DEBUG for callstack)",
            )
            level_of_callstack = logging.DEBUG
        else:
            level_of_callstack = level
        logger.log(
            level_of_callstack,
            "Unhandled exception in greenlet: %s",
            greenlet,
            exc_info=greenlet.exc_info,
        )
        note_unhandled_exception()

    return log_exception
