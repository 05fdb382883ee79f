"""Who is spawned and which tasks they run: classes, weights, hosts, tags, task sets, waits, and ways to stop."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from support.clock import assert_in_time
from support.command import Result, run_locust
from support.script import Route
from support.server import ScriptedServer

# The run ends as soon as all users are there; no user ever asks for anything.
COUNT_USERS = """
import gevent
from locust import User, task, events, constant

@events.init.add_listener
def init(environment, **_):
    def complete(user_count, **_):
        import json
        print("SPAWNED", json.dumps([user_count, environment.runner.user_classes_count]))
        gevent.spawn(environment.runner.quit)
    environment.events.spawning_complete.add_listener(complete)

class Idle(User):
    abstract = True
    wait_time = constant(60)

    @task
    def nothing(self):
        pass
"""


def spawned(classes: str, *args: str) -> tuple[int, dict[str, int]]:
    """How many users there were of each class when spawning was complete."""
    result = run_locust(COUNT_USERS + classes, *args)
    assert result.returncode == 0, result.stderr
    total, by_class = result.printed("SPAWNED")[0]
    return total, by_class


def test_users_are_shared_among_classes_by_weight() -> None:
    classes = "class Web(Idle):\n    weight = 3\n\nclass Mobile(Idle):\n    pass\n"
    assert spawned(classes, "-u", "8", "-r", "8") == (8, {"Web": 6, "Mobile": 2})


def test_classes_of_equal_weight_get_equal_shares() -> None:
    classes = "class A(Idle):\n    pass\n\nclass B(Idle):\n    pass\n\nclass C(Idle):\n    pass\n"
    assert spawned(classes, "-u", "9", "-r", "9") == (9, {"A": 3, "B": 3, "C": 3})


def test_weight_may_be_a_fraction() -> None:
    classes = "class A(Idle):\n    weight = 0.5\n\nclass B(Idle):\n    weight = 1.5\n"
    assert spawned(classes, "-u", "8", "-r", "8") == (8, {"A": 2, "B": 6})


def test_fixed_count_comes_first_and_the_rest_goes_by_weight() -> None:
    classes = "class Admin(Idle):\n    fixed_count = 2\n    weight = 9\n\nclass Web(Idle):\n    pass\n"
    assert spawned(classes, "-u", "7", "-r", "7") == (7, {"Admin": 2, "Web": 5})


def test_fixed_counts_alone_bound_the_number_of_users() -> None:
    classes = "class Admin(Idle):\n    fixed_count = 2\n\nclass Guest(Idle):\n    fixed_count = 1\n"
    assert spawned(classes, "-u", "3", "-r", "10") == (3, {"Admin": 2, "Guest": 1})


def test_positional_names_choose_the_classes() -> None:
    classes = "class A(Idle):\n    pass\n\nclass B(Idle):\n    pass\n\nclass C(Idle):\n    pass\n"
    assert spawned(classes, "-u", "4", "-r", "4", "A", "C") == (4, {"A": 2, "C": 2})


def test_abstract_class_is_never_a_user() -> None:
    classes = "class Base(Idle):\n    abstract = True\n\nclass Real(Base):\n    pass\n"
    assert spawned(classes, "-u", "2", "-r", "2") == (2, {"Real": 2})


def test_log_tells_the_ramp_and_what_was_spawned() -> None:
    classes = "class Web(Idle):\n    weight = 3\n\nclass Mobile(Idle):\n    pass\n"
    result = run_locust(COUNT_USERS + classes, "-u", "4", "-r", "50")
    lines = result.log_lines("INFO", "locust.runners")
    assert lines[0] == "Ramping to 4 users at a rate of 50.00 per second"
    assert lines[1] == 'All users spawned: {"Mobile": 1, "Web": 3} (4 total users)'


def test_spawn_rate_is_kept() -> None:
    """Six users at five a second: the sixth comes a second after the first, none of them early."""
    file = """
import gevent, time
from locust import User, task, events, constant

class Idle(User):
    wait_time = constant(60)

    def on_start(self):
        print("AT", time.monotonic())

    @task
    def nothing(self):
        pass

@events.init.add_listener
def init(environment, **_):
    environment.events.spawning_complete.add_listener(lambda **_: gevent.spawn_later(0.1, environment.runner.quit))
"""
    times = run_locust(file, "-u", "6", "-r", "5").printed("AT")
    assert len(times) == 6
    first_batch = [at for at in times if at - times[0] < 0.5]
    assert len(first_batch) == 5, "five users a second means five at once and the next a second later"
    assert 0.9 <= times[5] - times[0] <= 2.0


def test_host_on_the_class_is_used_and_the_option_overrides_it() -> None:
    file = """
from locust import HttpUser, task

class Visitor(HttpUser):
    host = "{host}"

    @task
    def visit(self):
        self.client.get("/")
        self.environment.runner.quit()
"""
    with ScriptedServer({"/": Route()}) as own, ScriptedServer({"/": Route()}) as other:
        run_locust(file.format(host=own.url))
        assert (own.count(), other.count()) == (1, 0)
        run_locust(file.format(host=own.url), "-H", other.url)
        assert (own.count(), other.count()) == (1, 1)


def test_host_may_come_from_the_environment_and_carry_a_path() -> None:
    file = """
from locust import HttpUser, FastHttpUser, task

class Visitor(HttpUser):
    fixed_count = 1
    @task
    def visit(self):
        self.client.get("/page")
        self.client.get(self.host + "/absolute")
        self.stop()

class Fast(FastHttpUser):
    fixed_count = 1
    @task
    def visit(self):
        self.client.get("/page")
        self.stop()
"""
    with ScriptedServer({"/base/page": Route(), "/base/absolute": Route()}) as server:
        result = run_locust(file, "-u", "2", "-r", "2", "-t", "1", env={"LOCUST_HOST": server.url + "/base"})
        assert (server.count("/base/page"), server.count("/base/absolute")) == (2, 1)
        assert result.total.failures == 0


def test_two_classes_have_two_hosts() -> None:
    with ScriptedServer({"/": Route()}) as first, ScriptedServer({"/": Route()}) as second:
        file = f"""
from locust import HttpUser, task

class First(HttpUser):
    host = "{first.url}"
    @task
    def visit(self):
        self.client.get("/")
        self.stop()

class Second(HttpUser):
    host = "{second.url}"
    @task
    def visit(self):
        self.client.get("/")
        self.stop()
"""
        run_locust(file, "-u", "4", "-r", "4", "-t", "1")
        assert (first.count(), second.count()) == (2, 2)


# One user runs a hundred tasks of which each says its name, then the run ends.
HUNDRED_TASKS = """
from locust import User, TaskSet, task, tag, events
from locust.exception import StopUser, RescheduleTask, RescheduleTaskImmediately, InterruptTaskSet

names = []

def ran(user, name):
    names.append(name)
    if len(names) == 100:
        import json
        print("RAN", json.dumps(names))
        user.environment.runner.quit()
    import gevent
    gevent.sleep(0)
    if len(names) >= 100:
        raise StopUser()
"""


def ran(classes: str, *args: str) -> list[str]:
    """The names of the tasks that one user ran."""
    result = run_locust(HUNDRED_TASKS + classes, *args)
    names: list[str] = result.printed("RAN")[0]
    assert len(names) == 100
    return names


def test_weights_of_tasks_are_shares_of_a_draw() -> None:
    """Three to one: of 100 draws between 55 and 92 (five standard deviations)."""
    classes = """
class Visitor(User):
    @task(3)
    def often(self): ran(self, 'often')
    @task
    def seldom(self): ran(self, 'seldom')
"""
    names = Counter(ran(classes))
    assert set(names) == {"often", "seldom"}
    assert 55 <= names["often"] <= 92


def test_tasks_may_be_plain_functions_in_a_list_or_weighted_in_a_dict() -> None:
    functions = "def one(user): ran(user, 'one')\ndef two(user): ran(user, 'two')\n"
    in_a_list = Counter(ran(functions + "class Visitor(User):\n    tasks = [one, two, two]\n"))
    in_a_dict = Counter(ran(functions + "class Visitor(User):\n    tasks = {one: 1, two: 2}\n"))
    for names in (in_a_list, in_a_dict):
        assert set(names) == {"one", "two"}
        assert 43 <= names["two"] <= 90, "two of three: within five standard deviations"


def test_tasks_are_inherited_and_added_to() -> None:
    classes = """
class Base(User):
    abstract = True
    @task
    def inherited(self): ran(self, 'inherited')

class Visitor(Base):
    @task
    def own(self): ran(self, 'own')
"""
    assert set(ran(classes)) == {"inherited", "own"}


NESTED = """
class Outer(TaskSet):
    def on_start(self): ran(self.user, 'outer starts')
    def on_stop(self): names.append('outer stops')

    @task
    class Inner(TaskSet):
        def on_start(self): ran(self.user, 'inner starts')
        def on_stop(self): ran(self.user, 'inner stops')

        @task
        def work(self):
            ran(self.user, 'inner of ' + type(self.parent).__name__)
            self.interrupt()

class Visitor(User):
    tasks = [Outer]
"""


def test_nested_task_set_is_left_by_interrupt_and_entered_anew() -> None:
    assert ran(NESTED)[:7] == ["outer starts", *["inner starts", "inner of Outer", "inner stops"] * 2]


def test_interrupt_with_and_without_reschedule_differs_by_the_parents_wait() -> None:
    classes = """
class Inner(TaskSet):
    turn = 0
    def wait_time(self): return 0
    @task
    def work(self):
        ran(self.user, 'works')
        Inner.turn += 1
        self.interrupt(reschedule=Inner.turn % 2 == 1)

class Visitor(User):
    tasks = [Inner]
    def wait_time(self):
        ran(self, 'parent waits')
        return 0
"""
    assert ran(classes)[:9] == ["works", "works", "parent waits"] * 3


def test_rescheduling_a_task_with_and_without_the_wait() -> None:
    classes = """
class Visitor(User):
    turn = 0
    def wait_time(self):
        ran(self, 'waits')
        return 0
    @task
    def work(self):
        self.turn += 1
        ran(self, 'works')
        if self.turn % 2:
            raise RescheduleTaskImmediately()
        raise RescheduleTask()
"""
    assert ran(classes)[:9] == ["works", "works", "waits"] * 3


TAGGED = """
class Visitor(User):
    @tag('tag1')
    @task
    def task1(self): ran(self, 'task1')

    @tag('tag1', 'tag2')
    @task
    def task2(self): ran(self, 'task2')

    @tag('tag3')
    @task
    class Tagged(TaskSet):
        @task
        def inside(self):
            ran(self.user, 'inside')
            self.interrupt()

    @task
    def untagged(self): ran(self, 'untagged')
"""


@pytest.mark.parametrize(
    ("args", "names"),
    [
        ((), {"task1", "task2", "inside", "untagged"}),
        (("-T", "tag1"), {"task1", "task2"}),
        (("-T", "tag2", "tag3"), {"task2", "inside"}),
        (("--tags", "tag1", "--exclude-tags", "tag2"), {"task1"}),
        (("-E", "tag1"), {"inside", "untagged"}),
        (("-E", "tag1", "tag3"), {"untagged"}),
    ],
    ids=["all", "T tag1", "T tag2 tag3", "T tag1 E tag2", "E tag1", "E tag1 tag3"],
)
def test_tags_choose_the_tasks(args: tuple[str, ...], names: set[str]) -> None:
    assert set(ran(TAGGED, *args)) == names


def test_schedule_task_jumps_the_queue() -> None:
    classes = """
def extra(user): ran(user, 'extra')
def urgent(user): ran(user, 'urgent')

class Plain(TaskSet):
    @task
    def work(self):
        ran(self.user, 'work')
        if len(names) == 1:
            self.schedule_task(lambda tasks: ran(tasks.user, 'queued'))
            self.schedule_task(lambda tasks: ran(tasks.user, 'first'), first=True)

class Visitor(User):
    tasks = [Plain]
"""
    assert ran(classes)[:4] == ["work", "first", "queued", "work"]


def test_get_next_task_may_be_overridden() -> None:
    classes = """
class Chosen(TaskSet):
    turn = 0
    def get_next_task(self):
        self.turn += 1
        return self.tasks[self.turn % 2]
    @task
    def even(self): ran(self.user, 'even')
    @task
    def odd(self): ran(self.user, 'odd')

class Visitor(User):
    tasks = [Chosen]
"""
    assert ran(classes)[:6] == ["odd", "even"] * 3


# Ten tasks of one user under a policy of waiting; says when each began.
PACED = """
import time
from locust import User, task, between, constant, constant_pacing, constant_throughput, poisson

class Paced(User):
    started = []
    WAITING

    @task
    def work(self):
        self.started.append(time.monotonic())
        if len(self.started) == 10:
            import json
            print("STARTED", json.dumps(self.started))
            self.environment.runner.quit()
        time.sleep(0.02)
"""


def gaps_s(waiting: str) -> list[float]:
    """Seconds between the starts of ten tasks of 20 ms each."""
    (times,) = run_locust(PACED.replace("WAITING", waiting)).printed("STARTED")
    return [later - earlier for earlier, later in pairwise(times)]


SLACK_S = 0.045
"""How late a busy machine may wake a user. Early it may never be (but for the clock's grain)."""


@pytest.mark.timing
@pytest.mark.parametrize(
    ("waiting", "least_s", "most_s"),
    [
        ("wait_time = constant(0.1)", 0.12, 0.12),
        ("wait_time = between(0.05, 0.1)", 0.07, 0.12),
        ("wait_time = constant_pacing(0.1)", 0.1, 0.1),
        ("wait_time = constant_pacing(0.01)", 0.02, 0.02),
        ("wait_time = constant_throughput(10)", 0.1, 0.1),
        ("def wait_time(self): return 0.08", 0.1, 0.1),
        ("wait_time = lambda self: 0.08", 0.1, 0.1),
        ("pass", 0.02, 0.02),
    ],
)
def test_wait_between_tasks_is_what_was_asked_for(waiting: str, least_s: float, most_s: float) -> None:
    gaps = gaps_s(waiting)
    assert sum(gaps) >= len(gaps) * least_s - 0.005, "a late start may shorten the next gap, but none is early"
    assert_in_time(sorted(gaps)[len(gaps) // 2] <= most_s + SLACK_S, gaps)


def test_between_draws_different_waits() -> None:
    assert len({round(gap, 3) for gap in gaps_s("wait_time = between(0.01, 0.11)")}) > 3


@pytest.mark.timing
def test_pacing_does_not_drift() -> None:
    """Nine periods of 100 ms are 0.9 s, although every wake-up is a little late."""
    gaps = gaps_s("wait_time = constant_pacing(0.1)")
    assert sum(gaps) >= 0.89
    assert_in_time(sum(gaps) <= 0.9 + 9 * SLACK_S, gaps)


def test_poisson_waits_are_drawn_around_the_rate() -> None:
    """Nine waits of mean 50 ms: all alike, or a mean beyond a second, would be no Poisson process."""
    waits = [gap - 0.02 for gap in gaps_s("wait_time = poisson(20)")]
    assert min(waits) >= -0.003
    assert max(waits) - min(waits) > 0.005
    assert sum(waits) / len(waits) < 1.0


def test_wait_time_of_a_task_set_goes_before_the_users() -> None:
    file = """
import json, time
from locust import User, TaskSet, task, constant

class Quick(TaskSet):
    wait_time = constant(0.05)
    count = 0
    @task
    def work(self):
        self.count += 1
        if self.count == 3:
            self.user.environment.runner.quit()

class Visitor(User):
    wait_time = constant(30)
    tasks = [Quick]
"""
    result = run_locust(file)
    assert result.seconds < 20


def stopping(body: str) -> Result:
    """Two users of which the second carries on; the run ends when the first has stopped."""
    return run_locust(
        f"""
from locust import User, TaskSet, task, constant
from locust.exception import StopUser
import gevent

class Leaver(User):
    fixed_count = 1
    {body}

    def on_stop(self):
        print("LEFT", 1)

class Stayer(User):
    fixed_count = 1
    wait_time = constant(0.01)
    turns = 0

    @task
    def stay(self):
        self.turns += 1
        if self.turns == 10:
            import json
            print("COUNTS", json.dumps(self.environment.runner.user_classes_count))
            self.environment.runner.quit()
""",
        "-u", "2", "-r", "2",
    )  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        "@task\n    def leave(self):\n        raise StopUser()",
        "def on_start(self):\n        raise StopUser()\n    @task\n    def never(self):\n        print('WORKED', 1)",
        "@task\n    def leave(self):\n        self.stop(force=True)",
        "@task\n    def leave(self):\n        self.stop()",
        "@task\n    class Set(TaskSet):\n        @task\n        def leave(self):\n            raise StopUser()",
    ],
    ids=["StopUser in a task", "StopUser in on_start", "stop(force=True)", "stop()", "StopUser in a task set"],
)
def test_user_that_leaves_runs_on_stop_and_is_not_replaced(body: str) -> None:
    result = stopping(body)
    assert result.printed("LEFT") == [1]
    assert result.printed("WORKED") == []
    assert result.printed("COUNTS") == [{"Leaver": 0, "Stayer": 1}]
    assert result.returncode == 0


def test_stopping_a_waiting_user_does_not_wait_for_its_wait_to_end() -> None:
    file = """
from locust import User, task, constant

class Sleeper(User):
    wait_time = constant(300)

    @task
    def work(self):
        pass

    def on_stop(self):
        print("STOPPED", 1)
"""
    result = run_locust(file, "-u", "3", "-r", "3", "-t", "1", "-s", "30")
    assert result.printed("STOPPED") == [1, 1, 1]
    assert result.seconds < 15


def test_task_set_on_stop_runs_before_the_users() -> None:
    file = """
from locust import User, TaskSet, task, constant

class Set(TaskSet):
    @task
    def work(self):
        import time
        time.sleep(60)

    def on_stop(self):
        print("STOPPED", '"task set"')

class Visitor(User):
    tasks = [Set]

    def on_stop(self):
        print("STOPPED", '"user"')
"""
    assert run_locust(file, "-t", "1").printed("STOPPED") == ["task set", "user"]


def test_ratios_of_tasks_can_be_shown_without_a_run() -> None:
    file = """
from locust import User, task

class Visitor(User):
    @task(3)
    def often(self): pass
    @task
    def seldom(self): pass
"""
    result = run_locust(file, "--show-task-ratio")
    assert result.returncode == 0
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    for line in ("Task ratio per User class", "Total task ratio", "100.0 Visitor", "75.0 often", "25.0 seldom"):
        assert line in lines


def test_the_probe_and_the_table_agree() -> None:
    """What the other tests rely on, on a run small enough to know by heart."""
    file = """
from locust import HttpUser, task

class Visitor(HttpUser):
    @task
    def visit(self):
        self.client.get("/")
        self.environment.runner.quit()
"""
    with ScriptedServer({"/": Route()}) as server:
        result = run_locust(file, "-H", server.url)
        assert result.tables.total.requests == result.total.requests == server.count() == 1
        assert result.tables.rows["GET", "/"].average == int(result.entry("/").average_ms)
