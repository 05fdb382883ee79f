"""Samples that both Locust and we are fed, to compare what is printed. Imports neither."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest import mock

START = 1_700_000_000.25

#: (method, name, response time in ms or None, length, seconds after the start, error or None)
Sample = tuple[str, str, "float | None", int, float, "Exception | str | None"]


def mixed() -> list[Sample]:
    """Response times of all magnitudes, several names, requests without a time, failures of both kinds."""
    samples: list[Sample] = []
    for turn in range(400):
        name = ("/", "/cart/[id]", "/a/very/long/name" * 6)[turn % 3]
        method = ("GET", "POST", "DELETE")[turn % 5 % 3]
        response_time = None if turn % 37 == 0 else (turn * turn * 0.731) % 12_345.678
        error: Exception | str | None = None
        if turn % 11 == 0:
            error = RuntimeError(f"failure {turn % 3}")
        elif turn % 17 == 0:
            error = "said in words"
        samples.append((method, name, response_time, turn * 13, turn * 0.07, error))
    return samples


def small() -> list[Sample]:
    """Whole milliseconds below 100: here Locust's rounding loses nothing."""
    return [("GET", f"/{turn % 2}", turn % 100, 10, turn * 0.05, None) for turn in range(500)]


SCENARIOS: dict[str, Callable[[], list[Sample]]] = {"mixed": mixed, "small": small}


def tables(stats_module: Any, scenario: str) -> list[str]:
    """Everything that a stats module prints about a scenario."""
    samples = SCENARIOS[scenario]()
    with mock.patch("time.time", return_value=START) as clock:
        stats = stats_module.RequestStats()
        for method, name, response_time, length, after_s, error in samples:
            clock.return_value = START + after_s
            stats.log_request(method, name, response_time, length)
            if error is not None:
                stats.log_error(method, name, error)
        return [
            *stats_module.get_stats_summary(stats, True),
            *stats_module.get_stats_summary(stats, False),
            *stats_module.get_percentile_stats_summary(stats),
            *stats_module.get_error_report_summary(stats),
        ]


def json_of(stats_module: Any) -> str:
    """The JSON of the scenario of whole milliseconds."""
    import contextlib
    import io

    with mock.patch("time.time", return_value=START) as clock:
        stats = stats_module.RequestStats()
        for method, name, response_time, length, after_s, _ in small():
            clock.return_value = START + after_s
            stats.log_request(method, name, response_time, length)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            stats_module.print_stats_json(stats)
    return printed.getvalue()
