"""A command line of its own for each test: no options from outside, no configuration files, fresh events."""

from __future__ import annotations

import os

import pytest
import rocust
from rocust._events import Events


@pytest.fixture(autouse=True)
def _from_nowhere(monkeypatch, tmp_path):
    for name in list(os.environ):
        if name.startswith(("LOCUST_", "ROCUST_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["rocust"])


@pytest.fixture(autouse=True)
def events(monkeypatch):
    events = Events()
    monkeypatch.setattr(rocust, "events", events, raising=False)
    return events
