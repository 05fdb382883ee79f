"""Markov task sets: the walk itself, and the chains that are refused."""

from __future__ import annotations

import logging
import random
from collections import Counter
from itertools import pairwise

import pytest
from rocust import MarkovTaskSet, TaskSet, User, tag, task, transition, transitions
from rocust.env import Environment
from rocust.exception import LocustError, RescheduleTask, StopUser
from rocust.user.markov_taskset import (
    InvalidTransitionError,
    MarkovTaskTagError,
    NoMarkovTasksError,
    NonMarkovTaskTransitionError,
    get_markov_tasks,
    is_markov_task,
    to_weighted_list,
)
from rocust.user.task import filter_tasks_by_tags


@pytest.fixture
def user():
    user = User(Environment())
    user.log = []
    return user


class Weather(MarkovTaskSet):
    """After rain comes sunshine once in four times; after sunshine, either is as likely."""

    @transitions({"rain": 3, "sunshine": 1})
    def rain(self): ...

    @transitions(["rain", ("sunshine", 1)])
    def sunshine(self): ...


def walk(user, length, of=Weather):
    chain = of(user)
    return [chain.get_next_task().__name__ for _ in range(length)]


def test_it_begins_with_the_first_task_and_follows_the_transitions(user):
    class Circle(MarkovTaskSet):
        @transition("b")
        def a(self):
            self.user.log.append("a")

        @transition("c")
        def b(self):
            self.user.log.append("b")

        @transition("a")
        def c(self):
            self.user.log.append("c")
            if len(self.user.log) >= 9:
                self.interrupt(reschedule=False)

    with pytest.raises(RescheduleTask):
        Circle(user).run()
    assert user.log == ["a", "b", "c"] * 3


def test_the_next_task_depends_on_this_one_as_the_weights_say(user):
    random.seed(20_260)
    seen = walk(user, 40_000)
    pairs = Counter(pairwise(seen))
    after_rain = pairs["rain", "rain"] + pairs["rain", "sunshine"]
    after_sunshine = pairs["sunshine", "rain"] + pairs["sunshine", "sunshine"]
    # Some 26,700 and 13,300 draws: the standard deviations are below 0.003 and 0.005.
    assert pairs["rain", "rain"] / after_rain == pytest.approx(0.75, abs=0.015)
    assert pairs["sunshine", "rain"] / after_sunshine == pytest.approx(0.5, abs=0.025)


def test_the_same_seed_gives_the_same_walk_as_random_choice_does(user):
    random.seed(7)
    first = walk(user, 200)
    random.seed(7)
    expected, state = [], "rain"
    for _ in range(200):
        expected.append(state)
        state = random.choice(["rain", "rain", "rain", "sunshine"] if state == "rain" else ["rain", "sunshine"])
    assert first == expected


def test_every_instance_walks_for_itself(user):
    one, other = Weather(user), Weather(user)
    other.current = other.sunshine
    assert one.get_next_task().__name__ == "rain"
    assert other.get_next_task().__name__ == "sunshine"
    assert Weather.current is Weather.rain


def test_transitions_become_the_list_that_is_drawn_from():
    assert Weather.rain.transitions == ["rain", "rain", "rain", "sunshine"]
    assert Weather.sunshine.transitions == ["rain", "sunshine"]
    assert (Weather.abstract, Weather.tasks) == (False, [])


def test_transitions_may_be_added_one_by_one(user):
    class Added(MarkovTaskSet):
        @transition("a", weight=2)
        @transition("b")
        @transitions([("a", 5), "c"])
        def a(self): ...

        @transition("a")
        def b(self): ...

        @transition("a")
        def c(self): ...

    assert Counter(Added.a.transitions) == {"a": 2, "b": 1, "c": 1}, "a later weight replaces an earlier one"


def test_a_nested_task_set_may_be_a_task(user):
    class Outer(MarkovTaskSet):
        @transition("inner")
        def before(self):
            self.user.log.append("before")

        @transition("after")
        class inner(TaskSet):
            @task
            def inside(self):
                self.user.log.append(f"inside {type(self.parent).__name__}")
                self.interrupt()

        @transition("before")
        def after(self):
            raise StopUser

    with pytest.raises(StopUser):
        Outer(user).run()
    assert user.log == ["before", "inside Outer"]


def test_a_nested_class_does_not_change_the_transitions_of_its_base():
    class Base(TaskSet): ...

    class Derived(transition("a")(Base)): ...

    transition("b")(Derived)
    assert (Base.transitions, Derived.transitions) == ({"a": 1}, {"a": 1, "b": 1})


def test_a_chain_within_a_user_ends_with_the_user(user):
    class Chain(MarkovTaskSet):
        @transition("a")
        def a(self):
            self.user.log.append("a")
            if len(self.user.log) == 3:
                self.user.stop()

        def on_stop(self):
            self.user.log.append("on_stop")

    user.tasks = [Chain]
    user.run()
    assert user.log == ["a", "a", "a", "on_stop"]


def test_a_method_may_serve_in_two_chains(user):
    @transition("shared", weight=2)
    def shared(self): ...

    classes = [type(MarkovTaskSet)(name, (MarkovTaskSet,), {"shared": shared}) for name in ("One", "Other")]
    assert shared.transitions == ["shared", "shared"]
    assert [walk(user, 2, of=one) for one in classes] == [["shared", "shared"]] * 2


def test_a_task_that_raises_is_reported_and_the_walk_goes_on(user):
    reported = []
    user.environment.events.user_error.add_listener(lambda exception, **_: reported.append(str(exception)))

    class Stumbling(MarkovTaskSet):
        @transition("second")
        def first(self):
            raise RuntimeError("stumbled")

        @transition("first")
        def second(self):
            raise StopUser

    with pytest.raises(StopUser):
        Stumbling(user).run()
    assert reported == ["stumbled"]


def chain(**members):
    """A class body, as a class."""
    return type(MarkovTaskSet)("Chain", (MarkovTaskSet,), members)


def test_a_class_without_transitions_is_refused():
    with pytest.raises(NoMarkovTasksError, match="No Markov tasks defined in class Chain"):
        chain(tasks=[print])


def test_the_tasks_of_base_classes_do_not_count():
    with pytest.raises(NoMarkovTasksError):
        type(MarkovTaskSet)("Derived", (Weather,), {})


def test_a_transition_to_nothing_is_refused():
    @transition("nowhere")
    def a(self): ...

    with pytest.raises(InvalidTransitionError, match=r"to nowhere from a is invalid .* exists on class Chain"):
        chain(a=a)


def test_a_transition_to_a_dead_end_is_refused():
    @transition("end")
    def a(self): ...

    with pytest.raises(NonMarkovTaskTransitionError, match=r"Chain\.end cannot be used as a target .* from a"):
        chain(a=a, end=lambda self: None)


def test_tags_are_refused():
    @tag("smoke")
    @transition("a")
    def a(self): ...

    with pytest.raises(MarkovTaskTagError, match=r"Tags are unsupported .* Chain\.a: {'smoke'}"):
        chain(a=a)


def test_a_task_called_run_is_refused():
    @transition("run")
    def run(self): ...

    with pytest.raises(Exception, match="cannot have transitions"):
        chain(run=run)


@pytest.mark.parametrize("weight", [1.5, "2", None])
def test_a_weight_that_is_no_whole_number_is_refused_where_it_is_written(weight):
    with pytest.raises(TypeError, match=f"transition to a must be a whole number, not {weight!r}"):
        transition("a", weight)
    with pytest.raises(TypeError):
        transitions([("a", weight)])


def test_the_errors_are_locust_errors():
    for error in (NoMarkovTasksError, InvalidTransitionError, NonMarkovTaskTransitionError, MarkovTaskTagError):
        assert issubclass(error, LocustError)


@pytest.mark.parametrize("weight", [0, -1])
def test_a_task_that_no_way_leads_to_is_warned_of(caplog, weight):
    @transitions({"b": weight, "a": 1})
    def a(self): ...

    @transition("c")
    def b(self): ...

    @transition("c")
    def c(self): ...

    with caplog.at_level(logging.WARNING):
        chain(a=a, b=b, c=c)
    assert [record.getMessage() for record in caplog.records] == [
        "The following markov tasks are unreachable in class Chain: b, c"
    ]


def test_a_chain_that_can_be_walked_whole_is_not_warned_of(caplog):
    members = {}
    for number in range(2_000):  # more than a recursion would survive
        members[f"t{number}"] = transition(f"t{(number + 1) % 2_000}")(lambda self: None)
    chain(**members)
    assert not caplog.records


def test_a_hook_with_transitions_is_warned_of(caplog):
    @transition("on_start")
    def on_start(self): ...

    chain(on_start=on_start)
    assert "on_start has transitions" in caplog.text


def test_a_task_without_a_way_out_says_so(user):
    @transition("stuck", weight=0)
    def stuck(self): ...

    with pytest.raises(IndexError, match=r"All transitions of Chain\.stuck have a weight of zero"):
        chain(stuck=stuck)(user).get_next_task()


def test_an_abstract_class_is_not_checked(user):
    class Base(MarkovTaskSet):
        abstract = True

    class Derived(Base):
        @transition("a")
        def a(self): ...

    assert (Base.abstract, Derived.abstract) == (True, False)
    Base(user)


def test_the_tag_filter_leaves_a_chain_alone(caplog):
    class Tagged(User):
        tasks = [Weather]

    filter_tasks_by_tags(Tagged, {"smoke"}, None)
    assert Tagged.tasks == [Weather]
    assert not caplog.records


def test_the_pieces_that_plugins_call():
    @transition("a")
    def a(self): ...

    assert is_markov_task(a)
    assert not is_markov_task(print)
    assert get_markov_tasks({"x": 1, "a": a, "b": print}) == [a]
    assert to_weighted_list({"a": 2, "b": 0, "c": 1}) == ["a", "a", "c"]
