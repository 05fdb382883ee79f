"""What asynchronous users and `async def` listeners may ask of the runner: their code runs on a loop, and greenlets on a hub."""

from __future__ import annotations

import asyncio
import threading

import gevent
import pytest
from rocust import AsyncUser, User, constant, task
from rocust._kernel import loop_thread
from rocust._run.environment import Environment
from rocust._run.shape import LoadTestShape

FOREVER_S = 3600.0


class Resting(User):
    wait_time = constant(FOREVER_S)

    @task
    def work(self):
        pass


class Ordering(AsyncUser):
    """One of them gives the orders."""

    wait_time = constant(FOREVER_S)
    fixed_count = 1

    @task
    async def work(self):
        assert loop_thread.here()
        await self.give()

    async def give(self):
        """The orders."""


def ordering(orders):
    """A user class whose one task gives these orders; asynchronous or plain."""

    class Giver(Ordering):
        async def give(self):
            answer = orders(self.environment.runner)
            if asyncio.iscoroutine(answer):
                await answer

    return Giver


def wait_until(condition):
    while not condition():
        gevent.sleep(0.001)


def test_task_may_start_another_number_of_users(make_runner):
    runner = make_runner(ordering(lambda runner: runner.start(5, 1000)), Resting)
    runner.start(2, 1000)
    wait_until(lambda: runner.user_count == 5 and runner.state == "running")
    assert runner.target_user_count == 5
    assert runner.user_classes_count == {"Giver": 1, "Resting": 4}
    assert runner.happened == ["test_start", "spawning_complete", "spawning_complete"]
    assert {greenlet.parent for greenlet in runner.user_greenlets} == {gevent.get_hub()}


def test_task_may_start_fewer_users_than_there_are(make_runner):
    runner = make_runner(ordering(lambda runner: runner.start(1, 1000)), Resting)
    runner.start(4, 1000)
    wait_until(lambda: runner.target_user_count == 1 and runner.state == "running" and runner.user_count == 1)
    assert runner.user_classes_count == {"Giver": 1, "Resting": 0}


def test_task_may_start_other_classes(make_runner):
    class Other(Resting):
        pass

    runner = make_runner(ordering(lambda runner: runner.start(3, 1000, user_classes=[Giver, Other])), Resting, Other)
    Giver = runner.user_classes[0]
    runner.start(1, 1000)
    wait_until(lambda: runner.user_count == 3)
    assert runner.user_classes_count == {"Giver": 1, "Resting": 0, "Other": 2}


def test_orders_are_carried_out_in_turn(make_runner):
    given = []

    def orders(runner):
        if not given:
            given.append(1)
            runner.stop()
            runner.start(3, 1000)

    runner = make_runner(ordering(orders), Resting)
    runner.start(2, 1000)
    wait_until(lambda: runner.happened[-1:] == ["spawning_complete"] and runner.user_count == 3)
    ended = runner.happened.index("test_stop")
    assert runner.happened[ended - 1 :] == ["test_stopping", "test_stop", "test_start", "spawning_complete"]


@pytest.mark.parametrize("stop_timeout", [0, FOREVER_S])
def test_task_may_stop_users(make_runner, stop_timeout):
    async def orders(runner):
        runner.stop_users({"Resting": 2})
        runner.update_state("told")
        while runner.user_count > 2:
            await asyncio.sleep(0.001)
        counted.append((runner.user_count, runner.user_classes_count))

    counted = []
    runner = make_runner(ordering(orders), Resting, stop_timeout=stop_timeout)
    runner.start(4, 1000)
    wait_until(lambda: counted)
    assert counted == [(2, {"Giver": 1, "Resting": 1})]
    assert runner.state == "told"


def test_task_may_stop_a_plain_user(make_runner):
    class Held(User):
        stopped = False

        def on_stop(self):
            Held.stopped = True

        @task
        def work(self):
            gevent.sleep(FOREVER_S)

    async def orders(runner):
        while not (held := [one.args[0] for one in list(runner.user_greenlets) if isinstance(one.args[0], Held)]):
            await asyncio.sleep(0.001)
        while held[0]._state != "running":
            await asyncio.sleep(0.001)
        assert held[0].stop(force=True)

    runner = make_runner(ordering(orders), Held)
    runner.start(2, 1000)
    wait_until(lambda: Held.stopped and runner.user_count == 1)


# Both fire in the greenlet that ramps; that one is to end by itself.
@pytest.mark.parametrize("is_coroutine", [True, False])
def test_listener_may_start_more_users_when_all_are_there(make_runner, is_coroutine):
    heard, finished = [], []

    def more(user_count):
        heard.append((user_count, threading.get_ident()))
        if user_count < 6:
            runner.start(user_count + 2, 1000)

    async def listen(user_count, **_):
        more(user_count)
        await asyncio.sleep(0.01)
        finished.append(user_count)

    def listen_plainly(user_count, **_):
        more(user_count)
        gevent.sleep(0.01)
        finished.append(user_count)

    runner = make_runner(Resting)
    runner.environment.events.spawning_complete.add_listener(listen if is_coroutine else listen_plainly)
    runner.start(2, 1000)
    wait_until(lambda: len(finished) == 3)
    assert [count for count, _ in heard] == sorted(finished) == [2, 4, 6]
    assert {thread == threading.get_ident() for _, thread in heard} == {not is_coroutine}
    assert (runner.user_count, runner.state, runner.target_user_count) == (6, "running", 6)


def test_listener_of_the_start_may_start_more_users_and_all_are_told_once(make_runner):
    told = []

    async def more(environment, **_):
        environment.runner.start(4, 1000)
        await asyncio.sleep(0.01)
        told.append("more")

    runner = make_runner(Resting)
    runner.environment.events.test_start.add_listener(more)
    runner.environment.events.test_start.add_listener(lambda **_: told.append("after it"))
    runner.start(1, 1000)
    wait_until(lambda: runner.user_count == 4 and runner.state == "running")
    assert told == ["more", "after it"]
    assert runner.happened.count("test_start") == 1


def test_shape_may_be_started_from_a_task(make_runner):
    class Shape(LoadTestShape):
        def tick(self):
            return 3, 1000

    runner = make_runner(ordering(lambda runner: runner.start_shape()), Resting, shape_class=Shape())
    runner.start(1, 1000)
    wait_until(lambda: runner.user_count == 3)
    assert runner.shape_greenlet in runner.greenlet


@pytest.mark.parametrize(
    ("order", "sentence"),
    [
        (
            lambda runner: runner.spawn_users({"Resting": 1}),
            "Runner.spawn_users() cannot be called on the loop of asynchronous users, where no greenlet runs. "
            "hint: Runner.start() can, with the number of users there shall be",
        ),
        (
            lambda _: Environment(user_classes=[Resting]).create_local_runner(),
            "A runner cannot be made on the loop of asynchronous users, where no greenlet runs. "
            "hint: make it outside of their tasks and listeners",
        ),
    ],
    ids=["spawn_users", "create_local_runner"],
)
def test_what_a_task_cannot_do_is_said_in_one_sentence(make_runner, order, sentence):
    said = []

    def orders(runner):
        try:
            order(runner)
        except RuntimeError as error:
            said.append(str(error))

    runner = make_runner(ordering(orders), Resting)
    runner.start(1, 1000)
    wait_until(lambda: said)
    assert said == [sentence]
    assert runner.user_count == 1


def test_order_that_goes_wrong_is_in_the_log(make_runner, caplog):
    runner = make_runner(ordering(lambda runner: runner.start("many", "fast")), Resting)
    runner.start(2, 1000)
    wait_until(lambda: "'>' not supported between instances of 'str' and 'int'" in caplog.text)
    assert runner.user_count == 2


# -- messages ---------------------------------------------------------------------------------------------------------------


def test_listener_of_a_message_may_be_a_coroutine_function(make_runner):
    got = []

    async def hear(environment, msg):
        await asyncio.sleep(0)
        got.append((environment, msg.data, bool(loop_thread.here())))

    async def orders(runner):
        runner.send_message("hello", "from a task")
        while len(got) < 2:
            await asyncio.sleep(0.001)
        got.append("both")

    runner = make_runner(ordering(orders), Resting)
    runner.register_message("hello", hear)
    runner.send_message("hello", "from a greenlet")
    assert got == [(runner.environment, "from a greenlet", True)]
    runner.start(1, 1000)
    wait_until(lambda: got[-1] == "both")
    assert got[1] == (runner.environment, "from a task", True)


def test_what_such_a_listener_raises_is_the_senders(make_runner):
    async def refuse(environment, msg):
        raise LookupError(msg.data)

    runner = make_runner(Resting)
    runner.register_message("hello", refuse)
    with pytest.raises(LookupError, match="unheard"):
        runner.send_message("hello", "unheard")
