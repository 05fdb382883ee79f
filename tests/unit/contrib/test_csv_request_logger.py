"""A row for each request: what is in it, and when nothing more is written."""

from __future__ import annotations

import csv
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rocust._events import Events
from rocust.contrib.csv_request_logger import CSV_COLUMNS, CsvRequestLogger, _status_code


@pytest.fixture
def environment() -> Any:
    return SimpleNamespace(events=Events())


def fire(environment: Any, **different: Any) -> None:
    request = {
        "request_type": "GET", "name": "/a", "response_time": 1.23456, "response_length": 3, "exception": None,
        "context": {}, "response": SimpleNamespace(status_code=200), "start_time": 1_700_000_000.1234567,
    }  # fmt: skip
    environment.events.request.fire(**{**request, **different})


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_each_request_is_a_row(environment: Any, tmp_path: Path) -> None:
    logger = CsvRequestLogger(tmp_path / "out.csv")
    logger.register(environment)
    fire(environment)
    fire(environment, response_time=None, response=None, exception=ValueError('no, "not" so'))
    assert rows(tmp_path / "out.csv") == [
        list(CSV_COLUMNS),
        ["1700000000.123457", "GET", "/a", "1.23", "3", "200", ""],
        ["1700000000.123457", "GET", "/a", "", "3", "0", 'no, "not" so'],
    ]
    environment.events.quitting.fire(environment=environment)
    fire(environment)
    logger.close()
    assert len(rows(tmp_path / "out.csv")) == 3


def test_without_a_start_the_row_has_the_present_time(environment: Any, tmp_path: Path) -> None:
    logger = CsvRequestLogger(tmp_path / "out.csv")
    logger.register(environment)
    fire(environment, start_time=None)
    logger.close()
    assert float(rows(tmp_path / "out.csv")[1][0]) > 1_700_000_000.2


def test_rows_wait_for_the_flush(environment: Any, tmp_path: Path) -> None:
    logger = CsvRequestLogger(tmp_path / "out.csv", flush_interval=3)
    logger.register(environment)
    seen = []
    for _ in range(4):
        fire(environment)
        seen.append(len(rows(tmp_path / "out.csv")))
    logger.close()
    assert seen == [1, 1, 4, 4]
    assert len(rows(tmp_path / "out.csv")) == 5


@pytest.mark.parametrize(
    ("response", "exception", "expected"),
    [
        (SimpleNamespace(status_code=404), ValueError(), 404),
        (None, ValueError(), 0),
        (None, None, 0),
        (SimpleNamespace(status_code="bad"), None, 0),
        (object(), None, 0),
    ],
)
def test_status(response: Any, exception: Any, expected: int) -> None:
    assert _status_code(response, exception) == expected


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_a_full_disk_is_one_warning(environment: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    (tmp_path / "out.csv").symlink_to("/dev/full")
    logger = CsvRequestLogger(tmp_path / "out.csv", flush_interval=2)
    with pytest.raises(OSError, match="No space left"):
        logger.register(environment)
    (tmp_path / "out.csv").unlink()
    logger.register(environment)
    assert logger._file is not None
    whole = logger._file
    with open("/dev/full", "w") as full:
        logger._file, logger._writer = full, csv.writer(full)
        for _ in range(6):
            fire(environment)
    whole.close()
    assert len(caplog.records) == 1
    assert "The test goes on" in caplog.text
