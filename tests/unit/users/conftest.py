"""A loop thread in asyncio's debug mode, and nothing of it left after the test."""

from __future__ import annotations

import sys
import time

import pytest
from rocust._kernel import loop_thread

LIMIT_S = 20.0


@pytest.fixture
def loop_in_debug(monkeypatch):
    """What asynchronous users run on; after the test its threads are gone."""
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    threads = len(sys._current_frames())
    yield loop_thread
    loop_thread.close()
    until = time.monotonic() + LIMIT_S
    while len(sys._current_frames()) > threads and time.monotonic() < until:
        time.sleep(0.001)
    assert len(sys._current_frames()) <= threads, "a thread was left behind"
