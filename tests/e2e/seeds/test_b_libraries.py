"""Libraries that a task uses (rows B1 to B7 of the seeds): they work in it, per user, and hold up no other user."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from support.command import run_locust, start_locust
from support.script import Route
from support.server import ScriptedServer

DONE = """
def leave(user):
    import gevent
    gevent.spawn(user.environment.runner.quit)
    gevent.sleep(60)
"""


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    document = {"numbers": list(range(300)), "text": "café", "nested": [{"deep": [1.5, None, True]}]}
    routes = {
        "/hello": Route(),
        "/missing": Route(status=404),
        "/json": Route(body=json.dumps(document, ensure_ascii=True)),
    }
    with ScriptedServer(routes) as scripted:
        yield scripted


B1 = """
import io
from contextlib import ExitStack, closing, contextmanager, redirect_stdout, suppress
from locust import HttpUser, task
from locust.exception import CatchResponseError

class Visitor(HttpUser):
    @contextmanager
    def visit(self, path):
        order.append("in " + path)
        try:
            with self.client.get(path, catch_response=True) as response:
                yield response
        finally:
            order.append("out " + path)

    @task
    def work(self):
        with self.visit("/hello") as response:
            assert response.text == "Hello, world!"
        with self.visit("/missing") as response:
            response.success()
        with suppress(ZeroDivisionError), self.visit("/hello"):
            1 / 0
        with closing(self.client.get("/hello", stream=True)) as response:
            assert response.raw.read() == b"Hello, world!"
        with ExitStack() as stack:
            both = [stack.enter_context(self.client.get("/hello", catch_response=True)) for _ in range(2)]
            both[1].failure("not this one")
        with redirect_stdout(io.StringIO()) as caught:
            print(self.client.get("/hello").text)
        assert caught.getvalue() == "Hello, world!\\n"
        import json
        print("ORDER", json.dumps(order))
        leave(self)

order = []
"""


def test_b1_contextlib_around_requests(server: ScriptedServer) -> None:
    result = run_locust(B1 + DONE, "-H", server.url, "-u", "1", "-t", "20s")
    assert result.printed("ORDER") == [
        ["in /hello", "out /hello", "in /missing", "out /missing", "in /hello", "out /hello"]
    ], result.stderr
    # A block that an exception left is no request (as with Locust): two, not three, of the visits are counted.
    assert (result.entry("/hello").requests, result.entry("/hello").failures) == (5, 1)
    assert (result.entry("/missing").requests, result.entry("/missing").failures) == (1, 0)
    assert server.count("/hello") == 6


B2 = """
from contextvars import ContextVar, copy_context
import threading
import gevent
from locust import HttpUser, task, events

number = ContextVar("number", default=0)
mine = ContextVar("mine")

class Visitor(HttpUser):
    started = 0

    def on_start(self):
        assert number.get() == 0 and mine.get(None) is None, "another user's value"
        Visitor.started += 1
        self.number = Visitor.started
        number.set(self.number)
        mine.set(self)

    @task
    def work(self):
        token = number.set(-self.number)
        self.client.get("/hello")
        assert number.get() == -self.number
        number.reset(token)
        gevent.sleep(0.001)
        assert number.get() == self.number and mine.get() is self
        assert copy_context().run(number.get) == self.number
        seen.add(self.number)

    def on_stop(self):
        assert number.get() == self.number and mine.get() is self

seen = set()

@events.request.add_listener
def heard(**_):
    assert mine.get().number == -number.get(), "the listener runs as the user that asked"

@events.quitting.add_listener
def tell(environment, **_):
    print("SEEN", len(seen))
    assert number.get() == 0
"""


def test_b2_contextvars_of_one_user_are_never_seen_by_another(server: ScriptedServer) -> None:
    result = run_locust(B2, "-H", server.url, "-u", "50", "-r", "50", "-t", "3s", "-s", "5")
    assert result.printed("SEEN") == [50]
    assert result.probe["exceptions"] == []
    assert "Uncaught exception" not in result.stderr
    assert "AssertionError" not in result.stderr
    assert result.returncode == 0


B3 = """
import gevent, json, orjson, ujson
from locust import FastHttpUser, HttpUser

def work(user):
    response = user.client.get("/json")
    wanted = json.loads(response.text)
    assert response.json() == wanted == ujson.loads(response.text) == orjson.loads(response.content)
    headers = {"Content-Type": "application/json"}
    user.client.post("/hello", data=orjson.dumps(wanted), headers=headers)
    user.client.post("/hello", data=ujson.dumps(wanted), headers=headers)
    user.client.post("/hello", json=wanted)
    done.append(user)
    while len(done) < 2:
        gevent.sleep(0.01)
    leave(user)

class Plain(HttpUser):
    fixed_count = 1
    tasks = [work]

class Fast(FastHttpUser):
    fixed_count = 1
    tasks = [work]

done = []
"""


def test_b3_json_of_three_libraries_goes_in_and_out(server: ScriptedServer) -> None:
    result = run_locust(B3 + DONE, "-H", server.url, "-u", "2", "-r", "2", "-t", "20s")
    assert result.total.requests == 8, result.stderr
    assert result.total.failures == 0
    bodies = [request.body for request in server.journal("/hello")]
    assert len(bodies) == 6
    for body in bodies:
        assert orjson.loads(body if isinstance(body, bytes) else body.encode("latin-1"))["text"] == "café"


B4 = """
import json, os
from filelock import FileLock
import fcntl
from locust import User, constant, task

DATA = "FOLDER/data.txt"

def take_with_filelock():
    with FileLock(DATA + ".lock"):
        return take()

def take_with_fcntl():
    with open(DATA + ".fcntl", "w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        return take()

def take():
    with open(DATA) as file:
        lines = file.read().splitlines()
    if not lines:
        return None
    with open(DATA, "w") as file:
        file.writelines(line + "\\n" for line in lines[1:])
    return lines[0]

class Customer(User):
    wait_time = constant(0.001)

    @task
    def work(self):
        with self.environment.events.request.measure("FILE", "take"):
            line = take_with_KIND()
        if line is None:
            print("TOOK", json.dumps(taken))
            leave(self)
        taken.append(line)

taken = []
"""


@pytest.mark.parametrize("lock", ["filelock", "fcntl"])
def test_b4_several_commands_share_a_file_and_no_line_is_taken_twice(lock: str, tmp_path: Path) -> None:
    lines = [f"customer-{number}" for number in range(400)]
    (tmp_path / "data.txt").write_text("".join(f"{line}\n" for line in lines))
    text = B4.replace("FOLDER", str(tmp_path)).replace("KIND", lock) + DONE
    with (
        start_locust(text, "-u", "1", "-t", "40s") as first,
        start_locust(text, "-u", "1", "-t", "40s") as second,
        start_locust(text, "-u", "1", "-t", "40s") as third,
    ):
        results = [running.wait(50) for running in (first, second, third)]
    took = [set(result.printed("TOOK")[0]) for result in results]
    assert sum(len(part) for part in took) == 400
    assert set().union(*took) == set(lines)
    assert all(result.returncode == 0 for result in results)


B5 = """
import json
from faker import Faker
from locust import HttpUser, task

fake = Faker("ko-KR")

class Newcomer(HttpUser):
    def on_start(self):
        self.fake = Faker(["en_US", "ko_KR"])

    @task
    def sign_up(self):
        person = {"name": self.fake.name(), "email": self.fake.unique.email(), "phrase": fake.catch_phrase()}
        self.client.post("/hello", json=person)
"""


def test_b5_faker_makes_each_request_its_own_data(server: ScriptedServer) -> None:
    result = run_locust(B5, "-H", server.url, "-u", "3", "-r", "3", "-t", "2s", "-s", "5")
    assert (result.total.failures, result.probe["exceptions"]) == (0, []), result.stderr
    people = [json.loads(request.body) for request in server.journal("/hello")]
    assert len(people) == result.total.requests > 5
    assert len({person["email"] for person in people}) > len(people) // 2
    assert any(any("가" <= letter <= "힣" for letter in person["phrase"]) for person in people)


B6 = """
from statemachine import State, StateMachine
from locust import HttpUser, constant, task

class Visit(StateMachine):
    outside = State(initial=True)
    browsing = State()
    paying = State()
    enter = outside.to(browsing)
    buy = browsing.to(paying)
    leave = paying.to(outside)

    def __init__(self, client):
        self.client = client
        super().__init__()

    def on_enter_browsing(self):
        self.client.get("/hello", name="browse")

    def before_buy(self):
        self.client.get("/hello", name="add to cart")

    def on_enter_paying(self):
        self.client.post("/hello", name="pay")

class Shopper(HttpUser):
    wait_time = constant(0.001)

    def on_start(self):
        self.visit = Visit(self.client)

    @task
    def next_step(self):
        for step in ("enter", "buy", "leave"):
            self.visit.send(step)
"""


def test_b6_a_state_machine_drives_each_user(server: ScriptedServer) -> None:
    result = run_locust(B6, "-H", server.url, "-u", "5", "-r", "5", "-t", "2s", "-s", "10")
    assert result.probe["exceptions"] == [], result.stderr
    counts = {
        name: result.entry(name, method).requests
        for name, method in [("browse", "GET"), ("add to cart", "GET"), ("pay", "POST")]
    }
    assert len(set(counts.values())) == 1, counts
    assert counts["pay"] > 10
    assert server.count("/hello") == sum(counts.values())


B7 = """
import git
from locust import HttpUser, events, task

@events.test_start.add_listener
def label(environment, **_):
    commit = git.Repo("FOLDER").head.commit
    environment.tested = commit.hexsha
    print("TESTED", '"%s"' % commit.hexsha)

class Visitor(HttpUser):
    @task
    def work(self):
        self.client.get("/hello", headers={"X-Tested": self.environment.tested})
        leave(self)
"""


def test_b7_a_run_is_labelled_with_its_commit(server: ScriptedServer, tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=tester", "-c", "user.email=tester@example.org"]
        done = subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init", "--quiet")
    git("commit", "--quiet", "--allow-empty", "-m", "what is tested")
    commit = git("rev-parse", "HEAD")
    text = B7.replace("FOLDER", str(tmp_path)) + DONE
    result = run_locust(text, "-H", server.url, "-u", "1", "-t", "20s")
    assert result.printed("TESTED") == [commit], result.stderr
    (request,) = server.journal("/hello")
    assert dict(request.headers)["X-Tested"] == commit
