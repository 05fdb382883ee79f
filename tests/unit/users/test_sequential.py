"""Sequential task sets: what their order is, and where it begins and ends."""

from __future__ import annotations

import pytest
from rocust import SequentialTaskSet, TaskSet, User, tag, task
from rocust.env import Environment
from rocust.exception import LocustError, RescheduleTask, RescheduleTaskImmediately, StopUser
from rocust.user.task import filter_tasks_by_tags


def notes(name, *, then=None):
    """A task that notes its name with the user, and then does something else, if anything."""

    def run(task_set):
        task_set.user.log.append(name)
        if then is not None:
            then(task_set)

    run.__name__ = name
    return run


def leave(task_set):
    task_set.interrupt(reschedule=False)


def stop(_):
    raise StopUser


@pytest.fixture
def user():
    user = User(Environment())
    user.log = []
    return user


def names(holder):
    return [one.__name__ for one in holder.tasks]


def test_a_list_is_executed_in_its_order_and_again(user):
    class Rounds(SequentialTaskSet):
        tasks = [notes("a"), notes("b"), notes("c", then=lambda one: len(one.user.log) >= 9 and leave(one))]

    with pytest.raises(RescheduleTask):
        Rounds(user).run()
    assert user.log == ["a", "b", "c"] * 3


def test_a_weight_is_how_often_a_task_runs_in_a_row(user):
    class Weighted(SequentialTaskSet):
        tasks = {notes("a"): 3, notes("b"): 0, notes("c"): 2}

        @task(2)
        def d(self):
            self.user.log.append("d")

        @task
        def e(self):
            self.interrupt()

    with pytest.raises(RescheduleTaskImmediately):
        Weighted(user).run()
    assert user.log == ["a", "a", "a", "c", "c", "d", "d"]


def test_the_tasks_attribute_stands_where_it_is_written():
    class Mixed(SequentialTaskSet):
        @task
        def first(self): ...

        tasks = [notes("second"), notes("third")]

        @task
        def fourth(self): ...

        def no_task(self): ...

    assert names(Mixed) == ["first", "second", "third", "fourth"]


def test_the_tasks_of_base_classes_come_first():
    class Mixin(SequentialTaskSet):
        @task
        def mixed_in(self): ...

    class Base(SequentialTaskSet):
        @task
        def base(self): ...

        tasks = [notes("base_list")]

    class Derived(Base, Mixin):
        tasks = [notes("own_list")]

        @task
        def own(self): ...

    assert names(Derived) == ["base", "base_list", "mixed_in", "own_list", "own"]
    assert names(Base) == ["base", "base_list"]


@pytest.mark.parametrize("declared", [(notes("a"),), {notes("a")}, None, "ab"], ids=repr)
def test_tasks_that_have_no_order_or_no_form_are_refused(declared):
    with pytest.raises(ValueError, match="of Wrong must be a list of tasks, or a dict"):
        type(SequentialTaskSet)("Wrong", (SequentialTaskSet,), {"tasks": declared})


def test_without_tasks_it_says_what_to_do(user):
    class Empty(SequentialTaskSet): ...

    with pytest.raises(LocustError, match=r"No tasks defined on Empty\. Use the @task decorator"):
        Empty(user).get_next_task()


def test_every_instance_begins_with_the_first_task(user):
    class Pair(SequentialTaskSet):
        tasks = [notes("a"), notes("b")]

    one, other = Pair(user), Pair(user)
    drawn = [one.get_next_task(), other.get_next_task(), one.get_next_task(), one.get_next_task()]
    assert [task.__name__ for task in drawn] == ["a", "a", "b", "a"]


def test_a_nested_sequence_is_run_to_its_end_and_begins_anew_each_time(user):
    class Inner(SequentialTaskSet):
        tasks = [notes("in"), notes("out", then=leave), notes("never")]

    class Outer(SequentialTaskSet):
        tasks = [notes("before"), Inner, notes("after", then=lambda one: len(one.user.log) >= 8 and stop(one))]

    with pytest.raises(StopUser):
        Outer(user).run()
    assert user.log == ["before", "in", "out", "after"] * 2


def test_a_decorated_nested_class_has_its_place_and_its_weight(user):
    class Outer(SequentialTaskSet):
        @task
        def before(self):
            self.user.log.append("before")

        @task(2)
        class Inner(TaskSet):
            tasks = [notes("inner", then=leave)]

        @task
        def after(self):
            raise StopUser

    with pytest.raises(StopUser):
        Outer(user).run()
    assert user.log == ["before", "inner", "inner"]


def test_a_task_scheduled_meanwhile_is_put_in_between(user):
    class Interrupted(SequentialTaskSet):
        @task
        def first(self):
            self.user.log.append("first")
            self.schedule_task(notes("scheduled"))

        @task
        def second(self):
            self.user.log.append("second")
            raise StopUser

    with pytest.raises(StopUser):
        Interrupted(user).run()
    assert user.log == ["first", "scheduled", "second"]


def test_a_task_that_raises_is_reported_and_the_next_one_follows(user):
    reported = []
    user.environment.events.user_error.add_listener(lambda exception, **_: reported.append(str(exception)))

    class Stumbling(SequentialTaskSet):
        @task
        def first(self):
            raise RuntimeError("stumbled")

        @task
        def second(self):
            self.user.log.append("second")
            raise StopUser

    with pytest.raises(StopUser):
        Stumbling(user).run()
    assert (reported, user.log) == (["stumbled"], ["second"])


def test_it_waits_after_each_task_as_every_task_set_does(user):
    class Waiting(SequentialTaskSet):
        tasks = [notes("a"), notes("b"), stop]

        def wait(self):
            self.user.log.append("wait")

    with pytest.raises(StopUser):
        Waiting(user).run()
    assert user.log == ["a", "wait", "b", "wait"]


def test_a_user_that_is_told_to_stop_does_not_begin_the_next_task(user):
    class Stopped(SequentialTaskSet):
        tasks = [notes("a", then=lambda one: one.user.stop()), notes("b")]

        def on_stop(self):
            self.user.log.append("on_stop")

    user.tasks = [Stopped]
    user.run()
    assert user.log == ["a", "on_stop"]


def test_get_next_task_may_be_overridden(user):
    class Skipping(SequentialTaskSet):
        tasks = [notes("a"), notes("b"), notes("c", then=stop)]

        def get_next_task(self):
            chosen = super().get_next_task()
            return super().get_next_task() if chosen.__name__ == "b" else chosen

    with pytest.raises(StopUser):
        Skipping(user).run()
    assert user.log == ["a", "c"]


def test_tags_leave_the_order_as_it_is(user):
    class Tagged(SequentialTaskSet):
        @task
        @tag("keep")
        def first(self): ...

        @task
        @tag("drop")
        def second(self): ...

        @task(2)
        @tag("keep", "also")
        def third(self): ...

    filter_tasks_by_tags(Tagged, {"keep"}, {"drop"})
    sequence = Tagged(user)
    assert [sequence.get_next_task().__name__ for _ in range(4)] == ["first", "third", "third", "first"]
