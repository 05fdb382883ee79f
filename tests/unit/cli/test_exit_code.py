"""The exit code of a test that is over: which of the reasons wins."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from rocust import log
from rocust._cli.session import exit_code_of


@pytest.mark.parametrize(
    ("process_exit_code", "errors", "exceptions", "unhandled", "on_error", "expected"),
    [
        (None, {}, {}, False, 1, 0),
        (None, {"e": 1}, {}, False, 1, 1),
        (None, {}, {"x": 1}, False, 1, 1),
        (None, {"e": 1}, {}, False, 0, 0),
        (None, {"e": 1}, {}, True, 7, 7),
        (None, {}, {}, True, 1, 2),
        (0, {"e": 1}, {"x": 1}, True, 1, 0),
        (42, {}, {}, False, 1, 42),
    ],
)
def test_exit_code(monkeypatch, process_exit_code, errors, exceptions, unhandled, on_error, expected):
    monkeypatch.setattr(log, "unhandled_greenlet_exception", unhandled)
    runner = SimpleNamespace(errors=errors, exceptions=exceptions)
    environment = SimpleNamespace(process_exit_code=process_exit_code, runner=runner)
    assert exit_code_of(environment, on_error) == expected
