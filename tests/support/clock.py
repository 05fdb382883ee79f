"""Judging times on a machine that has other things to do."""

from __future__ import annotations


class LateError(AssertionError):
    """Something took longer than promised. Another process may be to blame, so a `timing` test that ends so is run again."""


def assert_in_time(is_in_time: bool, what_was_measured: object) -> None:
    """Assert what noise alone can break; what no noise explains (something came early, was lost) is for a plain `assert`.

    Raises:
        LateError: It was not in time.
    """
    if not is_in_time:
        raise LateError(what_was_measured)
