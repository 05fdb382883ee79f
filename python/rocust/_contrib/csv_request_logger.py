"""One row of CSV for each request, for whoever wants the single figures after the run."""

from __future__ import annotations

import contextlib
import csv
import logging
import os
from typing import IO, TYPE_CHECKING, Any

from rocust._stats.clock import now

if TYPE_CHECKING:
    from rocust._report.csv import CSVWriter

logger = logging.getLogger("locust.contrib.csv_request_logger")

#: The first row. Same as Locust.
CSV_COLUMNS = (
    "timestamp",
    "request_type",
    "name",
    "response_time_ms",
    "response_length",
    "status_code",
    "exception",
)


def _status_code(response: Any, exception: Any) -> int:
    """The status of a response; 0 when there was none, or when it is no HTTP response."""
    if exception is not None and response is None:
        return 0
    try:
        return int(response.status_code)
    except (AttributeError, TypeError, ValueError):
        return 0


class CsvRequestLogger:
    """Writes a row for each `request` event: when it was sent, what it was, and how it ended.

    Columns: `timestamp` (seconds since the epoch, when the request was sent, or when it was reported if that is not known),
    `request_type`, `name`, `response_time_ms` (two decimals, empty when there is none), `response_length` (bytes), `status_code` (0
    without a response) and `exception` (its text, empty without one).

    Example:
        logger = CsvRequestLogger("requests.csv")

        @events.init.add_listener
        def on_init(environment, **_):
            logger.register(environment)

    A listener to `request` makes every request pass through Python: expect fewer of them. Same as Locust, but when the file cannot be
    written, by a full disk for one, the log says so once and the rows from there on are missing; there, each request is an error in
    the log.
    """

    def __init__(self, filepath: str | os.PathLike[str], *, flush_interval: int = 1) -> None:
        """Make a logger; the file is made by `register`.

        Args:
            filepath: The file, which is overwritten; its directory must exist.
            flush_interval: After how many rows the file is brought up to date.
        """
        self.filepath = filepath
        self.flush_interval = max(1, flush_interval)
        self._file: IO[str] | None = None
        self._writer: CSVWriter | None = None
        self._pending = 0

    def register(self, environment: Any) -> None:
        """Make the file, and write to it what `environment` reports until it quits.

        Raises:
            OSError: When the file cannot be made.

        Same as Locust.
        """
        self.close()
        file = open(self.filepath, "w", newline="", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115 - until `close`
        self._file, self._writer = file, csv.writer(file)
        try:
            self._writer.writerow(CSV_COLUMNS)
            file.flush()
        except OSError:
            self._drop()
            raise
        environment.events.request.add_listener(self._on_request)
        environment.events.quitting.add_listener(self._on_quitting)
        logger.debug("Writing a row for each request to %s", self.filepath)

    def close(self) -> None:
        """Finish the file; what is reported afterwards is not written. A second call does nothing. Same as Locust."""
        file, self._file, self._writer, self._pending = self._file, None, None, 0
        if file is not None:
            try:
                file.close()
            except OSError as error:
                self._warn(error)

    def _on_request(
        self,
        *,
        request_type: str,
        name: str,
        response_time: float | None,
        response_length: int,
        exception: Any = None,
        response: Any = None,
        start_time: float | None = None,
        **_: Any,
    ) -> None:
        if self._writer is None or self._file is None:
            return
        row = (
            round(now() if start_time is None else start_time, 6),
            request_type,
            name,
            "" if response_time is None else round(response_time, 2),
            response_length,
            _status_code(response, exception),
            "" if exception is None else str(exception),
        )
        try:
            self._writer.writerow(row)
            self._pending += 1
            if self._pending >= self.flush_interval:
                self._pending = 0
                self._file.flush()
        except OSError as error:
            self._drop()
            self._warn(error)

    def _drop(self) -> None:
        """Write no more: rows after a gap would be taken for all there were."""
        file, self._file, self._writer = self._file, None, None
        if file is not None:
            # Closing writes what is buffered, which has just failed.
            with contextlib.suppress(OSError):
                file.close()

    def _warn(self, error: OSError) -> None:
        logger.warning(
            "%s cannot be written: %s. The test goes on; requests from here on are not in it.",
            *(self.filepath, error.strerror or error),
        )

    def _on_quitting(self, **_: Any) -> None:
        self.close()
