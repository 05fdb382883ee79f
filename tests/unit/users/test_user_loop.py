"""The loop of a user: order of hooks, nesting, steering exceptions, overridden and patched methods, waits."""

from __future__ import annotations

import decimal
import fractions
import logging

import gevent
import pytest
from rocust import TaskSet, User, between, constant, constant_pacing, task
from rocust._errors import InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately, StopTest, StopUser
from rocust._run.environment import Environment
from rocust._users.taskset import DefaultTaskSet

LIMIT_S = 20


def live(user_class, **settings):
    """Run one user to its end; returns it, what came out of it, and the user errors."""
    environment = Environment(user_classes=[user_class], **settings)
    errors = []
    environment.events.user_error.add_listener(
        lambda user_instance, exception, tb: errors.append((user_instance, exception, tb))
    )
    user = user_class(environment)
    greenlet = gevent.Greenlet(user.run)
    hub = gevent.get_hub()
    # What a user dies of is looked at here; the hub need not print it.
    printed, hub.handle_error = hub.handle_error, lambda *_: None
    try:
        greenlet.start()
        greenlet.join(LIMIT_S)
    finally:
        hub.handle_error = printed
    assert greenlet.ready(), "the user goes on for ever"
    return user, greenlet.exception, errors


class Counted(User):
    """Ends itself at its fourth task."""

    wait_time = constant(0)

    def __init__(self, environment):
        super().__init__(environment)
        self.trace = []

    def on_start(self):
        self.trace.append("on_start")

    def on_stop(self):
        self.trace.append("on_stop")

    def body(self):
        """What each task does."""

    @task
    def work(self):
        number = self.trace.count("task") + 1
        if number > 3:
            raise StopUser
        self.trace.append("task")
        self.body()


def raising(error, base=Counted):
    class Raising(base):
        def body(self):
            raise error

    return Raising


def test_life_has_its_order():
    user, exception, errors = live(Counted)
    assert (user.trace, exception, errors) == (["on_start", "task", "task", "task", "on_stop"], None, [])
    assert isinstance(user._taskset_instance, DefaultTaskSet)


@pytest.mark.parametrize("error", [StopUser(), StopTest("enough"), gevent.GreenletExit()])
def test_what_ends_a_user(error):
    user, exception, errors = live(raising(error))
    assert (user.trace, exception, errors) == (["on_start", "task", "on_stop"], None, [])


class Waiting(Counted):
    def wait_time(self):
        self.trace.append("wait")
        return 0


@pytest.mark.parametrize(
    ("error", "waits"),
    [
        (RescheduleTask(), True),
        (RescheduleTaskImmediately(), False),
        (ValueError("broken"), True),
    ],
)
def test_what_a_user_survives(error, waits, caplog):
    user, exception, errors = live(raising(error, Waiting))
    turn = ["task", "wait"] if waits else ["task"]
    assert (user.trace, exception) == (["on_start", *turn * 3, "on_stop"], None)
    if isinstance(error, ValueError):
        assert [(one[0], one[1]) for one in errors] == [(user._taskset_instance, error)] * 3
        assert errors[-1][2] is error.__traceback__
        assert [(one.name, one.levelname) for one in caplog.records] == [("locust.user.task", "ERROR")] * 3
        assert caplog.records[0].getMessage().startswith("broken\nTraceback (most recent call last):")
    else:
        assert errors == []


@pytest.mark.parametrize(("reschedule", "kind"), [(True, RescheduleTaskImmediately), (False, RescheduleTask)])
def test_interrupt_outside_of_a_nested_set_ends_the_user_with_an_error(reschedule, kind):
    user, exception, errors = live(raising(InterruptTaskSet(reschedule)))
    assert user.trace == ["on_start", "task"]
    assert (type(exception), errors) == (kind, [])


def test_exception_ends_the_user_where_exceptions_are_not_caught(caplog):
    user, exception, errors = live(raising(ValueError("broken")), catch_exceptions=False)
    assert (user.trace, str(exception), len(errors)) == (["on_start", "task"], "broken", 1)
    assert caplog.records == []


@pytest.mark.parametrize(
    ("error", "stops", "survives"),
    [
        (ValueError("v"), False, False),
        (StopUser("v"), True, True),
        (StopTest("v"), True, True),
        (RescheduleTask("v"), False, False),
        (gevent.GreenletExit(), True, True),
    ],
)
def test_on_start_that_raises(error, stops, survives, caplog):
    class Failing(Counted):
        def on_start(self):
            raise error

    user, exception, errors = live(Failing)
    assert (user.trace, exception) == (["on_stop"] if stops else [], None if survives else error)
    assert [one[1] for one in errors] == ([] if survives else [error])
    logged = [(one.name, one.levelname) for one in caplog.records]
    assert logged == ([] if isinstance(error, gevent.GreenletExit) else [("locust.user.users", "ERROR")])


def test_on_stop_that_raises_ends_the_greenlet_with_it():
    class Failing(Counted):
        def on_stop(self):
            raise LookupError("in on_stop")

    assert str(live(Failing)[1]) == "in on_stop"


# -- nested sets ----------------------------------------------------------------------------------------------------------


def nested(reschedule=True, **members):
    """A user whose first task is a set that traces itself and hands over in its task."""
    trace = []

    class Inner(TaskSet):
        def on_start(self):
            trace.append("inner start")

        def on_stop(self):
            trace.append("inner stop")

        @task
        def leave(self):
            trace.append("inner task")
            self.interrupt(reschedule=reschedule)

    for name, member in members.items():
        setattr(Inner, name, member)

    class Outer(User):
        def wait_time(self):
            trace.append("wait")
            return 0

        def on_start(self):
            self._taskset_instance.schedule_task(Inner)
            self._taskset_instance.schedule_task(self.end)

        def on_stop(self):
            trace.append("user stop")

        @staticmethod
        def end(_):
            raise StopUser

        tasks = [Inner]

    return Outer, Inner, trace


@pytest.mark.parametrize("reschedule", [True, False])
def test_interrupt_leaves_the_set_and_waits_or_not(reschedule):
    outer, _, trace = nested(reschedule)
    live(outer)
    assert trace == ["inner start", "inner task", "inner stop", *([] if reschedule else ["wait"]), "user stop"]


def _raise(error):
    def raising(*_):
        raise error

    return raising


@pytest.mark.parametrize(
    ("error", "waits", "errors"),
    [
        (ValueError("v"), True, 1),
        (InterruptTaskSet(), False, 0),
        (InterruptTaskSet(False), True, 0),
        (RescheduleTask(), True, 0),
        (StopUser(), False, 0),
        (gevent.GreenletExit(), False, 0),
    ],
)
def test_on_start_of_a_set_that_raises_skips_the_set(error, waits, errors):
    outer, _, trace = nested(on_start=_raise(error))
    assert len(live(outer)[2]) == errors
    assert trace == [*(["wait"] if waits else []), "user stop"]


def test_on_stop_of_a_set_that_raises_is_logged_and_not_fatal(caplog):
    outer, _, trace = nested(on_stop=_raise(LookupError("in on_stop")))
    _, exception, errors = live(outer)
    assert (trace, exception, errors) == (["inner start", "inner task", "user stop"], None, [])
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("root", "ERROR")
    assert record.getMessage().startswith("Uncaught exception in on_stop: \n")


def test_stop_in_a_set_leaves_all_sets_from_the_inside():
    outer, inner, trace = nested()
    inner.tasks = [_raise(StopUser())]
    live(outer)
    assert trace == ["inner start", "inner stop", "user stop"]


def test_nested_set_is_made_anew_and_knows_its_parents():
    seen = []

    class Innermost(TaskSet):
        @task
        def look(self):
            seen.append(self)
            raise StopUser

    class Inner(TaskSet):
        tasks = [Innermost]

    class Outer(User):
        client = "client"
        tasks = [Inner]

    user, _, _ = live(Outer)
    (innermost,) = seen
    assert (innermost.user, innermost.client) == (user, "client")
    assert type(innermost.parent) is Inner
    assert innermost.parent.parent is user
    with pytest.raises(AttributeError):
        innermost.user = None


# -- what may be overridden -----------------------------------------------------------------------------------------------


def test_scheduled_tasks_come_before_chosen_ones():
    class Planning(Counted):
        def on_start(self):
            tasks = self._taskset_instance
            tasks.schedule_task(lambda user: user.trace.append("second"))
            tasks.schedule_task(lambda user: user.trace.append("third"))
            tasks.schedule_task(lambda user: user.trace.append("first"), first=True)

    assert live(Planning)[0].trace[:4] == ["first", "second", "third", "task"]


def test_get_next_task_may_be_overridden():
    class Choosing(TaskSet):
        turn = 0

        def get_next_task(self):
            self.turn += 1
            return [self.bound, Choosing.plain, _raise(StopUser())][self.turn - 1]

        def bound(self):
            self.user.trace.append("bound")

        def plain(self):
            self.user.trace.append("plain")

    class Chosen(Counted):
        tasks = [Choosing]

        def on_start(self):
            self._taskset_instance.schedule_task(Choosing)

    assert live(Chosen)[0].trace == ["bound", "plain", "on_stop"]


@pytest.mark.parametrize("method", ["execute_task", "execute_next_task", "schedule_task", "get_next_task"])
@pytest.mark.parametrize("cls", [TaskSet, DefaultTaskSet])
def test_methods_of_task_sets_may_be_patched(monkeypatch, cls, method):
    called = []
    original = getattr(cls, method)
    monkeypatch.setattr(
        cls, method, lambda self, *args, **kwargs: (called.append(type(self)), original(self, *args, **kwargs))[1]
    )

    class Inner(TaskSet):
        @task
        def end(self):
            raise StopUser

    class Outer(User):
        tasks = [Inner]

    live(Outer)
    if cls is DefaultTaskSet:
        assert called == [DefaultTaskSet]
    elif method in ("execute_task", "get_next_task"):
        assert called == [Inner]
    else:
        assert called == [DefaultTaskSet, Inner]


def test_execute_task_may_be_patched_on_an_instance():
    class Patching(Counted):
        def on_start(self):
            tasks = self._taskset_instance
            original = tasks.execute_task

            def execute(one):
                self.trace.append("patched")
                original(one)

            tasks.execute_task = execute

    assert live(Patching)[0].trace == [*["patched", "task"] * 3, "patched", "on_stop"]


METHODS = ["get_next_task", "execute_task", "execute_next_task", "schedule_task", "wait_time", "wait", "_sleep"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("holder", ["instance", "class"])
@pytest.mark.parametrize("is_nested", [True, False])
def test_methods_may_be_assigned_and_taken_back_while_the_user_runs(monkeypatch, method, holder, is_nested):
    """From the second task on until the fourth, the method is another one. Checked against stock Locust, method by method."""
    trace = []

    def work(owner):
        running = owner if isinstance(owner, TaskSet) else owner._taskset_instance
        target = running if holder == "instance" else type(running)
        trace.append("task")
        number = trace.count("task")
        if number == 2:
            original = getattr(target, method)

            def assigned(*args, **kwargs):
                trace.append("assigned")
                return original(*args, **kwargs)

            monkeypatch.setattr(target, method, assigned)
        elif number == 4:
            monkeypatch.undo()
        elif number == 6:
            raise StopUser

    class Inner(TaskSet):
        tasks = [work]

    class Outer(User):
        wait_time = constant(0)
        tasks = [Inner if is_nested else work]

    live(Outer)
    # Before the third and fourth task, or after the second and third: in this order both look the same.
    assert trace == ["task", "task", "assigned", "task", "assigned", "task", "task", "task"]


def test_tasks_may_change_while_the_user_runs():
    class Changing(Counted):
        def body(self):
            self.tasks = [_raise(StopUser())]

    assert live(Changing)[0].trace == ["on_start", "task", "on_stop"]


def test_user_without_tasks_says_so_and_what_to_do(caplog):
    class Idle(User):
        task = "misspelt"
        turns = 0

        def wait_time(self):
            self.turns += 1
            if self.turns == 2:
                raise StopUser
            return 0

    _, _, errors = live(Idle)
    text = str(errors[0][1])
    assert text.startswith(
        "No tasks defined on Idle, but you have set a 'task' attribute on your class - maybe you meant to set 'tasks'?"
    )


# -- waits ----------------------------------------------------------------------------------------------------------------


def test_wait_time_is_asked_after_each_task():
    assert live(Waiting)[0].trace == ["on_start", *["task", "wait"] * 3, "on_stop"]


@pytest.mark.parametrize(
    "number", [0, -1, 0.0001, False, decimal.Decimal("0.0001"), fractions.Fraction(1, 10_000), float("nan")]
)
def test_wait_time_may_be_any_number(number):
    class Numbered(Counted):
        wait_time = lambda self: number  # noqa: E731

    assert live(Numbered)[0].trace.count("task") == 3


@pytest.mark.parametrize("rubbish", ["1", None, [1], object()])
def test_wait_time_that_is_no_number_is_named_and_ends_the_user(rubbish):
    class Rubbish(Counted):
        wait_time = lambda self: rubbish  # noqa: E731

    user, exception, errors = live(Rubbish)
    assert user.trace == ["on_start", "task"]
    assert str(exception) == f"wait_time of Rubbish returned {rubbish!r}; it must return a number of seconds"
    assert len(errors) == 1


def test_wait_time_of_the_set_comes_before_the_users():
    asked = []

    class Inner(TaskSet):
        wait_time = lambda self: asked.append("set") or 0  # noqa: E731

        @task
        def work(self):
            if asked:
                raise StopUser

    class Outer(User):
        wait_time = lambda self: asked.append("user") or 0  # noqa: E731
        tasks = [Inner]

    live(Outer)
    assert asked == ["set"]


@pytest.mark.parametrize("target", ["class", "instance"])
def test_wait_time_may_be_assigned_while_the_user_runs(target):
    asked = []

    class Assigned(Counted):
        def body(self):
            if target == "class":
                type(self).wait_time = lambda self: asked.append(self) or 0
            else:
                self.wait_time = lambda: asked.append(self) or 0

    user, _, _ = live(Assigned)
    assert asked == [user] * 3


def test_legacy_limits_count_when_there_is_no_wait_time(monkeypatch):
    slept = []
    monkeypatch.setattr(TaskSet, "_sleep", lambda self, seconds: slept.append(seconds))

    class Legacy(Counted):
        wait_time = None
        min_wait, max_wait = 2, 4

    live(Legacy)
    assert len(slept) == 3
    assert all(0.002 <= seconds <= 0.004 for seconds in slept)


def test_no_wait_time_at_all_is_an_error_with_names():
    class Without(Counted):
        wait_time = None

    _, exception, _ = live(Without)
    assert str(exception) == "You must define a wait_time method on either the Without or DefaultTaskSet class"


def test_pacing_state_is_the_users_own():
    class Paced(Counted):
        wait_time = constant_pacing(0.001)

    user, _, _ = live(Paced)
    assert user._cp_last_wait_time <= 0.001


def test_patched_sleep_gets_the_seconds(monkeypatch):
    slept = []
    monkeypatch.setattr(TaskSet, "_sleep", lambda self, seconds: slept.append(seconds))

    class Napping(Counted):
        wait_time = between(2, 3)

    live(Napping)
    assert len(slept) == 3
    assert all(2 <= seconds <= 3 for seconds in slept)


def test_user_that_never_waits_lets_others_run():
    ran = []

    class Greedy(User):
        wait_time = constant(0)

        @task
        def look(self):
            if ran:
                raise StopUser

    other = gevent.spawn_later(0.01, ran.append, True)
    live(Greedy)
    other.join()


# -- stopping -------------------------------------------------------------------------------------------------------------


class Parked(User):
    """Waits in its task until told, then between its tasks for ever."""

    wait_time = constant(3600)

    def __init__(self, environment):
        super().__init__(environment)
        self.go_on = gevent.event.Event()
        self.trace = []

    def on_stop(self):
        self.trace.append("on_stop")

    @task
    def work(self):
        self.go_on.wait()
        self.trace.append("task")


@pytest.fixture
def parked():
    group = gevent.pool.Group()
    user = Parked(Environment(user_classes=[Parked]))
    user.start(group)
    yield user
    group.kill()


def test_states_of_a_user(parked):
    assert parked._state is None
    gevent.sleep(0)
    assert parked._state == "running"
    parked.go_on.set()
    gevent.sleep(0)
    assert parked._state == "waiting"
    assert parked.stop() is True
    assert (parked.trace, len(parked.group)) == (["task", "on_stop"], 0)


def test_stop_lets_the_task_finish_unless_forced(parked):
    gevent.sleep(0)
    assert parked.stop() is False
    assert parked._state == "stopping"
    with pytest.raises(Exception, match="unexpected state: stopping"):
        parked.stop()
    parked.go_on.set()
    parked.greenlet.join()
    assert parked.trace == ["task", "on_stop"]


def test_stop_by_force_cuts_the_task_short(parked):
    gevent.sleep(0)
    parked.stop()
    assert parked.stop(force=True) is True
    assert (parked.trace, parked.greenlet.dead) == (["on_stop"], True)
    assert parked.stop(force=True) is True


def test_stop_before_the_start_leaves_no_trace(parked):
    assert parked.stop() is True
    assert (parked.trace, parked.greenlet.dead) == ([], True)


@pytest.mark.parametrize("force", [False, True])
def test_stop_after_the_end_changes_nothing(parked, force):
    assert parked.stop(force=True) is True
    trace = list(parked.trace)
    assert parked.stop(force) is True
    assert (parked.trace, parked.greenlet.dead) == (trace, True)


def test_wait_in_a_task_may_be_cut_short():
    class Pausing(Parked):
        @task
        def work(self):
            self.trace.append("before")
            self.wait()
            self.trace.append("after")

        tasks = []

    group = gevent.pool.Group()
    user = Pausing(Environment(user_classes=[Pausing]))
    user.tasks = [Pausing.work]
    user.start(group)
    gevent.sleep(0)
    assert user._state == "waiting"
    assert user.stop() is True
    assert user.trace == ["before", "on_stop"]


def test_state_that_is_none_is_refused(parked):
    with pytest.raises(ValueError, match='cannot be "asleep"'):
        parked._state = "asleep"


def test_user_may_run_twice():
    user, _, _ = live(Counted)
    user.trace.clear()
    gevent.spawn(user.run).join(LIMIT_S)
    assert user.trace == ["on_start", "task", "task", "task", "on_stop"]


def test_module_logger_names_are_locusts():
    from rocust._users import taskset, user

    assert (taskset.logger.name, user.logger.name) == ("locust.user.task", "locust.user.users")
    assert isinstance(taskset.logger, logging.Logger)
