"""Interpreters of the homes that scripts/homes.py makes, for tests whose libraries `.venv` does not have."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from support.command import COMMAND, IS_STOCK, PYTHON

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from homes import CONTRIB, PLUGINS, Home


def python_of(home: Home) -> str:
    """Its interpreter; the test is left out where the home is not, but not in CI on Linux, which makes it.

    While stock Locust is under test, it is the one that brings the libraries.
    """
    if IS_STOCK:
        return PYTHON
    if not home.is_ready():
        reason = home.why_not() or f".venvs/{home.name} is not there: python scripts/homes.py {home.name}"
        if os.environ.get("CI") and sys.platform == "linux" and home.why_not() is None:
            pytest.fail(reason)
        pytest.skip(reason)
    return str(home.program("python"))


def command_of(home: Home) -> list[str]:
    """The command under test, as that home has it."""
    return COMMAND if IS_STOCK else [python_of(home), "-m", "rocust"]


__all__ = ["CONTRIB", "PLUGINS", "command_of", "python_of"]
