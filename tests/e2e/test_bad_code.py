"""Mistakes in a locustfile are told as Locust tells them, give the right exit code, and nothing hangs."""

from __future__ import annotations

import pytest
from support.command import IS_STOCK, run_locust

RAISING_TASK = """
from locust import User, task

class Clumsy(User):
    turns = 0

    @task
    def work(self):
        self.turns += 1
        if self.turns > 3:
            self.environment.runner.quit()
        raise ValueError("a mistake")
"""


def test_raising_task_is_logged_with_its_traceback_and_the_user_goes_on() -> None:
    result = run_locust(RAISING_TASK)
    errors = result.log_lines("ERROR", "locust.user.task")
    assert errors[:3] == ["a mistake"] * 3
    assert result.stderr.count('raise ValueError("a mistake")') >= 3
    assert result.stderr.count("ValueError: a mistake") >= 3
    assert result.returncode == 1


def test_exception_counts_are_kept_by_traceback() -> None:
    result = run_locust(RAISING_TASK)
    (exception,) = result.probe["exceptions"]
    assert exception["count"] >= 3
    assert exception["msg"] == "a mistake"
    assert "ValueError" in exception["traceback"]
    assert 'raise ValueError("a mistake")' in exception["traceback"] or "in work" in exception["traceback"]


def test_raising_task_waits_before_the_next() -> None:
    file = """
import time
from locust import User, task, constant

class Clumsy(User):
    wait_time = constant(0.2)
    started = []

    @task
    def work(self):
        self.started.append(time.monotonic())
        if len(self.started) == 3:
            print("SPAN", self.started[2] - self.started[0])
            self.environment.runner.quit()
        raise ValueError("a mistake")
"""
    assert 0.39 <= run_locust(file).printed("SPAN")[0] < 5


def test_raising_on_start_ends_that_user_and_is_not_hidden() -> None:
    file = """
from locust import User, task, constant, events

@events.user_error.add_listener
def heard(exception, **_):
    print("HEARD", '"%r"' % exception)

class Clumsy(User):
    fixed_count = 1

    def on_start(self):
        raise RuntimeError("not today")

    @task
    def work(self):
        print("WORKED", 1)

class Sound(User):
    fixed_count = 1
    wait_time = constant(0.01)
    turns = 0

    @task
    def work(self):
        self.turns += 1
        if self.turns == 10:
            print("LEFT", self.environment.runner.user_count)
            self.environment.runner.quit()
"""
    result = run_locust(file, "-u", "2", "-r", "2")
    assert result.log_lines("ERROR", "locust.user.users") == ["not today"]
    assert "RuntimeError: not today" in result.stderr
    assert result.printed("HEARD") == ["RuntimeError('not today')"]
    assert result.printed("WORKED") == []
    assert result.printed("LEFT") == [1]
    assert result.returncode == 1


def test_raising_on_stop_does_not_keep_the_run_from_ending() -> None:
    file = """
from locust import User, task

class Clumsy(User):
    @task
    def work(self):
        import time
        time.sleep(60)

    def on_stop(self):
        raise RuntimeError("cannot let go")
"""
    result = run_locust(file, "-t", "1", "-u", "2", "-r", "2")
    assert "RuntimeError: cannot let go" in result.stderr
    assert result.seconds < 15
    assert result.tables.total.requests == 0


@pytest.mark.parametrize(
    "waiting",
    ["wait_time = lambda self: 'soon'", "def wait_time(self): return 'soon'", "def wait_time(self): return None"],
)
def test_wait_time_that_is_no_number_is_an_error_of_the_users(waiting: str) -> None:
    file = f"""
from locust import User, task

class Clumsy(User):
    {waiting}

    @task
    def work(self):
        print("WORKED", 1)
"""
    result = run_locust(file, "-t", "1")
    assert result.printed("WORKED")
    assert "Traceback (most recent call last)" in result.stderr
    assert "Error" in result.stderr
    assert result.returncode in (1, 2)
    assert result.seconds < 15


def test_wait_time_that_raises_is_an_error_of_the_users() -> None:
    file = """
from locust import User, task

class Clumsy(User):
    def wait_time(self):
        raise KeyError("when")

    @task
    def work(self):
        print("WORKED", 1)
"""
    result = run_locust(file, "-t", "1")
    assert result.printed("WORKED")
    assert "KeyError: 'when'" in result.stderr
    assert result.returncode in (1, 2)


@pytest.mark.parametrize(
    "event", ["test_start", "spawning_complete", "request", "test_stopping", "test_stop", "quitting"]
)
def test_raising_listener_is_logged_and_the_others_still_hear(event: str) -> None:
    file = f"""
from locust import User, task, events

@events.{event}.add_listener
def clumsy(**_):
    raise RuntimeError("a listener's mistake")

@events.{event}.add_listener
def sound(**_):
    print("HEARD", 1)

class Visitor(User):
    @task
    def work(self):
        self.environment.events.request.fire(
            request_type="X", name="x", response_time=1, response_length=0, exception=None, context={{}}
        )
        self.environment.runner.quit()
"""
    result = run_locust(file)
    assert result.printed("HEARD") == [1]
    assert result.log_lines("ERROR", "root") == ["Uncaught exception in event handler: "]
    assert "RuntimeError: a listener's mistake" in result.stderr
    assert result.total.requests == 1
    assert result.returncode == 2


def test_raising_init_listener_ends_the_command() -> None:
    file = """
from locust import User, task, events

@events.init.add_listener
def clumsy(**_):
    raise RuntimeError("a listener's mistake")

class Visitor(User):
    @task
    def work(self):
        print("WORKED", 1)
"""
    result = run_locust(file, "-t", "1")
    assert "RuntimeError: a listener's mistake" in result.stderr
    assert result.printed("WORKED") == []
    assert result.returncode == 1


def test_user_without_tasks_says_so() -> None:
    file = "from locust import User\n\nclass Idle(User):\n    pass\n"
    result = run_locust(file, "-t", "1")
    assert "No tasks defined on Idle" in result.stderr
    assert result.returncode == 1


def test_user_with_a_misnamed_tasks_attribute_gets_a_hint() -> None:
    file = "from locust import User\n\ndef work(user):\n    pass\n\nclass Idle(User):\n    task = [work]\n"
    result = run_locust(file, "-t", "1")
    assert "No tasks defined on Idle" in result.stderr
    assert "you have set a 'task' attribute on your class - maybe you meant to set 'tasks'?" in result.stderr


def test_http_user_without_a_host_stops_the_run() -> None:
    file = """
from locust import HttpUser, task

class Lost(HttpUser):
    @task
    def work(self):
        self.client.get("/")
"""
    result = run_locust(file, "-t", "5")
    assert "You must specify the base host" in result.stderr
    assert result.seconds < 5


STOP_TEST = """
from locust import TaskSet, User, constant, events, task
from locust.exception import StopTest, StopUser

WHERE = "@WHERE@"

def stop_at(where):
    if where == WHERE:
        raise StopTest("enough")

class Judge(User):
    fixed_count = 1
    wait_time = constant(0.01)

    def __init__(self, environment):
        super().__init__(environment)
        stop_at("__init__")

    def on_start(self):
        stop_at("on_start")

    def on_stop(self):
        print("STOPPED", '"Judge"')
        stop_at("on_stop")

    @task
    def work(self):
        stop_at("task")
        if WHERE == "on_stop":
            raise StopUser
        self.environment.events.request.fire(
            request_type="X", name="x", response_time=1, response_length=0, exception=None
        )

    @task
    class Nested(TaskSet):
        def on_start(self):
            stop_at("on_start of a task set")

        @task
        def inner(self):
            stop_at("nested task")
            self.interrupt()

    if WHERE == "wait_time":
        def wait_time(self):
            stop_at("wait_time")

class Other(User):
    fixed_count = 1
    wait_time = constant(0.01)

    @task
    def work(self):
        if not self.environment.runner.user_classes_count["Judge"]:
            print("GOES_ON", 1)
            self.environment.runner.quit()

events.request.add_listener(lambda **_: stop_at("request listener"))
events.test_start.add_listener(lambda **_: stop_at("test_start listener"))
events.spawning_complete.add_listener(lambda **_: stop_at("spawning_complete listener"))
"""


@pytest.mark.parametrize(
    "where",
    [
        "task", "nested task", "on_start", "on_start of a task set", "on_stop", "wait_time", "request listener",
    ],
)  # fmt: skip
def test_stop_test_raised_in_a_user_ends_that_user_alone(where: str) -> None:
    result = run_locust(STOP_TEST.replace("@WHERE@", where), "-u", "2", "-r", "2", "-t", "20")
    assert result.printed("GOES_ON")[:1] == [1], result.stderr
    assert result.printed("STOPPED") == ["Judge"]
    assert "Stopping Locust..." not in result.stderr
    assert (result.returncode, result.probe["exceptions"]) == (0, [])


@pytest.mark.parametrize("where", ["__init__", "test_start listener", "spawning_complete listener"])
def test_stop_test_raised_around_the_users_ends_the_whole_run(where: str) -> None:
    """Without a host a user raises it when it is made."""
    result = run_locust(STOP_TEST.replace("@WHERE@", where), "-u", "2", "-r", "2", "-t", "20")
    assert result.printed("GOES_ON") == []
    assert result.log_lines("ERROR", "locust.runners")[0] == "enough"
    assert result.log_lines("WARNING", "locust.runners")[0] == "Stopping Locust..."
    assert result.returncode == 0
    assert result.seconds < 20


def test_system_exit_in_a_task_ends_the_process_with_its_code() -> None:
    file = """
import sys
from locust import User, task

class Leaver(User):
    @task
    def work(self):
        sys.exit(23)
"""
    result = run_locust(file, "-t", "15")
    assert result.returncode == 23
    assert result.seconds < 15


def test_greenlet_of_the_users_own_that_raises_is_told_and_costs_nothing_else() -> None:
    file = """
import gevent
from locust import User, task

def clumsy():
    raise RuntimeError("in the background")

class Visitor(User):
    @task
    def work(self):
        gevent.spawn(clumsy).join()
        self.environment.runner.quit()
"""
    result = run_locust(file)
    assert "RuntimeError: in the background" in result.stderr
    assert result.returncode == 0


@pytest.mark.ours("never ends such a run: its timers starve")
def test_task_that_never_yields_does_not_outlive_the_run() -> None:
    """A task that computes for a second holds up the other Python, not the end of the run."""
    file = """
import time
from locust import User, task

class Thinker(User):
    @task
    def think(self):
        end = time.perf_counter() + 1.5
        while time.perf_counter() < end:
            pass
"""
    result = run_locust(file, "-t", "1")
    assert result.returncode == 0
    assert result.seconds < 12


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("locust", "Locust", "User"),
        ("locust", "HttpLocust", "HttpUser"),
        ("locust.contrib.fasthttp", "FastHttpLocust", "FastHttpUser"),
    ],
)
def test_names_of_old_versions_say_what_they_are_called_now(module: str, old: str, new: str) -> None:
    file = f"from {module} import {old}\n\nclass Mine({old}):\n    pass\n"
    result = run_locust(file, probe=False)
    assert f"ImportError: The {old} class has been renamed to {new} in version 1.0." in result.stderr
    assert result.returncode == 1


def test_tasks_in_the_old_way_are_warned_of() -> None:
    file = """
from locust import TaskSet, User, task

class Inner(TaskSet):
    @task
    def work(self):
        self.user.environment.runner.quit()

class Mine(User):
    task_set = Inner
    tasks = [Inner]
"""
    result = run_locust(file)
    assert "DeprecationWarning: Usage of User.task_set is deprecated" in result.stderr
    assert "(tasks = [Inner])" in result.stderr
    if not IS_STOCK:
        assert "locustfile.py:9: DeprecationWarning" in result.stderr, "it names the line of the class"
    assert result.returncode == 0
