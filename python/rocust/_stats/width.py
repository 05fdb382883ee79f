"""How wide the columns of the console tables are.

The name column takes what the terminal leaves. Its width is looked up when a line is made, so a resized terminal needs
no signal handler; a width that somebody assigned to `STATS_NAME_WIDTH` stays.
"""

from __future__ import annotations

import os
from typing import cast

from rocust._compat.knobs import knob

#: What the other columns of a table need.
_OTHER_COLUMNS = 80
_WIDEST_NAME = 80


def terminal_name_width() -> int:
    """The width of the name column that fits the terminal; 80 when standard output is none."""
    try:
        columns = os.get_terminal_size()[0]
    except OSError:
        return _WIDEST_NAME
    return max(min(columns - _OTHER_COLUMNS, _WIDEST_NAME), 0)


_width_at_start = terminal_name_width()


def name_width() -> int:
    """The width of the name column now."""
    assigned = cast(int, knob("stats", "STATS_NAME_WIDTH"))
    if knob("stats", "STATS_AUTORESIZE") and assigned == _width_at_start:
        return terminal_name_width()
    return assigned


def type_width() -> int:
    """The width of the type column."""
    return cast(int, knob("stats", "STATS_TYPE_WIDTH"))
