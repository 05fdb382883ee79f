"""Choices as Python sees them; their distributions are tested in Rust."""

from __future__ import annotations

import random

import pytest
from rocust._core import Choice, below


def order(choice, count=40):
    return [choice.next() for _ in range(count)]


@pytest.mark.parametrize("length", [1, 2, 3, 7, 8, 1000, 2**40 + 1])
def test_below_draws_as_random_choice_does(length):
    random.seed(11)
    expected = [random.choice(range(length)) for _ in range(50)]
    random.seed(11)
    assert [below(length) for _ in range(50)] == expected


def test_below_nothing_is_an_index_error():
    with pytest.raises(IndexError):
        below(0)


@pytest.mark.parametrize(
    "make",
    [
        lambda seed: Choice.uniform(5, seed),
        lambda seed: Choice.weighted([1, 2, 0.5], seed=seed),
        lambda seed: Choice.markov([[1, 1], [3, 1]], 0, seed),
    ],
)
def test_same_seed_gives_the_same_order(make):
    assert order(make(3)) == order(make(3))
    assert order(make(3)) != order(make(4))


def test_choice_without_a_seed_follows_pythons_seed():
    random.seed(8)
    one = order(Choice.uniform(100))
    random.seed(8)
    assert order(Choice.uniform(100)) == one
    assert order(Choice.uniform(100)) != one


def test_sequence_goes_round():
    assert order(Choice.sequential(3), 7) == [0, 1, 2, 0, 1, 2, 0]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Choice.uniform(0),
        lambda: Choice.sequential(0),
        lambda: Choice.weighted([]),
        lambda: Choice.weighted([0, 0]),
        lambda: Choice.weighted([1, -1]),
        lambda: Choice.markov([[1, 1]], 0),
        lambda: Choice.markov([[1]], 1),
    ],
)
def test_nothing_to_choose_from_is_a_value_error(make):
    with pytest.raises(ValueError, match=r"weight|empty"):
        make()
