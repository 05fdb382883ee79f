"""The four files of `--csv`: rewritten in place, or appended to, while the test runs and once more at its end.

What a full disk does to them is told once for each file, and the test goes on. So nothing here is left to Python's buffered files,
which lose or tear rows when a write fails: each file is raw, and what could not be written waits to be tried again.
"""

from __future__ import annotations

import csv
import io
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from rocust._compat.knobs import knob
from rocust._kernel.green import sleep
from rocust._report.csv import CSVWriter, StatsCSV
from rocust._report.pause import pause_s
from rocust._stats.clock import now

logger = logging.getLogger("locust.stats")

#: How much of the history may wait for a disk that takes nothing; rows beyond it are left out.
_MOST_WAITING_BYTES = 1 << 20


class StatsCSVFileWriter(StatsCSV):
    """Keeps `<base>_stats.csv`, `_stats_history.csv`, `_failures.csv` and `_exceptions.csv` up to date.

    Call it, in a greenlet of its own, to begin. Every `CSV_STATS_INTERVAL_SEC` the history gets its rows; every
    `CSV_STATS_FLUSH_INTERVAL_SEC` all files are brought up to date. Both are read at the time of use.

    Differs from Locust: `close_files` writes all files once more, so the last interval is in them; a file that cannot be written is one
    warning; where there are so many names that writing takes long, the pauses grow, so that it takes a tenth of the time.
    """

    def __init__(
        self, environment: Any, percentiles_to_report: Sequence[float], base_filepath: str, full_history: bool = False
    ) -> None:
        """Make the files, empty.

        Args:
            environment: Whose statistics and exceptions are written.
            percentiles_to_report: The shares, from 0.0 to 1.0, that get a column.
            base_filepath: What the names of the four files begin with; the directory must exist.
            full_history: Whether the history has rows of each entry, with current percentiles, and not only of the total.

        Raises:
            OSError: When a file cannot be made.
        """
        super().__init__(environment, percentiles_to_report)
        self.base_filepath = base_filepath
        self.full_history = full_history
        self._requests = _File(f"{base_filepath}_stats.csv")
        self._history = _File(self.stats_history_file_name())
        self._failures = _File(f"{base_filepath}_failures.csv")
        self._exceptions = _File(f"{base_filepath}_exceptions.csv")
        self._history.append(lambda writer: writer.writerow(self.stats_history_csv_columns))
        self._noted: tuple[int, int] | None = None
        self._is_open = True

    def __call__(self) -> None:
        """As `stats_writer`."""
        self.stats_writer()

    def stats_writer(self) -> None:
        """Keep the files up to date, for ever; to be spawned. Same as Locust."""
        flushed_s: float | None = None
        try:
            while True:
                began_s = time.perf_counter()
                self._note()
                if flushed_s is None or began_s - flushed_s > knob("stats", "CSV_STATS_FLUSH_INTERVAL_SEC"):
                    self._write_tables()
                    flushed_s = began_s
                sleep(pause_s(knob("stats", "CSV_STATS_INTERVAL_SEC"), time.perf_counter() - began_s))
        except KeyboardInterrupt as interrupt:
            logger.debug(interrupt, exc_info=True)

    def write_all(self) -> None:
        """Bring all files up to date, now; the history gets rows if something was counted since its last ones.

        Differs from Locust: it has none.
        """
        if self._figures() != self._noted:
            self._note()
        self._write_tables()

    def close_files(self) -> None:
        """Bring all files up to date and close them; a second call does nothing.

        Differs from Locust: it closes them as they are, and what happened since they were last written is missing.
        """
        if not self._is_open:
            return
        self._is_open = False
        self.write_all()
        for file in (self._requests, self._history, self._failures, self._exceptions):
            file.close()

    def stats_history_file_name(self) -> str:
        """The path of the history. Same as Locust."""
        return f"{self.base_filepath}_stats_history.csv"

    def requests_flush(self) -> None:
        """Bring the table of requests up to date. Same as Locust."""
        self._requests.rewrite(self.requests_csv)

    def stats_history_flush(self) -> None:
        """Write what rows of the history wait. Same as Locust."""
        self._history.flush()

    def failures_flush(self) -> None:
        """Bring the table of failures up to date. Same as Locust."""
        self._failures.rewrite(self.failures_csv)

    def exceptions_flush(self) -> None:
        """Bring the table of exceptions up to date. Same as Locust."""
        self._exceptions.rewrite(self.exceptions_csv)

    def _figures(self) -> tuple[int, int]:
        total = self.environment.stats.total
        return total.num_requests, total.num_failures

    def _note(self) -> None:
        """Add the present figures to the history."""
        with self.environment.stats.still():
            self._noted = self._figures()
            self._history.append(lambda writer: self._stats_history_data_rows(writer, now(), self.full_history))

    def _write_tables(self) -> None:
        with self.environment.stats.still():
            self.requests_flush()
            self.failures_flush()
        self.exceptions_flush()
        self.stats_history_flush()


class _File:
    """One file of rows. What cannot be written is warned of once."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._raw = open(path, "wb", buffering=0)  # noqa: SIM115 - open for as long as the test runs
        self._waiting = bytearray()
        self._has_warned = False

    def append(self, write_rows: Callable[[CSVWriter], Any]) -> None:
        """Add rows; they wait for the next `flush`."""
        if len(self._waiting) < _MOST_WAITING_BYTES or not self._has_warned:
            self._waiting += _encoded(write_rows)

    def flush(self) -> None:
        """Write what waits."""
        self._attempt(self._write_waiting)

    def rewrite(self, write_rows: Callable[[CSVWriter], Any]) -> None:
        """Put rows in the place of all there is."""
        self._waiting = bytearray(_encoded(write_rows))
        self._attempt(self._write_anew)

    def close(self) -> None:
        """Write what waits, and close."""
        self.flush()
        self._attempt(self._raw.close)

    def _write_anew(self) -> None:
        self._raw.seek(0)
        self._write_waiting()
        self._raw.truncate()

    def _write_waiting(self) -> None:
        while self._waiting:
            written = self._raw.write(self._waiting)
            del self._waiting[:written]

    def _attempt(self, write: Callable[[], object]) -> None:
        try:
            write()
        except OSError as error:
            if not self._has_warned:
                self._has_warned = True
                logger.warning(
                    "%s cannot be written: %s. The test goes on, and what the file lacks is written as soon as it can be; "
                    "of this file there is no further warning.",
                    *(self._path, error.strerror or error),
                )


def _encoded(write_rows: Callable[[CSVWriter], Any]) -> bytes:
    text = io.StringIO(newline="")
    write_rows(csv.writer(text))
    # A name may hold half a surrogate pair, which no file can.
    return text.getvalue().encode("utf-8", "backslashreplace")
