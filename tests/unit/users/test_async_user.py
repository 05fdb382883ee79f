"""Users whose tasks are coroutines: the same life, the same task sets, the same ways to stop as users whose tasks are functions."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import sys
import time
from contextlib import suppress

import gevent
import pytest
from rocust import (
    AsyncHttpUser,
    AsyncUser,
    HttpUser,
    SequentialTaskSet,
    TaskSet,
    User,
    between,
    constant,
    constant_pacing,
    tag,
    task,
)
from rocust._errors import InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately, StopTest, StopUser
from rocust._kernel import errand
from rocust._kernel.green import Group
from rocust._run.environment import Environment
from rocust._run.shape import LoadTestShape
from rocust._users.kinds import why_not_awaited
from rocust._users.task import filter_tasks_by_tags
from support.script import Route
from support.server import ScriptedServer

LIMIT_S = 30.0
FOREVER_S = 3600.0

pytestmark = pytest.mark.usefixtures("loop_in_debug")


def begin(user_class, **settings):
    """A user that runs in a greenlet of its own."""
    environment = Environment(user_classes=[user_class], **settings)
    environment.create_local_runner().greenlet.kill()
    user = user_class(environment)
    user.errors = []
    environment.events.user_error.add_listener(
        lambda user_instance, exception, tb: user.errors.append((user_instance, exception, tb))
    )
    user.start(Group())
    return user


def join(user):
    """Wait for its end; returns what its greenlet died of."""
    hub = gevent.get_hub()
    printed, hub.handle_error = hub.handle_error, lambda *_: None
    try:
        user.greenlet.join(LIMIT_S)
    finally:
        hub.handle_error = printed
    assert user.greenlet.ready(), "the user goes on for ever"
    return user.greenlet.exception


def live(user_class, **settings):
    user = begin(user_class, **settings)
    return user, join(user), user.errors


def wait_until(condition):
    with gevent.Timeout(LIMIT_S):
        while not condition():
            gevent.sleep(0.001)


class Counted(AsyncUser):
    """Ends itself at its fourth task."""

    wait_time = constant(0)

    def __init__(self, environment):
        super().__init__(environment)
        self.trace = []

    async def on_start(self):
        await asyncio.sleep(0)
        self.trace.append("on_start")

    async def on_stop(self):
        await asyncio.sleep(0)
        self.trace.append("on_stop")

    async def body(self):
        """What each task does."""

    @task
    async def work(self):
        if self.trace.count("task") + 1 > 3:
            raise StopUser
        self.trace.append("task")
        await self.body()


def raising(error, base=Counted):
    class Raising(base):
        async def body(self):
            raise error

    return Raising


def test_life_has_its_order():
    user, exception, errors = live(Counted)
    assert (user.trace, exception, errors) == (["on_start", "task", "task", "task", "on_stop"], None, [])
    assert user._state == "stopping"


def test_hooks_and_tasks_may_be_plain_functions():
    class Plain(Counted):
        def on_start(self):
            self.trace.append("plain start")

        def on_stop(self):
            self.trace.append("plain stop")

        @task
        def work(self):
            self.trace.append("plain task")
            raise StopUser

        tasks = [work]

    class Only(Plain):
        tasks = []

    Only.tasks = [Plain.work]
    assert live(Only)[0].trace == ["plain start", "plain task", "plain stop"]


@pytest.mark.parametrize("error", [StopUser(), StopTest("enough")])
def test_what_ends_a_user(error):
    user, exception, errors = live(raising(error))
    assert (user.trace, exception, errors) == (["on_start", "task", "on_stop"], None, [])


class Waiting(Counted):
    async def wait_time(self):
        await asyncio.sleep(0)
        self.trace.append("wait")
        return 0


@pytest.mark.parametrize(
    ("error", "waits"),
    [
        (RescheduleTask(), True),
        (RescheduleTaskImmediately(), False),
        (ValueError("broken"), True),
        (asyncio.CancelledError("by the task itself"), True),
    ],
)
def test_what_a_user_survives(error, waits, caplog):
    user, exception, errors = live(raising(error, Waiting))
    turn = ["task", "wait"] if waits else ["task"]
    assert (user.trace, exception) == (["on_start", *turn * 3, "on_stop"], None)
    if isinstance(error, (ValueError, asyncio.CancelledError)):
        assert [(one[0], type(one[1])) for one in errors] == [(user._taskset_instance, type(error))] * 3
        ours = [one for one in caplog.records if one.name == "locust.user.task"]
        assert [one.levelname for one in ours] == ["ERROR"] * 3
        assert "Traceback (most recent call last):" in ours[0].getMessage()
    else:
        assert errors == []


@pytest.mark.parametrize(("reschedule", "kind"), [(True, RescheduleTaskImmediately), (False, RescheduleTask)])
def test_interrupt_outside_of_a_nested_set_ends_the_user_with_an_error(reschedule, kind):
    user, exception, errors = live(raising(InterruptTaskSet(reschedule)))
    assert user.trace == ["on_start", "task"]
    assert (type(exception), errors) == (kind, [])


def test_exception_ends_the_user_where_exceptions_are_not_caught():
    user, exception, errors = live(raising(ValueError("broken")), catch_exceptions=False)
    assert (user.trace, str(exception), len(errors)) == (["on_start", "task"], "broken", 1)


@pytest.mark.parametrize(("error", "stops"), [(ValueError("v"), False), (StopUser("v"), True), (StopTest("v"), True)])
def test_on_start_that_raises(error, stops):
    class Failing(Counted):
        async def on_start(self):
            raise error

    user, exception, errors = live(Failing)
    assert (user.trace, exception) == (["on_stop"] if stops else [], None if stops else error)
    assert [one[1] for one in errors] == ([] if stops else [error])


def test_on_start_that_waits_for_something_cancelled_is_an_error_and_not_a_stop():
    class Starting(Counted):
        async def on_start(self):
            gone = asyncio.get_running_loop().create_future()
            gone.cancel()
            await gone

    user, exception, errors = live(Starting)
    assert isinstance(exception, asyncio.CancelledError)
    assert (user.trace, [type(one[1]) for one in errors]) == ([], [asyncio.CancelledError])


def test_on_stop_that_raises_ends_the_greenlet_with_it():
    class Failing(Counted):
        async def on_stop(self):
            raise LookupError("in on_stop")

    assert str(live(Failing)[1]) == "in on_stop"


def test_listener_of_an_error_may_be_a_coroutine_function():
    heard = []

    class Failing(Counted):
        async def on_start(self):
            @self.environment.events.user_error.add_listener
            async def hear(exception, **_):
                await asyncio.sleep(0)
                heard.append(str(exception))

        async def body(self):
            raise ValueError("broken")

    live(Failing)
    assert heard == ["broken"] * 3


# -- task sets ------------------------------------------------------------------------------------------------------------


def test_task_with_a_yield_is_an_error_that_names_it():
    class Yielding(AsyncUser):
        wait_time = constant(FOREVER_S)

        @task
        async def page(self):
            yield

    user = begin(Yielding)
    wait_until(lambda: user._state == "waiting")
    user.greenlet.kill(timeout=LIMIT_S)
    ((_, error, _),) = user.errors
    assert isinstance(error, TypeError)
    assert "Yielding.page has a yield" in str(error)


@pytest.mark.parametrize("reschedule", [True, False])
def test_nested_set_is_entered_and_left(reschedule):
    trace = []

    class Inner(TaskSet):
        async def on_start(self):
            trace.append("inner start")

        async def on_stop(self):
            trace.append("inner stop")

        @task
        async def leave(self):
            assert (self.user.__class__, self.parent) == (Outer, self.user)
            trace.append("inner task")
            self.interrupt(reschedule=reschedule)

    class Outer(AsyncUser):
        tasks = [Inner]

        async def wait_time(self):
            trace.append("wait")
            return 0

        async def on_start(self):
            self._taskset_instance.schedule_task(Inner)
            self._taskset_instance.schedule_task(self.end)

        async def on_stop(self):
            trace.append("user stop")

        @staticmethod
        async def end(_):
            raise StopUser

    live(Outer)
    assert trace == ["inner start", "inner task", "inner stop", *([] if reschedule else ["wait"]), "user stop"]


def test_sequence_keeps_its_order_and_a_set_may_wait_by_itself():
    trace = []

    class Steps(SequentialTaskSet):
        def wait_time(self):
            trace.append("wait")
            return 0

        @task
        async def first(self):
            await self.wait()
            trace.append("first")

        @task(2)
        async def second(self):
            trace.append("second")

        @task
        def third(self):
            raise StopUser

    class Walker(AsyncUser):
        tasks = [Steps]

    live(Walker)
    assert trace == ["wait", "first", "wait", "second", "wait", "second", "wait"]


def test_overridden_methods_are_called_and_may_be_coroutines():
    trace = []

    class Choosy(TaskSet):
        async def get_next_task(self):
            trace.append("choose")
            return self.work

        async def execute_task(self, task):
            trace.append("execute")
            await super().execute_task(task)

        async def work(self):
            trace.append("work")
            raise StopUser

    class Walker(AsyncUser):
        tasks = [Choosy]

    live(Walker)
    assert trace == ["choose", "execute", "work"]


METHODS = ["get_next_task", "execute_task", "execute_next_task", "schedule_task", "wait_time", "wait", "_sleep"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("holder", ["instance", "class"])
@pytest.mark.parametrize("is_nested", [True, False])
@pytest.mark.parametrize("is_coroutine", [True, False])
def test_methods_may_be_assigned_and_taken_back_while_the_user_runs(
    monkeypatch, method, holder, is_nested, is_coroutine
):
    """From the second task on until the fourth, as with plain users: see the test of the same name in test_user_loop."""
    trace = []

    async def work(owner):
        running = owner if isinstance(owner, TaskSet) else owner._taskset_instance
        target = running if holder == "instance" else type(running)
        trace.append("task")
        number = trace.count("task")
        if number == 2:
            original = getattr(target, method)

            def assigned(*args, **kwargs):
                trace.append("assigned")
                return original(*args, **kwargs)

            async def assigned_coroutine(*args, **kwargs):
                answer = assigned(*args, **kwargs)
                return await answer if inspect.isawaitable(answer) else answer

            monkeypatch.setattr(target, method, assigned_coroutine if is_coroutine else assigned)
        elif number == 4:
            monkeypatch.undo()
        elif number == 6:
            raise StopUser

    class Inner(TaskSet):
        tasks = [work]

    class Outer(AsyncUser):
        wait_time = constant(0)
        tasks = [Inner if is_nested else work]

    live(Outer)
    assert trace == ["task", "task", "assigned", "task", "assigned", "task", "task", "task"]


def test_weights_tags_and_fixed_counts_are_read_as_ever():
    class Tagged(AsyncUser):
        fixed_count = 2

        @tag("a")
        @task(3)
        async def often(self): ...

        @tag("b")
        @task
        async def seldom(self): ...

    assert [one.__name__ for one in Tagged.tasks] == ["often"] * 3 + ["seldom"]
    filter_tasks_by_tags(Tagged, {"b"})
    assert [one.__name__ for one in Tagged.tasks] == ["seldom"]


# -- waits ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", [constant(0.01), between(0.01, 0.02), constant_pacing(0.01)])
def test_policy_of_the_engine_is_waited_for(policy):
    class Paced(Counted):
        wait_time = policy

    began_at = time.perf_counter()
    live(Paced)
    assert time.perf_counter() - began_at >= 0.03


def test_wait_that_is_no_number_is_an_error_that_names_the_user():
    class Odd(Counted):
        async def wait_time(self):
            if self.errors:
                raise StopUser
            return "soon"

    _, _, errors = live(Odd)
    assert "wait_time of Odd returned 'soon'" in str(errors[0][1])


def test_users_without_a_wait_let_each_other_run():
    class Greedy(AsyncUser):
        turns = 0

        @task
        async def work(self):
            type(self).turns += 1
            if Greedy.turns >= 10 and Other.turns >= 10:
                raise StopUser

    class Other(Greedy):
        turns = 0

    both = [begin(Greedy), begin(Other)]
    assert [join(user) for user in both] == [None, None]


# -- stopping -------------------------------------------------------------------------------------------------------------


class Held(Counted):
    """Waits in its task until it is cancelled."""

    is_held = False

    async def body(self):
        self.is_held = True
        try:
            await asyncio.sleep(FOREVER_S)
        except asyncio.CancelledError:
            self.trace.append("cancelled")
            await asyncio.sleep(0)
            self.trace.append("cleaned up")
            raise
        finally:
            self.trace.append("finally")


def test_forced_stop_cancels_the_task_and_its_clean_up_and_on_stop_run():
    user = begin(Held)
    wait_until(lambda: user.is_held)
    assert user._state == "running"
    assert user.stop(force=True)
    assert join(user) is None
    assert user.trace == ["on_start", "task", "cancelled", "cleaned up", "finally", "on_stop"]


def test_killed_greenlet_ends_a_waiting_user():
    class Resting(Counted):
        wait_time = constant(FOREVER_S)

    user = begin(Resting)
    wait_until(lambda: user._state == "waiting")
    user.greenlet.kill(timeout=LIMIT_S)
    assert user.trace == ["on_start", "task", "on_stop"]


def test_graceful_stop_lets_the_task_finish():
    class Finishing(Counted):
        async def body(self):
            while self._state != "stopping":
                await asyncio.sleep(0)
            self.trace.append("finished")

    user = begin(Finishing)
    wait_until(lambda: "task" in user.trace)
    assert not user.stop()
    assert join(user) is None
    assert user.trace == ["on_start", "task", "finished", "on_stop"]


def test_user_that_is_killed_before_it_has_begun_runs_its_on_stop():
    user = begin(Held)
    user.greenlet.start()
    gevent.sleep(0)
    user.greenlet.kill(timeout=LIMIT_S)
    assert user.trace[-1] == "on_stop"


def test_user_may_stop_itself_from_its_task():
    class Leaving(Counted):
        async def body(self):
            self.stop(force=True)
            await asyncio.sleep(FOREVER_S)

    user = begin(Leaving)
    assert join(user) is None
    assert user.trace == ["on_start", "task", "on_stop"]


def test_cancellation_that_a_task_keeps_to_itself_ends_the_user_after_the_task():
    class Absorbing(Counted):
        is_held = False

        async def body(self):
            self.is_held = True
            try:
                await asyncio.sleep(FOREVER_S)
            except asyncio.CancelledError:
                self.trace.append("absorbed")

    user = begin(Absorbing)
    wait_until(lambda: user.is_held)
    user.greenlet.kill(timeout=LIMIT_S)
    assert user.trace == ["on_start", "task", "absorbed", "on_stop"]


def test_task_that_does_not_end_is_named_and_left_alone(monkeypatch, caplog):
    monkeypatch.setattr(errand, "CLEAN_UP_S", 0.05)

    class Stubborn(Counted):
        refused = 0

        async def body(self):
            while self.refused < 3:
                try:
                    await asyncio.sleep(FOREVER_S)
                except asyncio.CancelledError:
                    self.refused += 1

    user = begin(Stubborn)
    wait_until(lambda: "task" in user.trace)
    user.greenlet.kill(timeout=LIMIT_S)
    assert user.greenlet.ready()
    (warning,) = [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING and "locust" in one.name]
    assert warning.startswith("A task of Stubborn does not end although it was cancelled")
    assert f"Stubborn.body, at {__file__}:" in warning or f"Counted.work, at {__file__}:" in warning


def test_on_stop_that_waits_runs_to_its_end(caplog):
    class Slow(Held):
        async def on_stop(self):
            await asyncio.sleep(0.1)
            self.trace.append("on_stop")

    user = begin(Slow)
    wait_until(lambda: user.is_held)
    user.greenlet.kill(timeout=LIMIT_S)
    assert user.trace[-1] == "on_stop"
    assert [one for one in caplog.records if one.name.startswith("locust")] == []


@pytest.mark.parametrize("of_task_set", [False, True], ids=["user", "task set"])
def test_on_stop_that_does_not_end_is_named_and_left_alone(of_task_set, monkeypatch, caplog):
    monkeypatch.setattr(errand, "CLEAN_UP_S", 0.05)

    async def never(self):
        lingers.append(self)
        for _ in range(3):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(FOREVER_S)

    class Nested(TaskSet):
        on_stop = never if of_task_set else TaskSet.on_stop

        @task
        async def leave(self):
            raise StopUser

    class Lingering(AsyncUser):
        wait_time = constant(0)
        tasks = [Nested]
        on_stop = AsyncUser.on_stop if of_task_set else never

    lingers = []
    user = begin(Lingering)
    wait_until(lambda: lingers)
    assert not user.greenlet.ready()
    user.greenlet.kill(timeout=LIMIT_S)
    assert user.greenlet.ready()
    (warning,) = [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING and "locust" in one.name]
    assert warning.startswith("An on_stop of Lingering does not end; nobody waits for it any longer: ")
    assert f"test_on_stop_that_does_not_end_is_named_and_left_alone.never, at {__file__}:" in warning


# -- tasks of its own -----------------------------------------------------------------------------------------------------


def test_children_end_with_their_user():
    ended = []

    class Parent(Counted):
        async def child(self, name):
            try:
                if name == "first":
                    self.grandchild = asyncio.create_task(self.child("grand"))
                await asyncio.sleep(FOREVER_S)
            finally:
                await asyncio.sleep(0)
                ended.append(name)

        async def on_start(self):
            self.background = asyncio.create_task(self.child("first"))

        async def body(self):
            await asyncio.gather(*(self.child(name) for name in ("a", "b")))

    user = begin(Parent)
    wait_until(lambda: "task" in user.trace and hasattr(user, "grandchild"))
    user.greenlet.kill(timeout=LIMIT_S)
    assert sorted(ended) == ["a", "b", "first", "grand"]
    assert not user._errand.children


def test_child_that_cleans_up_is_not_cancelled_once_more_when_another_has_ended():
    ended = []

    class Parent(Counted):
        async def child(self, turns):
            try:
                await asyncio.sleep(FOREVER_S)
            finally:
                for _ in range(turns):
                    await asyncio.sleep(0)
                # In Python 3.11 it is a task of its own that `wait_for` waits for.
                await asyncio.wait_for(asyncio.sleep(0), FOREVER_S)
                ended.append(turns)

        async def body(self):
            self.kept = [asyncio.create_task(self.child(turns)) for turns in (0, 20, 40)]
            await asyncio.sleep(0)
            raise StopUser

    live(Parent)
    assert ended == [0, 20, 40]


def test_child_that_does_not_end_is_named(monkeypatch, caplog):
    monkeypatch.setattr(errand, "CLEAN_UP_S", 0.05)

    class Parent(Counted):
        async def child(self):
            for _ in range(3):
                with suppress(asyncio.CancelledError):
                    await asyncio.sleep(FOREVER_S)

        async def body(self):
            self.kept = asyncio.create_task(self.child())
            await asyncio.sleep(0)
            raise StopUser

    live(Parent)
    (warning,) = [one.getMessage() for one in caplog.records if one.name == "locust.user.users"]
    assert warning.startswith("A task of Parent does not end")
    assert "Parent.child, at " in warning


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 has no task groups")
def test_steering_exception_in_a_task_group_steers_the_user():
    class Grouped(Counted):
        async def child(self):
            raise StopUser

        async def body(self):
            async with asyncio.TaskGroup() as group:
                group.create_task(self.child())

    user, exception, errors = live(Grouped)
    assert (user.trace, exception, errors) == (["on_start", "task", "on_stop"], None, [])


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 has no task groups")
def test_steering_exception_among_errors_of_a_task_group_steers_the_user_and_the_errors_are_told():
    class Grouped(Counted):
        async def child(self, error):
            raise error

        async def body(self):
            async with asyncio.TaskGroup() as group:
                group.create_task(self.child(ValueError("one")))
                group.create_task(self.child(StopUser()))

    user, exception, errors = live(Grouped)
    assert (user.trace, exception) == (["on_start", "task", "on_stop"], None)
    ((_, group, _),) = errors
    assert [str(one) for one in group.exceptions] == ["one"]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 does not count them")
@pytest.mark.parametrize("own", [True, False], ids=["of the task's own", "of the user"])
def test_cancellation_that_was_dealt_with_is_owed_no_longer(own):
    owed = []

    class Cancelled(Counted):
        async def on_stop(self):
            owed.append(asyncio.current_task().cancelling())

        async def body(self):
            if not own:
                self.stop(force=True)
                await asyncio.sleep(FOREVER_S)
            owed.append(asyncio.current_task().cancelling())
            asyncio.current_task().cancel()
            await asyncio.sleep(FOREVER_S)

    _, exception, _ = live(Cancelled)
    assert exception is None
    assert owed == ([0] * 4 if own else [0])


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 has no task groups")
def test_exceptions_of_a_task_group_are_one_error():
    class Grouped(Counted):
        async def child(self, error):
            raise error

        async def body(self):
            async with asyncio.TaskGroup() as group:
                group.create_task(self.child(ValueError("one")))
                group.create_task(self.child(LookupError("two")))

    _, _, errors = live(Grouped)
    assert len(errors) == 3
    assert {str(one) for one in errors[0][1].exceptions} == {"one", "two"}


def test_what_blocks_may_go_to_a_thread():
    class Blocking(Counted):
        async def body(self):
            self.trace.append(await asyncio.to_thread(sum, [1, 2, 3]))
            with pytest.raises(LookupError):
                await asyncio.to_thread({}.__getitem__, "none")

    assert live(Blocking)[0].trace == ["on_start", *["task", 6] * 3, "on_stop"]


mine = contextvars.ContextVar("mine", default="nobody's")


def test_context_variables_are_their_users_own():
    seen = []

    class Visitor(Counted):
        async def on_start(self):
            seen.append(mine.get())
            mine.set(id(self))

        async def child(self):
            return mine.get()

        async def body(self):
            await asyncio.sleep(0)
            assert mine.get() == id(self)
            assert await asyncio.gather(self.child(), self.child()) == [id(self)] * 2

    users = [begin(Visitor) for _ in range(20)]
    assert [join(user) for user in users] == [None] * 20
    assert seen == ["nobody's"] * 20
    assert [user.errors for user in users] == [[]] * 20
    assert mine.get() == "nobody's"


# -- measuring ------------------------------------------------------------------------------------------------------------


def test_measured_block_is_a_request():
    heard = []

    class Measuring(Counted):
        def context(self):
            return {"who": "me"}

        async def on_start(self):
            self.environment.events.request.add_listener(lambda **meta: heard.append(meta))

        async def body(self):
            async with self.measure("WS", "echo") as m:
                await asyncio.sleep(0.01)
                m["response_length"] = 7
            async with self.measure("WS", "broken", context={"own": 1}):
                raise ValueError("broken")
            async with self.measure("WS", "last"):
                raise StopUser

    user, _, errors = live(Measuring)
    assert [(one["name"], one["response_length"], type(one["exception"])) for one in heard] == [
        ("echo", 7, type(None)), ("broken", 0, ValueError), ("last", 0, type(None)),
    ]  # fmt: skip
    assert (heard[0]["context"], heard[1]["context"]) == ({"who": "me"}, {"who": "me", "own": 1})
    assert heard[0]["response_time"] >= 10
    assert errors == []
    stats = user.environment.stats
    assert (stats.total.num_requests, stats.total.num_failures, stats.num_aborted) == (3, 1, 0)


def test_measured_block_of_a_generator_that_is_closed_half_way_is_a_request():
    class Measuring(AsyncUser):
        async def rows(self):
            async with self.measure("SQL", "select"):
                for row in range(3):
                    yield row

        @task
        async def body(self):
            rows = self.rows()
            async for _ in rows:
                break
            await rows.aclose()
            raise StopUser

    user = begin(Measuring)
    assert join(user) is None
    assert (user.environment.stats.total.num_requests, user.environment.stats.total.num_failures) == (1, 0)


def test_measured_block_that_is_cancelled_is_no_request():
    class Measuring(Counted):
        is_held = False

        async def body(self):
            async with self.measure("WS", "echo"):
                self.is_held = True
                await asyncio.sleep(FOREVER_S)

    user = begin(Measuring)
    wait_until(lambda: user.is_held)
    user.greenlet.kill(timeout=LIMIT_S)
    stats = user.environment.stats
    assert (stats.total.num_requests, stats.num_aborted) == (0, 1)


# -- coroutines that nobody would await -----------------------------------------------------------------------------------


def _coroutines_in(**members):
    return type("Visitor", (HttpUser,), members)


async def browse(self): ...


@pytest.mark.parametrize(
    ("user_class", "named"),
    [
        (_coroutines_in(tasks=[browse]), "browse"),
        (_coroutines_in(tasks=[len], on_start=browse), "browse"),
        (_coroutines_in(tasks=[type("Set", (TaskSet,), {"tasks": [browse]})]), "browse"),
        (_coroutines_in(tasks=[len], wait_time=browse), "browse"),
    ],
)
def test_coroutine_of_a_plain_user_is_refused_in_one_sentence(user_class, named):
    with pytest.raises(ValueError, match="Visitor has a coroutine function") as caught:
        Environment(user_classes=[user_class])
    sentence = str(caught.value)
    assert named in sentence
    assert sentence.endswith("hint: subclass rocust.AsyncHttpUser instead")


@pytest.mark.parametrize("base", [AsyncHttpUser, HttpUser])
def test_context_that_would_be_a_coroutine_is_refused_in_one_sentence(base):
    class Visitor(base):
        async def context(self):
            return {}

        @task
        def rest(self): ...

    with pytest.raises(
        ValueError, match=r"Visitor\.context is a coroutine function .* hint: context is a plain function"
    ):
        Environment(user_classes=[Visitor])


def test_shape_that_would_be_a_coroutine_is_refused_in_one_sentence():
    class Shape(LoadTestShape):
        async def tick(self):
            return None

    with pytest.raises(ValueError, match=r"Shape\.tick is a coroutine function .* hint: tick is a plain function"):
        Environment(user_classes=[Counted], shape_class=Shape())


def test_what_nobody_needs_to_await_is_not_refused():
    class Plain(User):
        tasks = [len]

    class Awaited(AsyncUser):
        tasks = [browse]

    assert why_not_awaited(Plain) is None
    assert why_not_awaited(Awaited) is None


# -- with an HTTP client --------------------------------------------------------------------------------------------------


def test_http_user_needs_a_host():
    with pytest.raises(StopTest, match="You must specify the base host"):
        AsyncHttpUser(Environment())


def test_rest_sends_json_and_judges_it():
    class Caller(AsyncHttpUser):
        @task
        async def call(self):
            async with self.rest("POST", "/echo", json={"a": 1}) as response:
                assert response.js == {"greeting": "hello"}
            async with self.rest_("GET", "/echo") as response:
                assert response.js["greeting"] == "goodbye", "not polite"
            async with self.rest("GET", "/text"):
                pass
            raise StopUser

    routes = {
        "/echo": Route(body='{"greeting": "hello"}', headers=(("Content-Type", "application/json"),)),
        "/text": Route(body="hello"),
    }
    with ScriptedServer(routes) as server:
        Caller.host = server.url
        user, _, errors = live(Caller)
        assert errors == []
        sent = server.journal("/echo")[0]
        assert (sent.header("Accept"), sent.header("Content-Type")) == ("application/json", "application/json")
        stats = user.environment.stats
        assert stats.get("/echo", "POST").num_failures == 0
        assert stats.get("/echo?_=...", "GET").num_failures == 1
        failures = [str(error.error) for error in stats.errors.values()]
        assert "Could not parse response as JSON" in str(failures)
        assert "not polite" in str(failures)
