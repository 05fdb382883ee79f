"""Wait policies as Python sees them."""

from __future__ import annotations

import pickle
import random
import time

import pytest
from rocust.user.wait_time import between, constant, constant_pacing, constant_throughput, poisson


class Visitor:
    wait_time = constant(13)

    def __init__(self):
        self._cp_last_run = time.perf_counter()
        self._cp_last_wait_time = 0


def test_policy_is_a_method_of_instances_and_itself_on_the_class():
    policy = Visitor.__dict__["wait_time"]
    assert Visitor.wait_time is policy
    assert Visitor().wait_time() == 13
    assert policy(Visitor()) == 13


def test_policy_assigned_to_an_instance_is_no_method():
    visitor = Visitor()
    visitor.wait_time = constant(1)
    with pytest.raises(TypeError):
        visitor.wait_time()


def test_between_draws_as_locust_does():
    random.seed(4)
    expected = [3 + random.random() * (9 - 3) for _ in range(50)]
    random.seed(4)
    assert [between(3, 9)(Visitor()) for _ in range(50)] == expected


def test_poisson_draws_as_locust_does():
    random.seed(4)
    expected = [random.expovariate(2.5) for _ in range(50)]
    random.seed(4)
    assert [poisson(2.5)(Visitor()) for _ in range(50)] == pytest.approx(expected, rel=1e-15)


def test_random_numbers_come_from_where_a_test_can_replace_them(monkeypatch):
    monkeypatch.setattr(random, "random", lambda: 0.5)
    assert between(1, 2)(Visitor()) == 1.5


def test_pacing_keeps_its_state_on_the_instance():
    visitor, policy = Visitor(), constant_pacing(100)
    visitor._cp_last_run = time.perf_counter() - 30
    wait_s = policy(visitor)
    assert 69 < wait_s <= 70
    assert visitor._cp_last_wait_time == wait_s
    assert 0 <= time.perf_counter() - visitor._cp_last_run < 1
    other = Visitor()
    assert 99 < policy(other) <= 100
    # Asked again at once, as if the rest had not been taken: the period counts from where the rest would have ended.
    assert 199 < policy(other) <= 200


def test_pacing_that_is_late_does_not_wait():
    visitor = Visitor()
    visitor._cp_last_run = time.perf_counter() - 30
    assert constant_pacing(10)(visitor) == 0


def test_pacing_needs_the_attributes_it_keeps_its_state_in():
    with pytest.raises(AttributeError, match="_cp_last_run"):
        constant_pacing(1)(object())


def test_throughput_is_pacing_turned_round():
    policy = constant_throughput(0.1)
    assert (policy.kind, policy.parameters) == ("pacing", (10.0,))


@pytest.mark.parametrize("rate", [0, -1, -0.5])
def test_rates_must_be_positive(rate):
    with pytest.raises(ValueError, match=rf"constant_throughput\(\) requires a positive rate, got: {rate}"):
        constant_throughput(rate)
    with pytest.raises(ValueError, match=rf"poisson\(\) requires a positive rate, got: {rate}"):
        poisson(rate)


def test_times_must_be_numbers():
    with pytest.raises(TypeError):
        constant("3")
    with pytest.raises(TypeError):
        between(1, None)


@pytest.mark.parametrize(
    ("policy", "shown", "kind", "parameters"),
    [
        (constant(3), "constant(3.0)", "constant", (3.0,)),
        (between(1, 2.5), "between(1.0, 2.5)", "between", (1.0, 2.5)),
        (constant_pacing(10), "constant_pacing(10.0)", "pacing", (10.0,)),
        (poisson(2), "poisson(2.0)", "poisson", (2.0,)),
    ],
)
def test_policy_shows_what_it_is_and_survives_pickling(policy, shown, kind, parameters):
    for one in (policy, pickle.loads(pickle.dumps(policy))):
        assert (repr(one), one.kind, one.parameters) == (shown, kind, parameters)


def test_only_a_constant_of_nothing_is_no_wait():
    assert [constant(0).is_none, constant(-1).is_none, constant(0.1).is_none] == [True, True, False]
    assert [between(0, 0).is_none, constant_pacing(0).is_none, poisson(9).is_none] == [False, False, False]
