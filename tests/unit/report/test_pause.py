"""Tables of many names leave the users their time."""

from __future__ import annotations

import pytest
from rocust._report.pause import pause_s


@pytest.mark.parametrize(("took_s", "expected_s"), [(0.0, 1.0), (0.1, 1.0), (1.0, 9.0)])
def test_what_takes_long_is_done_more_seldom(took_s: float, expected_s: float) -> None:
    assert pause_s(1.0, took_s) == pytest.approx(expected_s)
