"""How long to wait before a table is made anew."""

from __future__ import annotations

#: What is made again and again may take this share of the time.
_MOST_SHARE = 0.1


def pause_s(interval_s: float, took_s: float) -> float:
    """The interval that was asked for, or more where making the table took long, as with 100,000 names.

    The users run in the same thread: a table a second that takes a second would leave them nothing.
    """
    return max(interval_s, took_s * (1 / _MOST_SHARE - 1))
