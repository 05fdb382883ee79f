"""The draw of the next task."""

from __future__ import annotations

import random

import pytest
from rocust._core import below


@pytest.mark.parametrize("length", [1, 2, 3, 7, 8, 1000, 2**40 + 1])
def test_below_draws_as_random_choice_does(length):
    random.seed(11)
    expected = [random.choice(range(length)) for _ in range(50)]
    random.seed(11)
    assert [below(length) for _ in range(50)] == expected


def test_below_nothing_is_an_index_error():
    with pytest.raises(IndexError):
        below(0)
