"""The reports that end up in files: `--csv` while the test runs, `--html` and `--json-file` at its end.

A place that cannot be written is refused before the test begins. What fails afterwards, a full disk for one, is an error in the log,
costs the exit code, and no more than that.
"""

from __future__ import annotations

import errno
import logging
import os
from typing import TYPE_CHECKING, Any, NoReturn

from rocust._cli.refusal import refuse_usage
from rocust._compat.knobs import assign_knob, knob
from rocust._kernel.green import AnyGreenlet, spawn

if TYPE_CHECKING:
    from rocust._report.csv import StatsCSV

logger = logging.getLogger("locust.main")


class Reports:
    """The reports in files that the options ask for.

    Args:
        environment: Whose statistics are reported.
        options: The parsed command line.
    """

    def __init__(self, environment: Any, options: Any) -> None:
        self._environment = environment
        self._options = options
        #: Whether a report could not be written at the end.
        self.is_incomplete = False
        if options.locust_rounding:
            assign_knob("stats", "LOCUST_ROUNDING", True)
        for option, path in (("--html", options.html_file), ("--json-file", options.json_file)):
            if path:
                _check(option, path)
        self.csv_writer = self._csv_writer()
        self._reported: tuple[int, int] | None = None

    def _csv_writer(self) -> StatsCSV:
        from rocust._report.csv import StatsCSV
        from rocust._report.csv_files import StatsCSVFileWriter

        shares, prefix = knob("stats", "PERCENTILES_TO_REPORT"), self._options.csv_prefix
        if not prefix:
            return StatsCSV(self._environment, shares)
        try:
            _make_directory(prefix)
            return StatsCSVFileWriter(self._environment, shares, prefix, self._options.stats_history_enabled)
        except OSError as error:
            _refuse("--csv", prefix, error.strerror)

    def start(self) -> AnyGreenlet | None:
        """Begin to write what is written while the test runs; the greenlet that does, if there is one."""
        from rocust._report.csv_files import StatsCSVFileWriter

        return spawn(self.csv_writer) if isinstance(self.csv_writer, StatsCSVFileWriter) else None

    def write_html(self) -> None:
        """Write the HTML report, unless the one that was written is of the same figures."""
        total = self._environment.stats.total
        figures = (total.num_requests, total.num_failures)
        if not self._options.html_file or figures == self._reported:
            return
        self._reported = figures
        from rocust._report.html import get_html_report, process_html_filename

        process_html_filename(self._options)
        path = self._options.html_file
        logger.debug("Writing html report to file: %s", path)
        self._write("--html", path, get_html_report(self._environment, show_download_link=False))

    def write_json(self) -> None:
        """Write what `--json-file` asks for."""
        from rocust._report.json import stats_json

        if self._options.json_file:
            self._write("--json-file", f"{self._options.json_file}.json", stats_json(self._environment.stats))

    def update_csv(self) -> None:
        """Bring the CSV files up to the end of the test; they stay open."""
        from rocust._report.csv_files import StatsCSVFileWriter

        if isinstance(self.csv_writer, StatsCSVFileWriter):
            self.csv_writer.write_all()

    def close(self) -> None:
        """Finish the CSV files."""
        self.csv_writer.close_files()

    def _write(self, option: str, path: str, text: str) -> None:
        try:
            _make_directory(path)
            with open(path, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
        except OSError as error:
            self.is_incomplete = True
            logger.error("%s cannot be written to %s: %s", option, path, error.strerror or error)


def _check(option: str, path: str) -> None:
    """End the process with exit code 2 if the file cannot be made, as far as that can be known beforehand."""
    directory = os.path.dirname(os.path.abspath(path))
    while not os.path.exists(directory):
        directory = os.path.dirname(directory)
    if not os.path.isdir(directory):
        _refuse(option, path, os.strerror(errno.ENOTDIR))
    if os.path.isdir(path):
        _refuse(option, path, os.strerror(errno.EISDIR))
    if not os.access(directory, os.W_OK):
        _refuse(option, path, os.strerror(errno.EACCES))


def _refuse(option: str, path: str, reason: str | None) -> NoReturn:
    refuse_usage(f"argument {option}: unable to write to '{path}': {reason}")


def _make_directory(path: str) -> None:
    if directory := os.path.dirname(path):
        os.makedirs(directory, exist_ok=True)
