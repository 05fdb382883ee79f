"""The environment: what it takes, what it refuses, and what it changes in user classes."""

from __future__ import annotations

import pytest
from rocust import LoadTestShape, TaskSet, User, tag, task
from rocust._errors import RunnerAlreadyExistsError
from rocust._events import Events
from rocust._run.environment import Environment
from rocust._run.roles import MasterRunner, WorkerNode, WorkerNodes, WorkerRunner
from rocust._stats import RequestStats


class Shopper(User):
    @task
    def shop(self):
        pass


class Idler(User):
    weight = 0


class Shape(LoadTestShape):
    def tick(self):
        return None


def test_defaults():
    environment = Environment()
    assert (environment.user_classes, environment.host, environment.stop_timeout) == ([], None, 0.0)
    assert (environment.runner, environment.web_ui, environment.process_exit_code) == (None, None, None)
    assert (environment.catch_exceptions, environment.reset_stats, environment.worker_logs) == (True, False, {})
    assert isinstance(environment.events, Events)
    assert isinstance(environment.stats, RequestStats)


def test_arguments_are_passed_by_name_only_and_kept():
    with pytest.raises(TypeError):
        Environment([Shopper])
    events = Events()
    kept = {
        "locustfile": "a.py",
        "host": "http://h",
        "tags": ["t"],
        "profile": "p",
        "events": events,
        "stop_timeout": 3.0,
    }
    environment = Environment(user_classes=[Shopper], **kept)
    assert {name: getattr(environment, name) for name in kept} == kept


def test_stop_timeout_comes_from_the_command_line_unless_given():
    class Options:
        stop_timeout = 4

    assert Environment(parsed_options=Options()).stop_timeout == 4.0
    assert Environment(parsed_options=Options(), stop_timeout=1).stop_timeout == 1


def test_classes_without_weight_are_taken_out_of_the_very_list():
    classes = [Idler, Shopper]
    environment = Environment(user_classes=classes)
    assert environment.user_classes is classes
    assert classes == [Shopper]
    assert environment.user_classes_by_name == {"Shopper": Shopper}


def test_class_without_weight_stays_when_its_count_is_fixed():
    class Fixed(Idler):
        fixed_count = 1

    assert Environment(user_classes=[Fixed]).user_classes == [Fixed]


def test_no_class_with_a_weight_is_refused():
    with pytest.raises(ValueError, match=r"There are no users with weight > 0\."):
        Environment(user_classes=[Idler])


def test_two_classes_of_one_name_are_refused():
    def another():
        class Shopper(User):
            pass

        return Shopper

    with pytest.raises(ValueError, match=r"same class name: .*Shopper, .*another\.Shopper"):
        Environment(user_classes=[Shopper, another()])


@pytest.mark.parametrize("shape", [Shape, object()])
def test_shape_must_be_an_instance(shape):
    with pytest.raises(ValueError, match="should be instance of LoadTestShape"):
        Environment(shape_class=shape)


def test_one_runner_an_environment():
    environment = Environment(user_classes=[Shopper], shape_class=Shape())
    runner = environment.create_local_runner()
    assert environment.runner is environment.shape_class.runner is runner
    with pytest.raises(RunnerAlreadyExistsError, match="already exists"):
        environment.create_local_runner()
    runner.quit()


def test_other_roles_say_that_they_are_not_there_yet():
    with pytest.raises(NotImplementedError, match=r"hint: use create_local_runner"):
        Environment().create_master_runner()
    with pytest.raises(NotImplementedError, match=r"hint: use create_local_runner"):
        Environment().create_worker_runner("localhost", 5557)
    runner = Environment().create_local_runner()
    assert not isinstance(runner, (MasterRunner, WorkerRunner))
    runner.quit()


def test_web_page_says_that_it_is_not_there_yet():
    with pytest.raises(NotImplementedError, match=r"the web page is not there yet. hint: leave the call out"):
        Environment().create_web_ui("127.0.0.1", 8089, delayed_start=True)


def test_update_user_class_changes_attributes_and_tasks():
    class Own(Shopper):
        @task
        def look(self):
            pass

    environment = Environment(
        user_classes=[Own], available_user_classes={"Own": Own}, available_user_tasks={"Own": list(Own.tasks)}
    )
    environment.update_user_class({"user_class_name": "Own", "weight": 7, "host": "http://new", "tasks": ["look"]})
    assert (Own.weight, Own.host, [one.__name__ for one in Own.tasks]) == (7, "http://new", ["look"])
    with pytest.raises(KeyError):
        environment.update_user_class({"user_class_name": "Nobody"})


def test_worker_logs_are_kept_by_worker():
    environment = Environment()
    environment.update_worker_logs({"worker_id": "a", "logs": ["one"]})
    environment.update_worker_logs({"logs": ["lost"]})
    environment.update_worker_logs({"worker_id": "a", "logs": ["two"]})
    assert environment.worker_logs == {"a": ["two"]}


def test_equal_weights_flatten_the_tasks():
    class Inner(TaskSet):
        @task(5)
        def inner(self):
            pass

    class Own(User):
        weight = 9

        @task(3)
        def outer(self):
            pass

        tasks = {Inner: 4}

    Environment(user_classes=[Own]).assign_equal_weights()
    assert Own.weight == 1
    assert sorted(one.__name__ for one in Own.tasks) == ["inner", "outer"]


def test_tags_filter_once_and_come_from_the_command_line_unless_given():
    class Options:
        tags, exclude_tags, stop_timeout = ["a"], None, 0

    def fresh():
        class Own(User):
            @tag("a")
            @task
            def first(self):
                pass

            @tag("b")
            @task
            def second(self):
                pass

        return Own

    def left(**settings):
        own = fresh()
        environment = Environment(user_classes=[own], **settings)
        environment._filter_tasks_by_tags()
        return [one.__name__ for one in own.tasks], environment, own

    assert left()[0] == ["first", "second"]
    assert left(tags=["b"])[0] == ["second"]
    assert left(exclude_tags=["b"])[0] == ["first"]
    assert left(parsed_options=Options(), tags=["b"])[0] == ["second"]
    names, environment, own = left(parsed_options=Options())
    assert names == ["first"]
    own.tasks = []
    environment.tags = ["b"]
    environment._filter_tasks_by_tags()
    assert own.tasks == []


def test_worker_nodes_are_found_by_state():
    nodes = WorkerNodes()
    nodes["a"] = one = WorkerNode("a")
    nodes["b"] = other = WorkerNode("b", state="running")
    one.user_classes_count = {"A": 2, "B": 3}
    assert (one.user_count, one.state, one.heartbeat) == (5, "ready", 3)
    assert (list(nodes.all), nodes.ready, nodes.running, nodes.spawning, nodes.missing) == (
        [one, other],
        [one],
        [other],
        [],
        [],
    )
    other.state = "missing"
    assert nodes.missing == [other]
    del nodes["a"]
    assert (len(nodes), list(nodes)) == (1, ["b"])
