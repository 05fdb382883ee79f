"""Settings that users assign on a module: `locust.stats.CSV_STATS_INTERVAL_SEC = 5`.

The value lives in the *face's* own dictionary, where an assignment, `mock.patch` and its restoration put it. A room
reads it through `knob` when it needs it, and so never keeps a copy that could go stale. (A `__getattr__` on the face
instead would leave the value in the room, and `mock.patch` would restore it into the face: tried, and broken.)
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

_PACKAGE = __name__.partition(".")[0]


def knob(face: str, name: str) -> Any:
    """The present value of a setting.

    Args:
        face: The module that users know, without the package: `"stats"`.
        name: The name it is assigned by there.

    Raises:
        KeyError: When the face has no such name.
    """
    return _module(face).__dict__[name]


def assign_knob(face: str, name: str, value: Any) -> None:
    """Assign a setting as a user would; for those that a room sets itself, and users may set otherwise.

    Args:
        face: The module that users know, without the package: `"debug"`.
        name: The name it is assigned by there.
        value: What it is from now on.
    """
    setattr(_module(face), name, value)


def _module(face: str) -> ModuleType:
    return sys.modules.get(f"{_PACKAGE}.{face}") or importlib.import_module(f"{_PACKAGE}.{face}")
