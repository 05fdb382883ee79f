"""The order in which a run happens to a locustfile: hooks of users and task sets, events and what they carry."""

from __future__ import annotations

import re
import signal
import time
from typing import Any

import pytest
from support.command import Result, run_locust, start_locust
from support.script import Route
from support.server import RefusingPort, ScriptedServer

# Says the name of everything that happens to the run, in order.
DIARY = """
from locust import HttpUser, FastHttpUser, User, TaskSet, task, events, constant

def say(what):
    print("SAID", '"' + what + '"')

@events.init.add_listener
def init(environment, runner, web_ui, **_):
    say("init" if runner is environment.runner and web_ui is None else "init with the wrong arguments")

@events.test_start.add_listener
def test_start(environment, **_):
    say("test_start " + environment.runner.state)

@events.spawning_complete.add_listener
def spawning_complete(user_count, **_):
    say("spawning_complete %d" % user_count)

@events.test_stopping.add_listener
def test_stopping(environment, **_):
    say("test_stopping with %d users" % environment.runner.user_count)

@events.test_stop.add_listener
def test_stop(environment, **_):
    say("test_stop with %d users" % environment.runner.user_count)

@events.quitting.add_listener
def quitting(environment, **_):
    say("quitting")

@events.quit.add_listener
def quit(exit_code, **_):
    say("quit %d" % exit_code)
"""

ONE_USER = (
    DIARY
    + """
class Visitor(User):
    def on_start(self):
        say("on_start")

    @task
    def work(self):
        say("task")
        ENDING

    def on_stop(self):
        say("on_stop")
"""
)


def said(result: Result) -> list[str]:
    """What the diary says, in order."""
    return list(result.printed("SAID"))


def test_run_that_a_task_ends_goes_through_everything_in_order() -> None:
    """The user that quits the runner is itself still in its task then, so its `on_stop` comes when it can."""
    result = run_locust(ONE_USER.replace("ENDING", "self.environment.runner.quit()"))
    events = [re.sub(r" with \d users", "", event) for event in said(result)]
    assert events.count("on_stop") == 1
    assert events.index("on_stop") > events.index("test_stopping")
    events.remove("on_stop")
    assert events == [
        "init",
        "test_start ready",
        "spawning_complete 1",
        "on_start",
        "task",
        "test_stopping",
        "test_stop",
        "quitting",
        "quit 0",
    ]
    assert result.returncode == 0


def test_run_time_limit_ends_the_run_in_the_same_order() -> None:
    sleeping = ONE_USER.replace("ENDING", "import time; time.sleep(60)")
    result = run_locust(sleeping, "-t", "1")
    assert said(result)[-6:] == [
        "task",
        "test_stopping with 1 users",
        "on_stop",
        "test_stop with 0 users",
        "quitting",
        "quit 0",
    ]
    assert result.log_lines("INFO", "locust.main") == [
        result.log_lines("INFO", "locust.main")[0],
        "Run time limit set to 1 seconds",
        "--run-time limit reached, shutting down",
        "Shutting down (exit code 0)",
    ]
    assert 1.0 <= result.seconds < 10.0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_the_run_through_every_hook(number: signal.Signals) -> None:
    """Locust fires `quitting` first then: the exit code is settled before the users are stopped."""
    sleeping = ONE_USER.replace("ENDING", "import gevent; gevent.spawn_later(0.1, say, 'asleep'); gevent.sleep(60)")
    with start_locust(sleeping) as running:
        running.wait_for_line('"asleep"', "stdout")
        running.send_signal(number)
        result = running.wait()
    assert said(result)[-5:] == [
        "quitting",
        "test_stopping with 1 users",
        "on_stop",
        "test_stop with 0 users",
        "quit 0",
    ]
    assert result.returncode == 0
    assert "Shutting down (exit code 0)" in result.stderr
    assert result.tables.total.requests == 0


@pytest.mark.ours("kills the user in whose code the KeyboardInterrupt happens to be raised")
def test_ctrl_c_in_the_middle_of_a_users_own_code_still_runs_its_on_stop() -> None:
    computing = ONE_USER.replace("ENDING", "[number * number for number in range(200_000)]")
    with start_locust(computing) as running:
        running.wait_for_line('"task"', "stdout")
        running.send_signal(signal.SIGINT)
        result = running.wait()
    told = [event for event in said(result) if event != "task"]
    assert told[-5:] == ["quitting", "test_stopping with 1 users", "on_stop", "test_stop with 0 users", "quit 0"]
    assert result.returncode == 0


def test_quitting_listeners_are_called_in_reverse_order_and_the_others_in_order() -> None:
    file = """
from locust import User, task, events

for number in range(3):
    def start(number=number, **_):
        print("START", number)
    def quitting(number=number, **_):
        print("QUITTING", number)
    events.test_start.add_listener(start)
    events.quitting.add_listener(quitting)

class Visitor(User):
    @task
    def work(self):
        self.environment.runner.quit()
"""
    result = run_locust(file)
    assert result.printed("START") == [0, 1, 2]
    assert result.printed("QUITTING") == [2, 1, 0]


def test_test_start_and_test_stop_carry_the_environment() -> None:
    file = """
from locust import User, task, events
from locust.env import Environment
from locust.runners import LocalRunner

seen = []

@events.init.add_listener
def init(environment, **kwargs):
    print("INIT", '"%s"' % " ".join(sorted(kwargs)))
    seen.append(environment)

for name in ("test_start", "test_stopping", "test_stop", "quitting"):
    def listen(environment, name=name, **kwargs):
        is_right = environment is seen[0] and isinstance(environment, Environment)
        is_right = is_right and isinstance(environment.runner, LocalRunner)
        print("EVENT", '"%s %s %s"' % (name, is_right, kwargs))
    getattr(events, name).add_listener(listen)

@events.quit.add_listener
def quit(**kwargs):
    print("EVENT", '"quit %s"' % sorted(kwargs))

class Visitor(User):
    @task
    def work(self):
        self.environment.runner.quit()
"""
    result = run_locust(file)
    assert result.printed("INIT") == ["runner web_ui"]
    assert result.printed("EVENT") == [
        "test_start True {}",
        "test_stopping True {}",
        "test_stop True {}",
        "quitting True {}",
        "quit ['exit_code']",
    ]


def test_listener_added_or_removed_while_firing_does_not_disturb_the_round() -> None:
    file = """
from locust import User, task, events

def late(**_):
    print("HEARD", '"late"')

def first(**_):
    print("HEARD", '"first"')
    events.test_start.remove_listener(first)
    events.test_start.add_listener(late)

def second(**_):
    print("HEARD", '"second"')

events.test_start.add_listener(first)
events.test_start.add_listener(second)

class Visitor(User):
    @task
    def work(self):
        self.environment.runner.quit()
"""
    assert run_locust(file).printed("HEARD") == ["first", "second"]


REQUEST_EVENTS = """
import json, time
from locust import HttpUser, FastHttpUser, task, events

@events.request.add_listener
def listen(**kwargs):
    response = kwargs["response"]
    print("REQUEST", json.dumps({
        "keys": sorted(kwargs),
        "request_type": kwargs["request_type"], "name": kwargs["name"], "url": kwargs["url"],
        "response_time": kwargs["response_time"], "response_length": kwargs["response_length"],
        "context": kwargs["context"], "exception": repr(kwargs["exception"]),
        "start_time": kwargs["start_time"],
        "status_code": response.status_code, "text": response.text,
    }))

class Visitor(KIND):
    def context(self):
        return {"user": "one"}

    @task
    def work(self):
        self.client.get("/hello", params={"a": "1"}, context={"step": 2})
        self.client.post("/hello", data=b"xy", name="posting")
        self.client.get("/absent")
        with self.client.get("/hello", catch_response=True) as response:
            response.failure("no")
        self.environment.runner.quit()
"""

EVENT_KEYS = [
    "context",
    "exception",
    "name",
    "request_type",
    "response",
    "response_length",
    "response_time",
    "start_time",
    "url",
]


def heard_requests(kind: str) -> tuple[list[dict[str, Any]], ScriptedServer]:
    """What a request listener hears of four requests."""
    with ScriptedServer({"/hello": Route(body="Hello!", delay_s=0.05)}) as server:
        result = run_locust(REQUEST_EVENTS.replace("KIND", kind), "-H", server.url)
        return result.printed("REQUEST"), server


@pytest.mark.parametrize("kind", ["HttpUser", "FastHttpUser"])
def test_request_event_carries_the_whole_exchange(kind: str) -> None:
    before = time.time()
    requests, server = heard_requests(kind)
    after = time.time()
    assert [request["keys"] for request in requests] == [EVENT_KEYS] * 4
    plain, posted, absent, refused = requests
    assert plain["request_type"] == "GET"
    assert plain["name"] == ("/hello?a=1" if kind == "HttpUser" else "/hello")
    assert plain["context"] == {"user": "one", "step": 2}
    assert plain["response_length"] == 6
    assert plain["exception"] == "None"
    assert (plain["status_code"], plain["text"]) == (200, "Hello!")
    assert 50 <= plain["response_time"] < 1000
    assert before <= plain["start_time"] <= after
    assert plain["url"] == server.url + ("/hello?a=1" if kind == "HttpUser" else "/hello")
    assert (posted["request_type"], posted["name"], posted["context"]) == ("POST", "posting", {"user": "one"})
    assert absent["status_code"] == 404
    assert "404" in absent["exception"]
    assert refused["exception"] == "CatchResponseError('no')"


@pytest.mark.parametrize("kind", ["HttpUser", "FastHttpUser"])
def test_request_event_of_a_connection_error_carries_an_empty_response(kind: str) -> None:
    file = """
import json
from locust import HttpUser, FastHttpUser, task, events

@events.request.add_listener
def listen(response, exception, response_length, **_):
    print("HEARD", json.dumps([response.status_code, response.content is None, response_length]))
    print("KIND", '"%s"' % type(exception).__name__)

class Visitor(KIND):
    @task
    def work(self):
        response = self.client.get("/")
        print("GOT", "[%d, %s]" % (response.status_code, "true" if response.content is None else "false"))
        self.environment.runner.quit()
"""
    with RefusingPort() as nobody:
        result = run_locust(file.replace("KIND(", f"{kind}(").replace("(KIND)", f"({kind})"), "-H", nobody.url)
    assert result.printed("HEARD") == [[0, True, 0]]
    assert result.printed("GOT") == [[0, True]]
    assert result.printed("KIND") == ["ConnectionRefusedError"]


def test_own_requests_fired_by_a_user_are_reported() -> None:
    """A client of the user's own reports with as little as four arguments."""
    file = """
from locust import User, task

class Visitor(User):
    @task
    def work(self):
        def report(name, response_time, response_length=0, exception=None):
            self.environment.events.request.fire(
                request_type="RPC", name=name, response_time=response_time, response_length=response_length,
                exception=exception, context={},
            )
        for number in range(10):
            report("call", 12.4 + number, response_length=5)
        report("call", 3.0, exception=ValueError("bad"))
        report("untimed", None)
        with self.environment.events.request.measure("RPC", "measured") as meta:
            meta["response_length"] = 7
        with self.environment.events.request.measure("RPC", "measured"):
            raise RuntimeError("inside")
        self.environment.runner.quit()
"""
    result = run_locust(file)
    call = result.entry("call", "RPC")
    assert (call.requests, call.failures, call.content_bytes) == (11, 1, 50)
    assert (call.minimum_ms, call.maximum_ms) == (3.0, 21.4)
    assert (result.entry("untimed", "RPC").requests, result.entry("untimed", "RPC").untimed) == (1, 1)
    assert (result.entry("measured", "RPC").requests, result.entry("measured", "RPC").failures) == (2, 1)
    assert result.errors == {"RPC call: ValueError('bad')": 1, "RPC measured: RuntimeError('inside')": 1}
    assert result.returncode == 1


def test_user_error_carries_the_user_the_exception_and_its_traceback() -> None:
    file = """
import gevent, traceback
from locust import User, TaskSet, task, events

@events.user_error.add_listener
def listen(user_instance, exception, tb, **kwargs):
    where = traceback.extract_tb(tb)[-1].name
    print("ERROR", '"%s %r %s %s"' % (type(user_instance).__name__, exception, where, kwargs))

class Nested(TaskSet):
    @task
    def raising_in_a_set(self):
        gevent.spawn(self.user.environment.runner.quit)
        raise KeyError(1)

class Visitor(User):
    count = 0

    @task
    def raising(self):
        Visitor.count += 1
        if Visitor.count == 3:
            Nested(self).run()
        raise ValueError("wrong")
"""
    result = run_locust(file)
    errors = result.printed("ERROR")
    assert errors[:2] == ["DefaultTaskSet ValueError('wrong') raising {}"] * 2
    assert errors[2] == "Nested KeyError(1) raising_in_a_set {}"
    assert result.returncode == 1


def test_exit_code_is_the_environments_when_it_sets_one() -> None:
    file = """
from locust import User, task, events

@events.quitting.add_listener
def judge(environment, **_):
    environment.process_exit_code = 7

class Visitor(User):
    @task
    def work(self):
        self.environment.runner.quit()
"""
    result = run_locust(file)
    assert result.returncode == 7
    assert "Shutting down (exit code 7)" in result.stderr


@pytest.mark.ours("keeps no account of aborted requests")
def test_num_aborted_is_readable_when_quitting() -> None:
    file = """
from locust import HttpUser, task, events

@events.quitting.add_listener
def tell(environment, **_):
    print("ABORTED", getattr(environment.stats, "num_aborted", "null"))

class Visitor(HttpUser):
    @task
    def work(self):
        self.client.get("/held")
"""
    with ScriptedServer({"/held": Route(gate="never")}) as server:
        result = run_locust(file, "-H", server.url, "-u", "3", "-r", "3", "-t", "1")
        assert result.printed("ABORTED") == [3]
