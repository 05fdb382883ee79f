"""Who runs when: load shapes in all their forms, `--config-users`, a dispatcher of the user's own, orders while others are carried out.

Each file tells who there is whenever a ramp is complete. What is expected is what stock Locust tells (`ROCUST_TEST_COMMAND`).
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.command import Result, run_locust

CLASSES = """
import json
import gevent
from gevent.event import Event
from locust import LoadTestShape, User, constant, events, task

class A(User):
    wait_time = constant(0.2)

    @task
    def first(self):
        pass

    @task(3)
    def second(self):
        pass

class B(A):
    weight = 3

class Fixed(A):
    fixed_count = 2

reached = []

@events.init.add_listener
def begin(environment, **_):
    @environment.events.spawning_complete.add_listener
    def told(user_count, **_):
        counts = {name: count for name, count in environment.runner.user_classes_count.items() if count}
        assert user_count == sum(counts.values())
        reached.append(user_count)
        print("REACHED", json.dumps(counts), flush=True)
"""

QUITTING = """
@events.spawning_complete.add_listener
def end(**_):
    gevent.spawn(quit_soon)

def quit_soon():
    environment_of_run.runner.quit()

@events.init.add_listener
def remember(environment, **_):
    global environment_of_run
    environment_of_run = environment
"""


def reached(result: Result) -> list[dict[str, int]]:
    """Who there was whenever a ramp was complete."""
    assert result.returncode == 0, result.stderr
    counts: list[dict[str, int]] = result.printed("REACHED")
    return counts


def run(text: str, *options: str, users: int = 1) -> Result:
    """Run a file as it would be by hand; the limit is for one that does not end by itself."""
    return run_locust(CLASSES + text, "-u", str(users), "-r", str(users), "-t", "20", *options)


STEPS = """
class Steps(LoadTestShape):
    steps = [(4, 4), (8, 8, [A]), (3, 10, [B]), (5, 10)]

    def tick(self):
        return self.steps[len(reached)] if len(reached) < len(self.steps) else None
"""


def test_shape_with_and_without_classes_goes_up_and_down() -> None:
    result = run(STEPS)
    assert reached(result) == [
        {"A": 1, "B": 1, "Fixed": 2},
        {"A": 5, "B": 1, "Fixed": 2},
        {"B": 1, "Fixed": 2},
        {"B": 3, "Fixed": 2},
    ]
    assert "The following option(s) will be ignored: --users, --spawn-rate, --run-time" in result.stderr
    assert "Shape test completed, shutting down" in result.stderr


def test_shape_may_use_the_common_options() -> None:
    text = """
class Asked(LoadTestShape):
    use_common_options = True

    def tick(self):
        options = self.runner.environment.parsed_options
        print("OPTIONS", json.dumps([options.num_users, options.spawn_rate, options.run_time]), flush=True)
        return None if reached else (options.num_users, options.spawn_rate)
"""
    result = run(text, users=6)
    assert reached(result) == [{"A": 1, "B": 3, "Fixed": 2}]
    assert result.printed("OPTIONS")[0] == [6, 6.0, 20]
    assert "will be ignored" not in result.stderr


def test_of_several_shapes_the_first_one_runs_and_an_abstract_one_is_none() -> None:
    text = """
class Common(LoadTestShape):
    abstract = True
    users = 1

    def tick(self):
        return None if reached else (self.users, 10)

class Small(Common):
    users = 3

class Large(Common):
    users = 5
"""
    assert reached(run(text)) == [{"B": 1, "Fixed": 2}]


@pytest.mark.parametrize("tick", ["(3,)", "(3, 10, [A], 4)", "1 / 0"])
def test_shape_that_breaks_ends_the_run_as_a_failed_one(tick: str) -> None:
    result = run(f"class Broken(LoadTestShape):\n    def tick(self):\n        return {tick} if reached else (3, 10)\n")
    assert result.returncode == 2, result.stderr
    assert ("ZeroDivisionError" if "/" in tick else "ValueError") in result.stderr
    assert "Unhandled exception in greenlet" in result.stderr
    assert "Aggregated" in result.stderr


@pytest.mark.parametrize("form", ["in one list", "one after the other", "in a file"])
def test_config_users_in_all_its_forms(form: str, tmp_path: Path) -> None:
    one = {"user_class_name": "A", "weight": 4, "tasks": ["first"]}
    other = {"user_class_name": "Fixed", "fixed_count": 3}
    path = tmp_path / "users.json"
    path.write_text(json.dumps([one, other]))
    given = {
        "in one list": [json.dumps([one, other])],
        "one after the other": [json.dumps(one), json.dumps(other)],
        "in a file": [str(path)],
    }[form]
    telling = """
@events.test_start.add_listener
def tasks(environment, **_):
    print("TASKS", json.dumps([task.__name__ for task in A.tasks]), flush=True)
"""
    result = run(QUITTING + telling, "--config-users", *given, users=10)
    assert reached(result) == [{"A": 4, "B": 3, "Fixed": 3}]
    assert result.printed("TASKS") == [["first"]]


def test_equal_weights_distribute_the_users_evenly_too() -> None:
    assert reached(run(QUITTING, "--equal-weights", users=8)) == [{"A": 3, "B": 3, "Fixed": 2}]


def test_dispatcher_of_the_users_own_is_asked_for_every_step() -> None:
    text = """
from locust.dispatch import UsersDispatcher

class Told(UsersDispatcher):
    def __init__(self, worker_nodes, user_classes):
        print("MADE", json.dumps([one.__name__ for one in user_classes]), flush=True)
        super().__init__(worker_nodes=worker_nodes, user_classes=user_classes)

    def new_dispatch(self, target_user_count, spawn_rate, user_classes=None):
        print("ASKED", json.dumps([target_user_count, spawn_rate]), flush=True)
        super().new_dispatch(target_user_count, spawn_rate, user_classes)

    def __next__(self):
        (counts,) = (step := super().__next__()).values()
        print("STEP", json.dumps(sum(counts.values())), flush=True)
        return step

@events.init.add_listener
def use(environment, **_):
    environment.dispatcher_class = Told
"""
    result = run(QUITTING + text, "-r", "3", users=7)
    assert reached(result) == [{"A": 1, "B": 4, "Fixed": 2}]
    assert result.printed("MADE") == [["A", "B", "Fixed"]]
    assert result.printed("ASKED") == [[7, 3.0]]
    assert result.printed("STEP") == [3, 6, 7]


def test_dispatcher_may_decide_everything_itself() -> None:
    text = """
class Plan:
    def __init__(self, worker_nodes, user_classes):
        self.nodes = worker_nodes

    def new_dispatch(self, target_user_count, spawn_rate, user_classes=None):
        self.steps = iter([{"A": 2}, {"A": 2, "B": 1}, {"A": 0, "B": target_user_count}])

    def __iter__(self):
        return self

    def __next__(self):
        return {self.nodes[0].id: next(self.steps)}

@events.init.add_listener
def use(environment, **_):
    environment.dispatcher_class = Plan
"""
    assert reached(run(QUITTING + text, users=4)) == [{"B": 4}]


def test_new_order_replaces_the_one_that_is_carried_out() -> None:
    """Up, up again in the middle of that, down in the middle of that: only what was completed is told, and nobody is lost."""
    text = """
@events.init.add_listener
def order(environment, **_):
    runner = environment.runner

    def orders():
        def wait_for(reason):
            while not reason():
                gevent.sleep(0.01)

        runner.start(50, 2)
        wait_for(lambda: runner.user_count >= 4)
        runner.start(30, 2)
        wait_for(lambda: runner.user_count >= 8)
        runner.start(2, 100)
        wait_for(lambda: reached[-1] == 2)
        runner.start(6, 100)
        wait_for(lambda: reached[-1] == 6)
        runner.quit()
        print("LEFT", json.dumps([runner.user_count, runner.state]), flush=True)

    @events.spawning_complete.add_listener
    def first(**_):
        events.spawning_complete.remove_listener(first)
        gevent.spawn(orders)
"""
    result = run(text, users=1)
    assert [sum(counts.values()) for counts in reached(result)] == [1, 2, 6]
    assert reached(result)[1:] == [{"Fixed": 2}, {"A": 1, "B": 3, "Fixed": 2}]
    assert result.printed("LEFT") == [[0, "stopped"]]
