"""One user in the present greenlet: what is set up, fired and printed; and that a debugger can stop in it."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading

import pytest
import rocust.debug
from rocust import SequentialTaskSet, User, tag, task
from rocust._events import Events
from rocust._kernel.green import getcurrent
from rocust.debug import PrintListener, run_single_user
from rocust.env import Environment
from rocust.exception import CatchResponseError, StopUser


@pytest.fixture(autouse=True)
def _first_single_user_of_its_process(monkeypatch):
    monkeypatch.setattr(rocust.debug, "_env", None)
    monkeypatch.setattr("rocust.log.unhandled_greenlet_exception", False)


class Guest(User):
    """Does one thing, and goes."""

    @task
    def visit(self):
        self.environment.seen = (self, getcurrent(), threading.current_thread())
        raise StopUser


def columns(text):
    """What was printed, as lists of cells without their padding; the last tab ends each line."""
    return [[cell.strip() for cell in line.split("\t")[:-1]] for line in text.splitlines() if line]


def test_the_user_runs_in_the_greenlet_of_the_caller():
    run_single_user(Guest, loglevel=None)
    environment = rocust.debug._env
    user, greenlet, thread = environment.seen
    assert environment.single_user_instance is user
    assert isinstance(user, Guest)
    assert greenlet is getcurrent()
    assert thread is threading.current_thread()
    assert user._state is None or user._state == "stopping"


def test_the_environment_is_as_the_script_and_its_command_line_say(monkeypatch, events):
    @events.init_command_line_parser.add_listener
    def add_option(parser):
        parser.add_argument("--tenant", env_var="TENANT")

    monkeypatch.setattr("sys.argv", ["my_test.py", "--host", "http://there", "--tenant", "acme"])
    run_single_user(Guest, loglevel=None)
    environment = rocust.debug._env
    assert environment.locustfile == environment.parsed_options.locustfile == os.path.basename(__file__)
    assert environment.parsed_options.tenant == "acme"
    assert environment.user_classes == [Guest]
    assert environment.events is events
    assert (environment.runner, environment.web_ui) == (None, None)


def test_the_host_may_come_from_the_environment(monkeypatch):
    class Hosted(Guest):
        host = "http://elsewhere"

    monkeypatch.setenv("LOCUST_HOST", "http://localhost")
    run_single_user(Hosted, loglevel=None)
    assert Hosted.host == "http://localhost"


def test_the_host_of_the_class_holds_when_nothing_else_is_said():
    class Hosted(Guest):
        host = "http://elsewhere"

    run_single_user(Hosted, loglevel=None)
    assert Hosted.host == "http://elsewhere"


def test_init_fires_once_a_process_and_test_start_each_time(events):
    fired = []
    for name in ("init", "test_start", "test_stop", "quitting", "quit"):
        getattr(events, name).add_listener(lambda name=name, **arguments: fired.append((name, arguments)))
    run_single_user(Guest, loglevel=None)
    first = rocust.debug._env
    run_single_user(Guest, loglevel=None)
    assert rocust.debug._env is first
    assert fired == [
        ("init", {"environment": first, "runner": None, "web_ui": None}),
        ("test_start", {"environment": first}),
        ("test_start", {"environment": first}),
    ]


def test_an_assigned_environment_is_used(capsys):
    rocust.debug._env = environment = Environment(events=Events(), host="http://mine")
    run_single_user(Guest, loglevel=None)
    assert environment.seen[0].host == "http://mine"
    assert capsys.readouterr().out == "", "no listener of ours, so no heading"


def test_a_listener_of_init_that_fails_ends_it(events, capsys):
    @events.init.add_listener
    def fail(**_):
        raise RuntimeError("no database")

    with pytest.raises(SystemExit) as ended:
        run_single_user(Guest, loglevel=None)
    assert ended.value.code == 1
    assert not hasattr(rocust.debug._env, "single_user_instance")
    assert "A listener of events.init failed" in capsys.readouterr().err


def test_tags_of_the_command_line_hold(monkeypatch):
    done = []

    class Tagged(User):
        @task
        @tag("slow")
        def slow(self):
            done.append("slow")

        @task
        @tag("fast")
        def fast(self):
            done.append("fast")
            if len(done) == 5:
                raise StopUser

    monkeypatch.setattr("sys.argv", ["script.py", "--tags", "fast"])
    run_single_user(Tagged, loglevel=None)
    assert done == ["fast"] * 5


def test_another_thread_may_stop_it():
    class Patient(User):
        def wait_time(self):
            running.set()
            return 0.001

        @task
        def turn(self): ...

    running = threading.Event()

    def stop():
        running.wait()
        rocust.debug._env.single_user_instance._state = "stopping"

    stopper = threading.Thread(target=stop)
    stopper.start()
    run_single_user(Patient, loglevel=None)
    stopper.join()


def test_the_log_is_set_up_unless_it_shall_not_be(monkeypatch):
    levels = []
    monkeypatch.setattr("rocust._log.setup_logging", levels.append)
    run_single_user(Guest)
    run_single_user(Guest, loglevel="DEBUG")
    run_single_user(Guest, loglevel=None)
    assert levels == ["WARNING", "DEBUG"]


class Talker(User):
    """Fires requests of its own, as a client that is not ours does."""

    @task
    class Story(SequentialTaskSet):
        @task
        def well(self):
            self.fire("GET", "/a", 12.6, response_length=7, context={"k": 1}, start_time=86_400.5)

        @task
        def badly(self):
            self.fire("WS", "/b", None, exception=ValueError("one\ntwo"), response_length=0)

        @task
        def marked(self):
            self.fire("GET", None, 0.2, exception=CatchResponseError("too " + "long " * 200), response_length=1)

        @task
        def end(self):
            raise StopUser

        def fire(self, request_type, name, response_time, exception=None, context=None, **more):
            self.user.environment.events.request.fire(
                request_type=request_type,
                name=name,
                response_time=response_time,
                exception=exception,
                context=context or {},
                **more,
            )


def test_every_request_is_a_line(capsys):
    run_single_user(Talker, loglevel=None)
    heading, *rows = columns(capsys.readouterr().out)
    assert heading == ["type", "name", "resp_ms", "exception"]
    assert rows == [
        ["GET", "/a", "13", ""],
        ["WS", "/b", "-1", "ValueError('one\\ntwo')"],
        ["GET", "", "0", ("too " + "long " * 200)[:500].strip()],
    ]


def test_more_columns_on_request(capsys):
    run_single_user(Talker, True, True, True, True, None)
    heading, first, second, third = columns(capsys.readouterr().out)
    assert heading == ["time", "type", "name", "resp_ms", "length", "exception", "context", "payload"]
    assert first == ["1970-01-02 00:00:00.500000+00:00", "GET", "/a", "13", "7", "", "{'k': 1}", ""]
    assert second[1:5] == ["WS", "/b", "-1", "0"]
    assert third[0].endswith("+00:00"), "the present, where the client does not say when it began"


def test_the_lines_stand_in_columns(capsys):
    run_single_user(Talker, loglevel=None)
    _, heading, first, second, _ = capsys.readouterr().out.split("\n")[:5]
    assert heading.index("resp_ms") == heading.index("\t", heading.index("name")) + 1
    assert first.index("13") - len("GET") == second.index("-1") - len("WS") == heading.index("resp_ms") - len("type")


def test_a_payload_is_printed_whatever_the_client(capsys):
    class Request:
        body = b"a=1"

    class Response:
        request = Request()

    environment = Environment(events=Events())
    PrintListener(environment, include_payload=True)
    told = {"request_type": "POST", "name": "/", "response_time": 1, "response_length": 0, "exception": None}
    for response in (Response(), None, object()):
        environment.events.request.fire(**told, response=response)
    assert [row[-1] for row in columns(capsys.readouterr().out)] == ["payload", "b'a=1'", "", ""]


def test_an_exception_that_cannot_be_shown_is_named(capsys, caplog):
    class HalfMade(Exception):
        def __repr__(self):
            return self.detail

    environment = Environment(events=Events())
    PrintListener(environment)
    with caplog.at_level(logging.ERROR):
        environment.events.request.fire(
            request_type="GET", name="/", response_time=1, response_length=0, exception=HalfMade(), context={}
        )
    assert "HalfMade" in capsys.readouterr().out
    assert not caplog.records


SCRIPT = """
import json, socket, sys, time
from rocust import User, run_single_user, task
from rocust.exception import StopUser

class Guest(User):
    @task
    def visit(self):
        answer = 6 * 7
        time.sleep(0)  # line 10
        raise StopUser

if __name__ == "__main__":
    run_single_user(Guest, loglevel=None)
    from gevent import monkey
    print("PATCHED", json.dumps(monkey.is_module_patched("socket")))
"""


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "debugged.py"
    path.write_text(SCRIPT)
    return str(path)


def interpret(*arguments):
    ended = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=50
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_a_debugger_stops_in_a_task_and_goes_on(script):
    commands = ["break debugged.py:10", "continue", "print(f'seen {answer}, {self.environment.locustfile}')", "next"]
    commands += ["where", "clear 1", "continue", "quit"]
    arguments = [word for command in commands for word in ("-c", command)]
    told = interpret("-m", "pdb", *arguments, script)
    assert "seen 42, debugged.py" in told
    assert told.index("seen 42") < told.index("-> raise StopUser") < told.index("PATCHED")


def test_it_patches_nothing_itself(script):
    assert json.loads(interpret(script).partition("PATCHED")[2]) is False


def test_a_script_run_by_the_package_is_patched_before_it_imports(script):
    assert json.loads(interpret("-m", "rocust", script).partition("PATCHED")[2]) is True
