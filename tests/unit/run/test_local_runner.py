"""The local runner: ramps, stops, states, counts, messages."""

from __future__ import annotations

import logging

import pytest
from rocust import User, constant, task
from rocust._errors import StopTest, StopUser
from rocust._kernel.green import sleep, spawn
from rocust._run.dispatch import UsersDispatcher
from rocust._users.http_user import HttpUser

FOREVER_S = 3600.0


class Resting(User):
    """Rests as soon as it has done its first task."""

    wait_time = constant(FOREVER_S)

    @task
    def rest(self):
        pass


class Busy(User):
    """Never finishes its task."""

    wait_time = constant(0)

    @task
    def work(self):
        sleep(FOREVER_S)


class Heavy(Busy):
    weight = 3


class Fixed(Busy):
    fixed_count = 2


def test_start_ramps_and_says_when_it_is_done(make_runner, ramp):
    runner = make_runner(Busy, Heavy)
    assert (runner.state, runner.user_count, runner.user_classes_count) == ("ready", 0, {"Busy": 0, "Heavy": 0})
    ramp(runner, 8)
    assert (runner.state, runner.user_count) == ("running", 8)
    assert runner.user_classes_count == runner.target_user_classes_count == {"Busy": 2, "Heavy": 6}
    assert runner.target_user_count == 8
    assert runner.happened == ["test_start", "spawning_complete"]


def test_start_again_changes_the_number_of_users_without_a_new_test(make_runner, ramp):
    runner = make_runner(Busy, Fixed)
    ramp(runner, 5)
    assert runner.user_classes_count == {"Busy": 3, "Fixed": 2}
    ramp(runner, 2)
    assert runner.user_classes_count == {"Busy": 0, "Fixed": 2}
    ramp(runner, 4)
    assert runner.user_classes_count == {"Busy": 2, "Fixed": 2}
    assert runner.happened == ["test_start", *["spawning_complete"] * 3]


def test_start_during_a_ramp_drops_that_ramp(make_runner, ramp):
    runner = make_runner(Busy)
    runner.start(1000, 1)
    first = runner.spawning_greenlet
    sleep(0)
    assert runner.state in ("ready", "spawning")
    ramp(runner, 3)
    assert first.dead
    assert (runner.user_count, runner.happened.count("spawning_complete")) == (3, 1)


def test_start_with_other_classes_starts_those_alone(make_runner, ramp):
    runner = make_runner(Busy, Heavy)
    ramp(runner, 4, user_classes=[Heavy])
    assert runner.user_classes_count == {"Busy": 0, "Heavy": 4}


def test_start_that_waits_refuses_more_users_than_one_step(make_runner, caplog):
    runner = make_runner(Busy)
    logging.getLogger("locust.runners").propagate = True
    runner.start(5, 1, wait=True)
    runner.spawning_greenlet.join()
    assert isinstance(runner.spawning_greenlet.exception, ValueError)
    assert runner.user_count == 0


def test_start_that_waits_returns_when_the_users_have_ended(make_runner, ramp):
    class Short(User):
        @task
        def end(self):
            raise StopUser

    runner = make_runner(Short)
    ramp(runner, 3, wait=True)
    assert (runner.user_count, runner.state) == (0, "running")


def test_high_spawn_rate_is_warned_of(make_runner, caplog):
    runner = make_runner(Busy)
    runner.start(1, 100)
    assert "spawn rate is very high" not in caplog.text
    runner.start(1, 101)
    assert "spawn rate is very high" in caplog.text


def test_host_of_the_environment_becomes_that_of_the_classes(make_runner, ramp):
    class Hosted(Busy):
        host = "http://own"

    ramp(make_runner(Hosted), 1)
    assert Hosted.host == "http://own"
    ramp(make_runner(Hosted, host="http://given"), 1)
    assert Hosted.host == "http://given"


def test_stop_ends_every_user_and_a_second_one_does_nothing(make_runner, ramp):
    runner = make_runner(Busy, Resting)
    ramp(runner, 6)
    counted = []
    runner.environment.events.test_stopping.add_listener(lambda **_: counted.append((runner.user_count, runner.state)))
    runner.environment.events.test_stop.add_listener(lambda **_: counted.append((runner.user_count, runner.state)))
    runner.stop()
    runner.stop()
    assert counted == [(6, "running"), (0, "stopped")]
    assert (runner.user_count, runner.user_classes_count) == (0, {"Busy": 0, "Resting": 0})
    assert runner.final_user_classes_count == {"Busy": 3, "Resting": 3}
    assert runner.happened == ["test_start", "spawning_complete", "test_stopping", "test_stop"]


def test_stop_during_a_ramp_ends_the_ramp(make_runner):
    runner = make_runner(Busy)
    runner.start(1000, 1)
    sleep(0)
    runner.stop()
    assert (runner.user_count, runner.state, runner.spawning_greenlet.dead) == (0, "stopped", True)
    assert "spawning_complete" not in runner.happened


def test_test_can_be_started_again_after_it_stopped(make_runner, ramp):
    runner = make_runner(Busy)
    ramp(runner, 2)
    runner.stats.log_request("GET", "/", 1, 1)
    runner.log_exception("local", "message", "trace")
    runner.stop()
    assert runner.stats.total.num_requests == 1
    ramp(runner, 1)
    assert (runner.stats.total.num_requests, runner.exceptions, runner.user_count) == (0, {}, 1)
    assert runner.happened.count("test_start") == 2


def test_reset_stats_begins_anew_when_all_users_are_there(make_runner, ramp):
    runner = make_runner(Busy, reset_stats=True)
    runner.environment.events.test_start.add_listener(lambda **_: runner.stats.log_request("GET", "/", 1, 1))
    ramp(runner, 1)
    assert runner.stats.total.num_requests == 0


def _stopping(stop_order, signal, **settings):
    """A class whose user is in its task, and tells what becomes of it."""

    class Telling(User):
        wait_time = constant(FOREVER_S)
        started, finish = signal(), signal()

        def on_stop(self):
            stop_order.append("on_stop")

        @task
        def work(self):
            self.started.set()
            self.finish.wait()
            stop_order.append("task")

    return Telling


def test_without_stop_timeout_a_task_is_cut_short_and_on_stop_runs(make_runner, ramp, signal):
    order = []
    telling = _stopping(order, signal)
    runner = make_runner(telling)
    ramp(runner, 1)
    telling.started.expect()
    runner.stop()
    assert order == ["on_stop"]


def test_with_stop_timeout_a_task_may_finish(make_runner, ramp, signal):
    order = []
    telling = _stopping(order, signal)
    runner = make_runner(telling, stop_timeout=FOREVER_S)
    ramp(runner, 1)
    telling.started.expect()
    stopping = spawn(runner.stop)
    while runner.state != "cleanup":
        sleep(0)
    assert order == []
    telling.finish.set()
    stopping.join()
    assert (order, runner.user_count) == (["task", "on_stop"], 0)


def test_with_stop_timeout_a_resting_user_ends_at_once(make_runner, ramp, signal):
    order = []
    telling = _stopping(order, signal)
    telling.finish.set()
    runner = make_runner(telling, stop_timeout=FOREVER_S)
    ramp(runner, 1)
    (greenlet,) = runner.user_greenlets
    while greenlet.args[0]._state != "waiting":
        sleep(0)
    runner.stop()
    assert (order, runner.user_count) == (["task", "on_stop"], 0)


def test_task_that_does_not_finish_in_time_is_cut_short(make_runner, ramp, signal, caplog):
    caplog.set_level(logging.INFO, "locust.runners")
    order = []
    telling = _stopping(order, signal)
    runner = make_runner(telling, stop_timeout=0.05)
    ramp(runner, 1)
    telling.started.expect()
    runner.stop()
    assert (order, runner.user_count) == (["on_stop"], 0)
    assert "Not all users finished their tasks & terminated in 0.05 seconds. Stopping them..." in caplog.text


def test_users_that_have_just_been_started_have_their_first_turn_before_they_are_stopped(make_runner):
    turns = []

    class Brief(User):
        wait_time = constant(FOREVER_S)

        @task
        def note(self):
            turns.append("task")

        def on_stop(self):
            turns.append("on_stop")

    runner = make_runner(Brief)
    runner.spawn_users({"Brief": 2})
    runner.stop_users({"Brief": 2})
    assert (turns, runner.user_count) == (["task", "task", "on_stop", "on_stop"], 0)


def test_on_stop_is_not_cut_short_whoever_was_first(make_runner, ramp):
    """Users without a wait are on their way again and again: they must not find out by themselves, and then be ended in `on_stop`."""
    done = []

    class Restless(User):
        @task
        def work(self):
            pass

        def on_stop(self):
            sleep(0.01)
            done.append(self)

    runner = make_runner(Restless)
    for number in range(1, 21):
        ramp(runner, 10)
        sleep(0.003)
        runner.stop()
        assert len(done) == 10 * number


def test_user_that_is_stopping_already_is_only_waited_for(make_runner, ramp, signal):
    order = []
    telling = _stopping(order, signal)
    runner = make_runner(telling, stop_timeout=FOREVER_S)
    ramp(runner, 1)
    telling.started.expect()
    first = spawn(runner.stop_users, {"Telling": 1})
    second = spawn(runner.stop_users, {"Telling": 1})
    sleep(0)
    sleep(0)
    telling.finish.set()
    first.get()
    second.get()
    assert order == ["task", "on_stop"]


@pytest.mark.parametrize("stop_timeout", [0, 5.0])
def test_stop_of_a_class_that_overrides_it_is_called(make_runner, ramp, stop_timeout):
    forced = []

    class Own(Busy):
        def stop(self, force=False):
            forced.append(force)
            return super().stop(force=True)

    runner = make_runner(Own, stop_timeout=stop_timeout)
    ramp(runner, 2)
    runner.stop()
    assert (forced, runner.user_count) == ([not stop_timeout] * 2, 0)


def test_stop_users_stops_as_many_as_asked(make_runner):
    runner = make_runner(Busy, Heavy)
    assert runner.state == "ready"
    users = runner.spawn_users({"Busy": 3, "Heavy": 1})
    assert [type(user).__name__ for user in users] == ["Busy", "Busy", "Busy", "Heavy"]
    assert runner.state == "spawning"
    sleep(0)
    runner.stop_users({"Busy": 2, "Heavy": 0})
    assert runner.user_classes_count == {"Busy": 1, "Heavy": 1}
    runner.stop_users({"Busy": 99})
    assert runner.user_classes_count == {"Busy": 0, "Heavy": 1}


def test_class_that_forgets_the_base_constructor_is_named(make_runner):
    class Forgetful(User):
        def __init__(self, environment):
            pass

    with pytest.raises(AssertionError, match="'environment' is missing on user Forgetful"):
        make_runner(Forgetful).spawn_users({"Forgetful": 1})


def test_overridden_start_is_called(make_runner, ramp):
    groups = []

    class Own(Busy):
        def start(self, group):
            groups.append(group)
            return super().start(group)

    runner = make_runner(Own)
    ramp(runner, 1)
    assert groups == [runner.user_greenlets]
    (greenlet,) = runner.user_greenlets
    assert isinstance(greenlet.args[0], Own)
    assert greenlet.args[0].greenlet is greenlet
    assert greenlet.args[0].group is runner.user_greenlets


@pytest.mark.parametrize("end", ["quit", "stop"])
@pytest.mark.parametrize("stop_timeout", [0, FOREVER_S])
@pytest.mark.parametrize("users", [1, 4])
def test_task_may_end_the_test(make_runner, ramp, signal, end, stop_timeout, users):
    ended = signal()
    order = []

    class Ender(User):
        fixed_count = 1

        def on_stop(self):
            order.append("on_stop")

        @task
        def work(self):
            getattr(self.environment.runner, end)()
            order.append("never reached")

    class Quick(Resting):
        pass

    runner = make_runner(Ender, Quick, stop_timeout=stop_timeout)
    runner.environment.events.test_stop.add_listener(lambda **_: (order.append("test_stop"), ended.set()))
    runner.start(users, 1000)
    ended.expect()
    while end == "quit" and len(runner.greenlet):
        sleep(0)
    assert (runner.state, runner.user_count, order) == ("stopped", 0, ["on_stop", "test_stop"])
    assert runner.happened[-2:] == ["test_stopping", "test_stop"]


def test_tasks_of_many_users_may_end_the_test_at_once(make_runner, signal):
    ended, all_there = signal(), signal()
    stopped = []

    class Ender(User):
        def on_stop(self):
            sleep(0)
            stopped.append(self)

        @task
        def end(self):
            all_there.wait()
            self.environment.runner.quit()

    runner = make_runner(Ender)
    runner.environment.events.test_stop.add_listener(lambda **_: ended.set())
    runner.environment.events.spawning_complete.add_listener(lambda **_: all_there.set())
    runner.start(5, 1000)
    ended.expect()
    assert (runner.state, runner.user_count, len(stopped)) == ("stopped", 0, 5)


def test_quit_ends_the_runner_itself(make_runner, ramp):
    runner = make_runner(Busy)
    assert len(runner.greenlet) == 1
    ramp(runner, 1)
    runner.quit()
    assert (len(runner.greenlet), runner.user_count, runner.state) == (0, 0, "stopped")
    runner.quit()


@pytest.mark.parametrize(("is_headless", "own_greenlets"), [(True, 0), (False, 1)])
def test_user_without_a_host_stops_the_test(make_runner, signal, caplog, is_headless, own_greenlets):
    class Homeless(HttpUser):
        @task
        def nothing(self):
            pass

    class Options:
        headless = is_headless
        stop_timeout = 0.0
        tags = exclude_tags = None

    stopped = signal()
    runner = make_runner(Homeless, parsed_options=Options())
    runner.environment.events.test_stop.add_listener(lambda **_: stopped.set())
    runner.start(1, 1)
    stopped.expect()
    sleep(0)
    sleep(0)
    assert runner.state == "stopped"
    assert len(runner.greenlet) == own_greenlets
    assert "You must specify the base host" in caplog.text
    assert "Stopping Locust..." in caplog.text


def test_stop_test_in_a_task_ends_that_user_alone_as_in_locust(make_runner, ramp):
    class Ender(User):
        @task
        def end(self):
            raise StopTest("enough")

    runner = make_runner(Ender, Busy)
    ramp(runner, 2)
    while runner.user_count > 1:
        sleep(0)
    assert (runner.state, runner.user_classes_count) == ("running", {"Ender": 0, "Busy": 1})


# -- what users do wrong --------------------------------------------------------------------------------------------------


def test_exceptions_of_tasks_are_counted_by_their_traceback(make_runner, ramp, signal):
    done = signal()

    class Failing(User):
        turn = 0

        @task
        def fail(self):
            self.turn += 1
            if self.turn > 2:
                done.set()
                raise StopUser
            raise ValueError("broken")

    runner = make_runner(Failing)
    ramp(runner, 1)
    done.expect()
    (row,) = runner.exceptions.values()
    assert (row["count"], row["msg"], row["nodes"]) == (2, "broken", {"local"})
    assert "in fail" in row["traceback"]


def test_same_trace_on_two_nodes_is_one_row(make_runner):
    runner = make_runner(Busy)
    for node in ("a", "b", "a"):
        runner.log_exception(node, "message", "trace")
    assert runner.exceptions == {
        hash("trace"): {"count": 3, "msg": "message", "traceback": "trace", "nodes": {"a", "b"}}
    }


# -- messages and the process ---------------------------------------------------------------------------------------------


def test_message_reaches_its_listener_at_once(make_runner, caplog):
    runner = make_runner(Busy)
    got = []
    runner.register_message("hello", lambda environment, msg: got.append((environment, msg)))
    runner.send_message("hello", {"a": 1})
    ((environment, message),) = got
    assert environment is runner.environment
    assert (message.type, message.data, message.node_id) == ("hello", {"a": 1}, "local")
    with pytest.raises(Exception, match="listener method for hello"):
        runner.register_message("hello", print)
    runner.send_message("unknown")
    assert "Unknown message type received: unknown" in caplog.text


def test_runner_looks_like_a_worker_to_code_written_for_one(make_runner):
    runner = make_runner(Busy)
    assert (runner.worker_index, runner.worker_count) == (0, 1)
    assert runner.client_id.rpartition("_")[0]
    assert runner.environment.runner is runner
    assert (runner.errors, runner.stats, runner.user_classes) == ({}, runner.environment.stats, [Busy])
    assert runner.user_classes_by_name == {"Busy": Busy}
    assert runner.connection_broken is False


def test_dispatcher_class_is_the_environments(make_runner, ramp):
    calls = []

    class Own(UsersDispatcher):
        def new_dispatch(self, target_user_count, spawn_rate, user_classes=None):
            calls.append((target_user_count, spawn_rate, user_classes))
            super().new_dispatch(target_user_count, spawn_rate, user_classes)

    runner = make_runner(Busy, dispatcher_class=Own)
    ramp(runner, 2, 10)
    assert (calls, runner.user_count) == ([(2, 10, None)], 2)


def test_busy_process_is_watched_at_the_interval_that_users_set(monkeypatch, signal, caplog):
    from rocust import runners
    from rocust._run.environment import Environment

    monkeypatch.setattr(runners, "CPU_MONITOR_INTERVAL", 0.001)
    monkeypatch.setattr(runners, "CPU_WARNING_THRESHOLD", -1)
    environment = Environment(user_classes=[Busy])
    warned, watched = signal(), signal()
    told = []
    environment.events.cpu_warning.add_listener(lambda **kwargs: (told.append(kwargs), warned.set()))
    environment.events.usage_monitor.add_listener(lambda **kwargs: (told.append(kwargs), watched.set()))
    runner = environment.create_local_runner()
    warned.expect()
    watched.expect()
    runner.quit()
    assert told[0].keys() == {"environment", "cpu_usage"}
    assert told[1].keys() == {"environment", "cpu_usage", "memory_usage"}
    assert runner.current_memory_usage > 1_000_000
    assert runner.cpu_warning_emitted
    assert runner.cpu_log_warning() is True
    assert caplog.text.count("CPU usage above -1%!") == 1
    assert "CPU usage was too high at some point" in caplog.text


def test_runner_that_is_dropped_leaves_no_greenlet():
    import gc

    from rocust._run.environment import Environment

    environment = Environment(user_classes=[Busy])
    runner = environment.create_local_runner()
    own = list(runner.greenlet)
    runner.__del__()
    sleep(0)
    sleep(0)
    assert all(greenlet.dead for greenlet in own)
    del runner, environment
    gc.collect()
