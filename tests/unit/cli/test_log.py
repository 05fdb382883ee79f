"""The log: its format, its destinations, and what is done about greenlets that die."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest
from rocust import log

LINE = r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\] [^/.]+/%s/%s: %s"

SAY = """
import logging
from rocust.log import setup_logging, get_logs
setup_logging({level!r}, {logfile!r})
logging.getLogger("locust.main").info("to info")
logging.getLogger("mine").error("to error")
logging.getLogger("locust.stats_logger").info("a table")
print(len(get_logs()))
"""


def say(level, logfile=None):
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SAY.format(level=level, logfile=logfile)],
        capture_output=True,
        text=True,
        check=True,
    )


def test_lines_are_in_locusts_format_on_stderr_and_tables_are_plain():
    said = say("info")
    info, error, table = said.stderr.splitlines()
    assert re.fullmatch(LINE % ("INFO", "locust.main", "to info"), info)
    assert re.fullmatch(LINE % ("ERROR", "mine", "to error"), error)
    assert table == "a table"
    assert said.stdout == "3\n"


def test_a_level_holds_for_all_but_the_tables():
    assert [line.rpartition(" ")[2] for line in say("ERROR").stderr.splitlines()] == [
        "error",
        "table",
    ]


def test_a_logfile_gets_the_log_and_stderr_keeps_the_tables(tmp_path):
    path = tmp_path / "deep" / "down" / "locust.log"
    assert say("INFO", str(path)).stderr == "a table\n"
    assert [line.rpartition(" ")[2] for line in path.read_text().splitlines()] == [
        "info",
        "error",
    ]


@pytest.fixture
def unflagged(monkeypatch):
    monkeypatch.setattr(log, "unhandled_greenlet_exception", False)


def dead_greenlet(error):
    return SimpleNamespace(exc_info=(type(error), error, None))


def test_a_dead_greenlet_is_logged_and_flagged(unflagged, caplog):
    log.greenlet_exception_logger(logging.getLogger("locust.main"))(dead_greenlet(KeyError("k")))
    (record,) = caplog.records
    assert record.levelno == logging.CRITICAL
    assert record.getMessage().startswith("Unhandled exception in greenlet: ")
    assert log.unhandled_greenlet_exception


def test_sys_exit_in_a_greenlet_is_not_shouted_about(unflagged, caplog):
    with caplog.at_level(logging.DEBUG):
        log.greenlet_exception_logger(logging.getLogger("locust.main"))(dead_greenlet(SystemExit(3)))
    assert [record.levelno for record in caplog.records] == [
        logging.INFO,
        logging.DEBUG,
    ]
    assert caplog.records[0].getMessage() == "sys.exit(3) called (use log level DEBUG for callstack)"
