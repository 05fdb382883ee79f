"""What holds for every test: where `support` is found, the markers, and a Ctrl-C that reaches child processes."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from support.command import IS_STOCK


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, and make sure that SIGINT is not ignored here: children would inherit that."""
    config.addinivalue_line(
        "markers", "ours(reason): a promise that stock Locust does not make; skipped when it is under test"
    )
    config.addinivalue_line(
        "markers", "timing: compares times with another clock; run again, a few times, when it ends with a LateError"
    )
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give timing tests another chance; leave out what only our command promises while stock Locust is the command under test."""
    for item in items:
        if item.get_closest_marker("timing"):
            # Noise only ever makes things later: one moment in which the promise is kept shows that the code keeps it.
            item.add_marker(pytest.mark.flaky(reruns=5, reruns_delay=2, only_rerun=["LateError"]))
        if not IS_STOCK:
            continue
        for mark in item.iter_markers("ours"):
            item.add_marker(pytest.mark.skip(reason=f"stock Locust: {mark.args[0]}"))
