"""A table on the terminal that is redrawn in place, for whoever sits in front of it.

It owns the lowest lines of the terminal. What is logged meanwhile is written above it: the streams of the log handlers
that write to the terminal are led through the table, which takes itself away, lets the text scroll by, and draws itself
again, all in one write.
"""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from rocust._kernel.green import Event
from rocust._stats.clock import now
from rocust._stats.width import type_width

_UP = "\x1b[{}A"
_ERASE_BELOW = "\x1b[J"
_ERASE_LINE_END = "\x1b[K"
_HIDE_CURSOR = "\x1b[?25l"
_SHOW_CURSOR = "\x1b[?25h"
_NO_WRAP = "\x1b[?7l"
_WRAP = "\x1b[?7h"
_REDRAW_S = 0.5
_SMALLEST_NAME = 8
#: Head, titles, separator, separator, total: what is always shown, and one line for the cursor.
_FIXED_LINES = 6


class LiveTable:
    """The table of requests, redrawn in place until it is closed.

    Differs from Locust: it prints the table anew every two seconds.
    """

    def __init__(self, environment: Any, run_time_s: int | None = None, stream: TextIO | None = None) -> None:
        """Make a table; it appears with `run`.

        Args:
            environment: Whose statistics and runner are shown.
            run_time_s: How long the test is going to run, if that is known.
            stream: The terminal; standard error by default.
        """
        self._environment = environment
        self._run_time_s = run_time_s
        self._stream = stream if stream is not None else sys.stderr
        self._started_s = now()
        self._drawn: list[str] = []
        self._closed = Event()
        self._is_up = False
        self._led: list[tuple[logging.StreamHandler[Any], Any]] = []

    def run(self) -> None:
        """Draw twice a second until `close`; to be spawned."""
        if self._closed.is_set():
            return
        self._open()
        try:
            while not self._closed.is_set():
                self.draw()
                self._closed.wait(_REDRAW_S)
        finally:
            self.close()

    def draw(self) -> None:
        """Show the present figures in the place of those that are shown."""
        columns, rows = self._size()
        lines = [self._fit(line, columns) for line in self._lines(columns, rows)]
        self._stream.write(self._over(lines))
        self._stream.flush()
        self._drawn = lines

    def close(self) -> None:
        """Take the table away and give the terminal and the log handlers back. Closing twice is harmless."""
        self._closed.set()
        if not self._is_up:
            return
        self._is_up = False
        for handler, stream in self._led:
            handler.setStream(stream)
        self._led = []
        self._stream.write(self._erased() + _WRAP + _SHOW_CURSOR)
        self._stream.flush()
        self._drawn = []

    # -- the terminal

    def _open(self) -> None:
        self._is_up = True
        for handler in _terminal_handlers():
            self._led.append((handler, handler.stream))
            handler.setStream(_Above(self, handler.stream))
        self._stream.write(_HIDE_CURSOR + _NO_WRAP)

    def _size(self) -> tuple[int, int]:
        try:
            size = os.get_terminal_size(self._stream.fileno())
        except (OSError, ValueError, AttributeError):
            return 80, 24
        return max(size.columns, 1), max(size.lines, 1)

    def _erased(self) -> str:
        """What takes the drawn lines away; the cursor is below them."""
        _, rows = self._size()
        # A terminal that has become smaller has lost its upper lines: there is nothing to go up to.
        height = min(len(self._drawn), rows - 1)
        return (_UP.format(height) if height else "") + "\r" + _ERASE_BELOW

    def _over(self, lines: list[str]) -> str:
        """What draws lines over the drawn ones, without erasing first: nothing flickers."""
        _, rows = self._size()
        height = min(len(self._drawn), rows - 1)
        up = (_UP.format(height) if height else "") + "\r"
        return up + "".join(f"{line}{_ERASE_LINE_END}\n" for line in lines) + _ERASE_BELOW

    def _write_above(self, text: str) -> None:
        """Let a text scroll by above the table."""
        if not text.endswith("\n"):
            text += "\n"
        table = "".join(f"{line}{_ERASE_LINE_END}\n" for line in self._drawn)
        self._stream.write(self._erased() + _WRAP + text + _NO_WRAP + table)
        self._stream.flush()

    @staticmethod
    def _fit(line: str, columns: int) -> str:
        return "".join(character if character.isprintable() else "?" for character in line)[:columns]

    # -- what is shown

    def _lines(self, columns: int, rows: int) -> list[str]:
        stats = self._environment.stats
        with stats.still():
            total = stats.total
            entries = sorted(stats.entries.items())
            head = self._head(total)
            room = max(rows - _FIXED_LINES, 0)
            hidden = max(len(entries) - room, 0)
            if hidden:
                # The busiest are what one wants to see; the line that says how many are hidden takes a place too.
                busiest = sorted(entries, key=lambda item: item[1].num_requests, reverse=True)[: max(room - 1, 0)]
                hidden = len(entries) - len(busiest)
                entries = sorted(busiest)
            body = [self._row(entry, columns) for _, entry in entries]
            if hidden:
                body.append(f"... and {hidden} more")
            rule = "-" * columns
            lines = [head, self._titles(columns), rule, *body, rule, self._row(total, columns)]
        # One line is left for the cursor; of a tiny terminal the total is what matters.
        return lines[-(rows - 1) :] if rows > 1 else []

    def _head(self, total: Any) -> str:
        runner = self._environment.runner
        elapsed_s = int(now() - self._started_s)
        time = _clock(elapsed_s) if self._run_time_s is None else f"{_clock(elapsed_s)} / {_clock(self._run_time_s)}"
        users, state = (runner.user_count, runner.state) if runner is not None else (0, "ready")
        return (
            f"{time}  {users} {'user' if users == 1 else 'users'}  {state}  "
            f"{total.current_rps:.1f} req/s  {total.current_fail_per_sec:.1f} failures/s"
        )

    @staticmethod
    def _name_columns(columns: int) -> int:
        return max(columns - _FIGURES_COLUMNS - type_width() - 1, _SMALLEST_NAME)

    def _titles(self, columns: int) -> str:
        return self._left("Type", "Name", columns) + _FIGURES.format(
            "# reqs", "# fails", "Avg", "Med", "95%", "Max", "req/s"
        )

    def _row(self, entry: Any, columns: int) -> str:
        median, p95 = entry._percentiles([0.5, 0.95])
        return self._left(entry.method or "", entry.name, columns) + _FIGURES.format(
            entry.num_requests,
            f"{entry.num_failures}({entry.fail_ratio * 100:.1f}%)",
            f"{entry.avg_response_time:.0f}",
            median,
            p95,
            f"{entry.max_response_time:.0f}",
            f"{entry.current_rps:.1f}",
        )

    def _left(self, kind: str, name: str, columns: int) -> str:
        width = self._name_columns(columns)
        shown = name if len(name) <= width else name[: width - 1] + "…"
        return f"{kind:<{type_width()}.{type_width()}} {shown:<{width}}"


_FIGURES = " {:>9} {:>15} {:>6} {:>6} {:>6} {:>6} {:>9}"
_FIGURES_COLUMNS = len(_FIGURES.format(*[""] * 7))


def _clock(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"


def _terminal_handlers() -> Iterator[logging.StreamHandler[Any]]:
    """All log handlers whose text would land on the terminal, among the table's lines."""
    loggers = [logging.getLogger(), *map(logging.getLogger, list(logging.root.manager.loggerDict))]
    seen: set[int] = set()
    for handler in (handler for one in loggers for handler in one.handlers):
        if id(handler) in seen or not isinstance(handler, logging.StreamHandler):
            continue
        seen.add(id(handler))
        if isinstance(handler, logging.FileHandler):
            continue
        if getattr(handler.stream, "isatty", bool)():
            yield handler


class _Above(io.TextIOBase):
    """A stream whose text is written above the table, for log handlers."""

    def __init__(self, table: LiveTable, stream: Any) -> None:
        super().__init__()
        self._table = table
        self._terminal = stream

    def write(self, text: str) -> int:
        """Write a whole record above the table."""
        self._table._write_above(text)
        return len(text)

    def isatty(self) -> bool:
        """Whether the text lands on a terminal."""
        return bool(self._terminal.isatty())

    def fileno(self) -> int:
        """The terminal's file descriptor."""
        return int(self._terminal.fileno())
