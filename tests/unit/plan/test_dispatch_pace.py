"""When the dispatcher waits, on a clock that only moves when told to."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import gevent
import pytest
from rocust._run import dispatch
from rocust.dispatch import UsersDispatcher


class Clock:
    """Time that passes only by sleeping, or when a test says so; each sleep takes `slack` longer than asked."""

    def __init__(self):
        self.now = 1000.0
        self.slack = 0.0
        self.sleeps = []

    def perf_counter(self):
        return self.now

    def sleep(self, seconds):
        assert seconds >= 0
        self.sleeps.append(round(seconds, 9))
        self.now += seconds + self.slack


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(dispatch, "perf_counter", clock.perf_counter)
    monkeypatch.setattr(dispatch, "sleep", clock.sleep)
    return clock


def user_class(name="Visitor", weight=1, fixed_count=0):
    return type(name, (), {"weight": weight, "fixed_count": fixed_count})


def dispatcher(*classes, workers=("1",)):
    return UsersDispatcher([SimpleNamespace(id=worker) for worker in workers], list(classes) or [user_class()])


def test_dispatch_starts_at_once_and_ends_at_once(clock):
    ours = dispatcher()
    ours.new_dispatch(3, 0.5)
    assert [next(ours)["1"]["Visitor"] for _ in range(3)] == [1, 2, 3]
    assert clock.sleeps == [2.0, 2.0]
    assert list(ours) == []
    assert clock.sleeps == [2.0, 2.0]
    assert len(ours.dispatch_iteration_durations) == 3


def test_time_spent_by_the_caller_is_part_of_the_wait(clock):
    ours = dispatcher()
    ours.new_dispatch(2, 1)
    next(ours)
    clock.now += 0.3
    next(ours)
    assert clock.sleeps == [0.7]


def test_late_wakes_do_not_add_up(clock):
    ours = dispatcher()
    ours.new_dispatch(11, 1)
    clock.slack = 0.01
    began = clock.now
    assert len(list(ours)) == 11
    assert clock.now - began == pytest.approx(10.01)


def test_lost_time_is_not_caught_up(clock):
    ours = dispatcher()
    ours.new_dispatch(4, 1)
    next(ours)
    clock.now += 5
    next(ours)
    next(ours)
    assert clock.sleeps == [0, 1.0]


def test_early_wake_sleeps_on(clock, monkeypatch):
    ours = dispatcher()
    ours.new_dispatch(2, 1)
    next(ours)
    began = clock.now
    monkeypatch.setattr(dispatch, "sleep", lambda seconds: clock.sleep(min(seconds, 0.4)))
    next(ours)
    assert clock.now - began == pytest.approx(1)
    assert clock.sleeps == [0.4, 0.4, 0.2]


def test_wait_can_be_set_by_hand(clock):
    ours = dispatcher()
    ours.new_dispatch(3, 0.1)
    assert ours._wait_between_dispatch == 10
    ours._wait_between_dispatch = 0.25
    list(ours)
    assert clock.sleeps == [0.25, 0.25]


def test_change_of_workers_is_shown_without_a_wait(clock):
    ours = dispatcher()
    ours.new_dispatch(4, 2)
    next(ours)
    ours.add_worker(SimpleNamespace(id="2"))
    assert next(ours) == {"1": {"Visitor": 1}, "2": {"Visitor": 1}}
    assert clock.sleeps == []
    assert next(ours) == {"1": {"Visitor": 2}, "2": {"Visitor": 2}}
    assert clock.sleeps == [1.0]


def test_met_fixed_counts_end_without_a_wait(clock):
    ours = dispatcher(user_class(fixed_count=2))
    ours.new_dispatch(10, 2)
    assert list(ours) == [{"1": {"Visitor": 2}}, {"1": {"Visitor": 2}}]
    assert clock.sleeps == [1.0]


def test_dispatch_ends_also_after_a_change_of_workers(clock):
    ours = dispatcher()
    ours.new_dispatch(2, 2)
    list(ours)
    ours.add_worker(SimpleNamespace(id="2"))
    ours.new_dispatch(2, 2)
    assert list(ours) == [{"1": {"Visitor": 1}, "2": {"Visitor": 1}}]
    assert not ours.dispatch_in_progress


def test_interrupted_wait_leaves_a_dispatcher_that_goes_on(clock, monkeypatch):
    ours = dispatcher()
    ours.new_dispatch(2, 1)
    next(ours)

    def interrupted(_seconds):
        raise gevent.GreenletExit

    monkeypatch.setattr(dispatch, "sleep", interrupted)
    with pytest.raises(gevent.GreenletExit):
        next(ours)
    monkeypatch.setattr(dispatch, "sleep", clock.sleep)
    assert ours.get_current_user_count() == 1
    ours.new_dispatch(3, 1)
    assert [users["1"]["Visitor"] for users in ours] == [2, 3]


@pytest.mark.parametrize(
    ("target", "rate", "message"),
    [
        (-1, 1, r"target_user_count must be >= 0, got -1"),
        (1, 0, r"spawn_rate must be > 0, got 0"),
        (1, -0.5, r"spawn_rate must be > 0, got -0\.5"),
        (1, float("inf"), r"spawn_rate must be a finite number, got inf"),
        (1, float("nan"), r"spawn_rate must be a finite number, got nan"),
    ],
)
def test_impossible_dispatch_is_refused(target, rate, message):
    with pytest.raises(ValueError, match=message):
        dispatcher().new_dispatch(target, rate)


def test_target_may_be_a_float(clock):
    ours = dispatcher()
    ours.new_dispatch(3.0, 3)
    assert list(ours) == [{"1": {"Visitor": 3}}]


def test_dispatcher_needs_distinct_classes():
    visitor = user_class()
    for classes in ([], [visitor, visitor]):
        with pytest.raises(AssertionError):
            UsersDispatcher([SimpleNamespace(id="1")], classes)


def test_class_the_dispatcher_was_not_made_with_is_a_key_error(clock):
    ours = dispatcher()
    ours.new_dispatch(1, 1, [user_class("Stranger")])
    with pytest.raises(KeyError, match="Stranger"):
        next(ours)


def test_distribution_goes_on_where_it_ended():
    ours = dispatcher(user_class("A"), user_class("B", fixed_count=2), workers=("1", "2", "3"))
    users, classes, workers, active = ours._distribute_users(4)
    assert users == {"1": {"A": 1, "B": 1}, "2": {"A": 0, "B": 1}, "3": {"A": 1, "B": 0}}
    assert [(worker.id, name) for worker, name in active] == [("1", "B"), ("2", "B"), ("3", "A"), ("1", "A")]
    assert (next(classes), next(workers).id) == ("A", "2")
    assert ours.get_current_user_count() == 0


def test_waiting_lets_other_greenlets_run():
    ours = dispatcher()
    ours.new_dispatch(2, 1)
    ours._wait_between_dispatch = 0.02
    order = []

    def ramp():
        for users in ours:
            order.append(users["1"]["Visitor"])

    ramping = gevent.spawn(ramp)
    gevent.spawn(order.append, "another").join()
    ramping.join()
    assert order == [1, "another", 2]


def test_pauses_are_even_for_any_subclass(clock):
    class Counting(UsersDispatcher):
        def __init__(self, worker_nodes, user_classes):
            super().__init__(worker_nodes, user_classes)
            self.times = []

        def __next__(self):
            users = super().__next__()
            self.times.append(clock.now)
            return users

    ours = Counting([SimpleNamespace(id="1")], [user_class()])
    ours.new_dispatch(12, 2.4)
    list(ours)
    assert [after - before for before, after in pairwise(ours.times)] == pytest.approx([2 / 2.4] * 5)
