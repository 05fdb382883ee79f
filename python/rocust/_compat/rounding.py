"""Rounding as people expect it in tables: half goes up."""

from __future__ import annotations


def proper_round(val: float, digits: int = 0) -> float:
    """Round half up (2.5 is 3), where Python's `round` goes to the even neighbour (2.5 is 2). Same as Locust."""
    value = float(val)
    # A bit more than half of the last printed digit is added: enough to tip a half over, too little for anything else.
    a_bit: float = 10 ** (-len(str(value)) - 1)
    return round(value + a_bit, digits)
