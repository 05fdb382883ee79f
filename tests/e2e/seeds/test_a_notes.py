"""Rows A5 to A13 of the seeds, in the notes' own words: their code blocks run as they stand.

Whole files are run as they are. What is part of a class, or of a task, is put into one. Only with `ROCUST_SEEDS`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

import pytest
from support.command import Result, run_locust
from support.script import Route
from support.seeds import SEEDS, code_blocks
from support.server import ScriptedServer

pytestmark = pytest.mark.skipif(not SEEDS, reason="ROCUST_SEEDS does not name the folder of the seed documents")

IMPORTS = "import time\nfrom locust import *\n"
LEAVING = """
import gevent as _gevent
from locust import events as _events

def _leave(user):
    _gevent.spawn(user.environment.runner.quit)
    _gevent.sleep(60)
"""
TASK = IMPORTS + "class Visitor(HttpUser):\n    @task\n    def work(self):\n"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    paths = ("/api/test", "/blog", "/article", "/login", "/foo", "/bar", "/")
    with ScriptedServer({path: Route(body='{"answer": 42}') for path in paths}) as scripted:
        yield scripted


def block_with(*parts: str) -> str:
    """The one block of the notes that has all these parts."""
    (block,) = [block for block in code_blocks("locust-notes.md") if all(part in block for part in parts)]
    return block


def run_task(block: str, server: ScriptedServer) -> Result:
    """Run the body of a task once."""
    body = textwrap.indent(block + "\n_leave(self)\n", " " * 8)
    result = run_locust(TASK + body + LEAVING, "-H", server.url, "-u", "1", "-t", "20s")
    assert result.probe["exceptions"] == [], result.stderr
    return result


def run_file(text: str, server: ScriptedServer, *args: str) -> Result:
    """Run a whole locustfile for three seconds."""
    result = run_locust(text, "-H", server.url, "-t", "3s", "-s", "10", *args)
    assert result.probe["exceptions"] == [], result.stderr
    return result


def test_a5_the_notes_users_read_and_send_json(server: ScriptedServer) -> None:
    result = run_file(block_with("class APITestUser"), server)
    assert result.stdout.count("Success: {'answer': 42}") == result.entry("/api/test").requests > 0
    body = textwrap.indent(block_with("def test_post_api"), " " * 4)
    result = run_file(IMPORTS + "class Visitor(HttpUser):\n" + body, server)
    assert result.stdout.count("200\n") == result.entry("/api/test", "POST").requests > 0


def test_a6_the_notes_tasks_judge_responses(server: ScriptedServer) -> None:
    result = run_task(block_with('!= "Success"'), server)
    assert (result.entry("/").requests, result.entry("/").failures) == (1, 1)
    assert "Got wrong response" in str(result.errors)
    result = run_task(block_with("does_not_exist", "response.success()"), server)
    assert (result.total.requests, result.total.failures) == (1, 0)


@pytest.mark.parametrize("part", ['name="/blog?id=[id]")', 'self.client.request_name="'])
def test_a7_the_notes_tasks_group_requests(part: str, server: ScriptedServer) -> None:
    result = run_task(block_with(part), server)
    assert {entry["name"]: entry["requests"] for entry in result.probe["entries"]} == {"/blog?id=[id]": 10}


def test_a7_the_notes_task_renames_requests(server: ScriptedServer) -> None:
    block = textwrap.indent(block_with("def multiple_groupings_example"), " " * 4)
    result = run_file(IMPORTS + "class Visitor(HttpUser):\n" + block, server)
    assert {entry["name"] for entry in result.probe["entries"]} == {"/blog?id=[id]", "/article?id=[id]"}
    assert result.total.failures == 0


COUNTED = """
@_events.quitting.add_listener
def _tell(**_):
    print("BEGUN", _begun)

_begun = 0
_task = MyUser.tasks[0]

def _counted(user):
    global _begun
    _begun += 1
    _task(user)

MyUser.tasks = [_counted]
"""


@pytest.mark.parametrize("part", ["constant_throughput(0.1)", "constant_pacing(10)"])
def test_a8_the_notes_users_wait(part: str, server: ScriptedServer) -> None:
    """Each of three users begins one task in three seconds, whether that takes no time or eleven seconds."""
    text = IMPORTS + block_with("class MyUser(User)", part) + LEAVING + COUNTED
    result = run_locust(text, "-H", server.url, "-u", "3", "-r", "3", "-t", "3s")
    assert result.printed("BEGUN") == [3], result.stderr


def test_a9_the_notes_admin_is_one_however_many_there_are(server: ScriptedServer) -> None:
    block = block_with("class AdminUser(User)", "fixed_count = 1").replace("class WebUser(User):\n    pass", "")
    text = (
        IMPORTS + block + "\nclass WebUser(User):\n    wait_time = constant(1)\n    @task\n    def work(self): pass\n"
    )
    result = run_file(text, server, "-u", "5", "-r", "5")
    assert 'All users spawned: {"AdminUser": 1, "WebUser": 4} (5 total users)' in result.stderr


def test_a10_the_notes_user_logs_in_and_says_goodbye(server: ScriptedServer) -> None:
    text = IMPORTS + block_with("def on_start", "def on_stop", "/login")
    text += "\n    @task\n    def work(self):\n        self.client.get('/foo')\n"
    result = run_file(text, server, "-u", "2", "-r", "2")
    assert server.count("/login") == 2
    assert server.journal("/login")[0].body.replace(" ", "") == '{"username":"foo","password":"bar"}'
    assert result.stdout.count("QuickstartUser stop test") == 2


def test_a11_the_notes_tasks_have_weights(server: ScriptedServer) -> None:
    result = run_file(IMPORTS + block_with("@task(3)", "/bar"), server)
    share = result.entry("/bar").requests / result.total.requests
    assert result.total.requests > 100
    assert 0.55 < share < 0.95
    assert result.total.requests == server.count()


@pytest.mark.parametrize("part", ["tasks = [my_task]", "tasks = {my_task:3, another_task:1}"])
def test_a11_the_notes_tasks_are_functions(part: str, server: ScriptedServer) -> None:
    text = block_with(part) + "\nfrom locust import constant\nMyUser.wait_time = constant(0.1)\n"
    assert run_file(text, server, "-u", "3", "-r", "3").returncode == 0


@pytest.mark.parametrize(
    ("options", "tasks"),
    [("", {"task1", "task2", "task3", "task4"}), ("--tags tag1", {"task1", "task2"}), ("--exclude-tags tag3", {"task1", "task2", "task4"})],
)  # fmt: skip
def test_a12_the_notes_tags_choose(options: str, tasks: set[str], server: ScriptedServer) -> None:
    text = "from locust import events\n" + block_with("@tag('tag1', 'tag2')", "class MyUser")
    text += (
        "\n@events.test_start.add_listener\ndef tell(**_):\n    print('TASKS', str([t.__name__ for t in MyUser.tasks])"
        ".replace(chr(39), chr(34)))\n"
    )
    result = run_locust(text, "-t", "1", *options.split())
    assert set(result.printed("TASKS")[0]) == tasks


def test_a13_the_notes_listeners_are_called(server: ScriptedServer) -> None:
    user = "\nfrom locust import User, constant, task\nclass Idle(User):\n    wait_time = constant(1)\n    @task\n    def work(self): pass\n"
    result = run_file(block_with("on_test_start", "A new test is starting") + user, server)
    lines = [line for line in result.stdout.splitlines() if line.startswith("A new test")]
    assert lines == ["A new test is starting", "A new test is ending"]
    result = run_file(block_with("I'm on master node", "isinstance(environment.runner, MasterRunner)") + user, server)
    assert "I'm on a worker or standalone node" in result.stdout
