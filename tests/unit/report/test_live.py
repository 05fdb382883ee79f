"""The live table, on a screen that understands what it writes."""

from __future__ import annotations

import logging
import re
from types import SimpleNamespace
from typing import Any

import pytest
from rocust._report.live import LiveTable
from rocust.stats import RequestStats


class Screen:
    """A terminal: keeps what scrolled by and what is visible, and stops the test at anything it does not understand."""

    def __init__(self, columns: int = 100, rows: int = 12) -> None:
        self.columns, self.rows = columns, rows
        self.lines = [""]
        self.row = self.column = 0
        self.modes: dict[str, bool] = {}
        self.writes = 0

    def write(self, text: str) -> int:
        self.writes += 1
        for piece in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|.|\n", text, re.DOTALL):
            self._take(piece)
        return len(text)

    def _take(self, piece: str) -> None:
        if piece == "\n":
            self.row, self.column = self.row + 1, 0
            if self.row == len(self.lines):
                self.lines.append("")
        elif piece == "\r":
            self.column = 0
        elif match := re.fullmatch(r"\x1b\[(\d+)A", piece):
            top = max(len(self.lines) - self.rows, 0)
            assert self.row - int(match[1]) >= top, "the table reaches above the screen"
            self.row -= int(match[1])
        elif piece == "\x1b[J":
            self.lines[self.row] = self.lines[self.row][: self.column]
            del self.lines[self.row + 1 :]
        elif piece == "\x1b[K":
            self.lines[self.row] = self.lines[self.row][: self.column]
        elif match := re.fullmatch(r"\x1b\[\?(\d+)([hl])", piece):
            self.modes[match[1]] = match[2] == "h"
        else:
            assert piece.isprintable(), f"unexpected {piece!r}"
            line = self.lines[self.row].ljust(self.column)
            self.lines[self.row] = line[: self.column] + piece + line[self.column + 1 :]
            self.column += 1
            assert self.column <= self.columns, "a line is wider than the screen"

    def flush(self) -> None: ...

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        raise OSError

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


class SizedTable(LiveTable):
    def _size(self) -> tuple[int, int]:
        screen: Any = self._stream
        return screen.columns, screen.rows


@pytest.fixture
def stats() -> RequestStats:
    stats = RequestStats()
    for name in ("/a", "/b"):
        stats.log_request("GET", name, 12, 1)
    return stats


def table_on(screen: Any, stats: RequestStats, run_time_s: int | None = None) -> SizedTable:
    runner = SimpleNamespace(user_count=3, state="running")
    table = SizedTable(SimpleNamespace(stats=stats, runner=runner), run_time_s, stream=screen)
    table._open()
    return table


def test_table_is_redrawn_in_place(stats: RequestStats) -> None:
    screen = Screen()
    table = table_on(screen, stats, run_time_s=90)
    table.draw()
    height = len(screen.lines)
    stats.log_request("GET", "/a", 30, 1)
    before = screen.writes
    table.draw()
    assert len(screen.lines) == height
    assert screen.writes == before + 1, "one write for one picture: nothing flickers"
    assert screen.lines[0].startswith("0:00 / 1:30  3 users  running  ")
    assert screen.text.count("Aggregated") == 1
    aggregated = next(line for line in screen.lines if "Aggregated" in line)
    assert "3" in aggregated.split()
    table.close()


def test_table_fits_the_screen(stats: RequestStats) -> None:
    for number in range(50):
        stats.log_request("GET", f"/{number}" + "x" * 200, 5, 1)
    for columns, rows in [(100, 12), (40, 6), (80, 3), (10, 2), (1, 1)]:
        screen = Screen(columns, rows)
        table = table_on(screen, stats)
        table.draw()
        table.draw()
        assert len(screen.lines) <= rows
        table.close()
    screen = Screen(100, 12)
    table = table_on(screen, stats)
    table.draw()
    assert "more" in screen.text
    table.close()


def test_log_lines_stay_above_the_table(stats: RequestStats) -> None:
    screen = Screen()
    handler = logging.StreamHandler(screen)
    logger = logging.getLogger("test.live")
    logger.addHandler(handler)
    try:
        table = table_on(screen, stats)
        table.draw()
        logger.warning("first")
        logger.warning("second\nof two lines")
        table.draw()
        assert screen.lines[:3] == ["first", "second", "of two lines"]
        assert screen.text.count("Aggregated") == 1
        table.close()
        assert handler.stream is screen, "the handler has its own stream again"
        logger.warning("third")
        assert screen.lines == ["first", "second", "of two lines", "third", ""]
    finally:
        logger.removeHandler(handler)


def test_closing_gives_the_terminal_back(stats: RequestStats) -> None:
    screen = Screen()
    table = table_on(screen, stats)
    table.draw()
    assert screen.modes == {"25": False, "7": False}
    table.close()
    table.close()
    assert screen.modes == {"25": True, "7": True}
    assert screen.text == ""


def test_run_ends_when_it_is_closed(stats: RequestStats) -> None:
    screen = Screen()
    runner = SimpleNamespace(user_count=1, state="running")
    table = SizedTable(SimpleNamespace(stats=stats, runner=runner), None, stream=screen)  # type: ignore[arg-type]
    draw = table.draw

    def draw_once() -> None:
        draw()
        assert "1 user  running" in screen.text
        table.close()

    table.draw = draw_once  # type: ignore[method-assign]
    table.run()
    assert screen.text == ""
    table.run()
    assert screen.text == "", "a closed table does not come back"


def test_names_cannot_move_the_cursor(stats: RequestStats) -> None:
    stats.log_request("GET", "/evil\x1b[2J\n", 1, 1)
    screen = Screen()
    table = table_on(screen, stats)
    table.draw()
    assert "/evil?[2J?" in screen.text
    table.close()
