"""Large steps are spread evenly over their time; nobody is lost on the way."""

from __future__ import annotations

from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as some
from rocust import User, constant, task
from rocust._kernel.green import sleep, spawn
from rocust._run.spacing import AT_ONCE, paced_parts, spread_s


class Resting(User):
    wait_time = constant(3600)

    @task
    def rest(self) -> None:
        pass


class Other(Resting):
    pass


@pytest.mark.parametrize(
    ("users", "rate", "seconds"),
    [
        (500, 500, 1.0),
        (250, 500, 0.5),
        (AT_ONCE + 1, 1010, 0.1),
        # Small steps are Locust's: at once.
        (AT_ONCE, 500, 0.0),
        (0, 500, 0.0),
        # A dispatcher of the user's own that steps by more than the rate.
        (500, 1, 0.0),
    ],
)
def test_only_what_the_rate_allows_in_a_second_is_spread(users: int, rate: float, seconds: float) -> None:
    assert spread_s(users, rate) == seconds


@given(some.dictionaries(some.sampled_from("ABC"), some.integers(0, 1000)), some.floats(0, 0.005))
def test_parts_are_the_whole(orders: dict[str, int], duration_s: float) -> None:
    total: dict[str, int] = {}
    for part in paced_parts(orders, duration_s):
        for name, count in part.items():
            assert count > 0
            total[name] = total.get(name, 0) + count
    assert total == {name: count for name, count in orders.items() if count}


def test_parts_keep_their_time_and_no_part_is_waited_for_after_the_last() -> None:
    began = perf_counter()
    parts = [(sum(part.values()), perf_counter() - began) for part in paced_parts({"A": 300, "B": 200}, 0.2)]
    assert len(parts) == 10
    started = 0
    for number, (users, at) in enumerate(parts):
        assert at >= 0.2 * number / len(parts)
        assert users == 50
        started += users
    assert started == 500


def test_users_of_a_large_step_come_one_part_after_the_other_and_go_so(make_runner) -> None:
    runner = make_runner(Resting, Other)
    seen = []

    def watch() -> None:
        while not runner.spawning_greenlet.ready():
            seen.append(runner.user_count)
            sleep(0.005)

    runner.start(400, 400)
    watch()
    assert runner.user_classes_count == {"Resting": 200, "Other": 200}
    assert seen == sorted(seen)
    assert len(set(seen)) > 2, "some were seen in between"
    assert 0 < min(filter(None, seen)) < 100, "the first came at once, and they were few"
    seen.clear()
    runner.start(0, 400)
    watch()
    assert runner.user_classes_count == {"Resting": 0, "Other": 0}
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) > 2


def test_stopping_users_evenly_waits_for_tasks_only_at_the_end(make_runner, ramp, signal) -> None:
    finish = signal()
    began = []

    class Slow(User):
        wait_time = constant(0)

        @task
        def work(self) -> None:
            began.append(self)
            finish.expect()

    runner = make_runner(Slow, stop_timeout=3600)
    ramp(runner, 150, 100_000)
    while len(began) < 150:
        sleep(0.001)
    runner.start(0, 1000)
    while any(user._state != "stopping" for user in began):
        sleep(0.001)
    assert runner.user_count == 150, "all are told, and none has ended"
    assert not runner.spawning_greenlet.ready()
    finish.set()
    runner.spawning_greenlet.join()
    assert runner.user_count == 0


def test_order_that_comes_while_users_are_stopped_in_parts_counts_those_who_are_left(make_runner, monkeypatch) -> None:
    runner = make_runner(Resting)
    runner.start(300, 100_000)
    runner.spawning_greenlet.join()
    spawn_own, spawned, orders = runner._spawn_own, [], []

    def with_an_order_just_before_the_third_part(function):
        spawned.append(function)
        if len(spawned) == 4:
            orders.append(spawn(runner.start, 200, 1000))
        return spawn_own(function)

    monkeypatch.setattr(runner, "_spawn_own", with_an_order_just_before_the_third_part)
    runner.start(0, 300)
    runner.spawning_greenlet.join()
    orders[0].join()
    runner.spawning_greenlet.join()
    # Whoever was told to stop before is gone by then.
    sleep(0.05)
    assert runner.user_count == 200
