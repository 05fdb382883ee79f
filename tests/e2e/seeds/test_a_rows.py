"""Rows A5 to A13 of the seeds: what a user of Locust writes first, a test for each row, run by the command to its end.

The notes' own code blocks are run by `test_a_notes.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise

import pytest
from support.clock import LateError
from support.command import Result, run_locust
from support.script import Route
from support.server import ScriptedServer

DONE = """
def leave(user):
    import gevent
    gevent.spawn(user.environment.runner.quit)
    gevent.sleep(60)
"""
ROUTES = {
    "/json": Route(body='{"name": "Kim"}', headers=(("Content-Type", "application/json"), ("X-Is", "here"))),
    "/slow": Route(body="right", delay_s=0.3),
    "/hello": Route(),
    "/absent": Route(status=404, body="gone"),
    **{f"/blog/{number}": Route() for number in range(3)},
}


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(ROUTES) as scripted:
        yield scripted


def run_once(text: str, server: ScriptedServer, *args: str) -> Result:
    """One user, that leaves when its work is done; what it has checked itself has held."""
    result = run_locust(text + DONE, "-H", server.url, "-u", "1", "-t", "20s", *args)
    assert result.probe["exceptions"] == [], result.stderr
    assert "DONE 1" in result.stdout, result.stderr
    return result


A5 = """
from datetime import timedelta
from locust import HttpUser, task

class Visitor(HttpUser):
    @task
    def work(self):
        client = self.client
        client.headers["X-Always"] = "session"
        response = client.get("/json", params={"page": 2, "sort": ["a", "b"]}, headers={"X-Once": "call"})
        assert (response.status_code, response.ok, response.reason) == (200, True, "OK")
        assert response.json() == {"name": "Kim"} and response.text == '{"name": "Kim"}'
        assert response.content == b'{"name": "Kim"}' and response.headers["x-is"] == "here"
        assert timedelta() < response.elapsed < timedelta(seconds=20)
        assert response.url == client.base_url + "/json?page=2&sort=a&sort=b"
        assert client.get("/absent").status_code == 404
        client.post("/hello", json={"key": ["value", 1]})
        client.post("/hello", data={"a": "1 2", "b": "é"})
        client.put("/hello", data=b"bytes")
        client.patch("/hello", data="text")
        client.delete("/hello")
        assert client.head("/hello").text == ""
        client.options("/hello")
        client.request("GET", "/hello")
        client.cookies.set("name", "value")
        client.get("/hello")
        print("DONE 1")
        leave(self)
"""


def test_a5_the_client_is_a_session_as_that_of_requests(server: ScriptedServer) -> None:
    result = run_once(A5, server)
    first, _, *rest = server.journal()
    assert first.target == "/json?page=2&sort=a&sort=b"
    headers = dict(first.headers)
    assert (headers["X-Once"], headers["X-Always"]) == ("call", "session")
    assert [request.method for request in rest] == [
        "POST", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "GET", "GET",
    ]  # fmt: skip
    as_json, as_form, as_bytes, as_text, *_, with_cookie = rest
    assert json.loads(as_json.body) == {"key": ["value", 1]}
    assert dict(as_json.headers)["Content-Type"] == "application/json"
    assert (as_form.body, dict(as_form.headers)["Content-Type"]) == (
        "a=1+2&b=%C3%A9", "application/x-www-form-urlencoded",
    )  # fmt: skip
    assert (as_bytes.body, as_text.body) == ("bytes", "text")
    assert dict(with_cookie.headers)["Cookie"] == "name=value"
    assert {dict(request.headers)["X-Always"] for request in rest} == {"session"}
    assert (result.total.requests, result.total.failures) == (11, 1)
    assert {entry["method"] for entry in result.probe["entries"]} == {
        "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS",
    }  # fmt: skip


A6 = """
from locust import HttpUser, task
from locust.exception import ResponseError

class Visitor(HttpUser):
    @task
    def work(self):
        with self.client.get("/slow", catch_response=True) as response:
            assert response.text == "right"
            if response.elapsed.total_seconds() > 0.25:
                response.failure("Request took too long")
        with self.client.get("/hello", catch_response=True) as response:
            if response.text != "Success":
                response.failure("Got wrong response")
        with self.client.get("/absent", catch_response=True) as response:
            if response.status_code == 404:
                response.success()
        with self.client.get("/absent", name="judged by its status", catch_response=True):
            pass
        with self.client.get("/hello", name="raised", catch_response=True) as response:
            raise ResponseError("not that one")
        with self.client.get("/hello", name="the last word", catch_response=True) as response:
            response.failure("first thought")
            response.success()
        print("DONE 1")
        leave(self)
"""


def test_a6_responses_are_judged_by_the_task(server: ScriptedServer) -> None:
    result = run_once(A6, server)
    failures = {(entry["name"], entry["failures"]) for entry in result.probe["entries"]}
    assert failures == {
        ("/slow", 1), ("/hello", 1), ("/absent", 0), ("judged by its status", 1), ("raised", 1), ("the last word", 0),
    }  # fmt: skip
    assert all(entry["requests"] == 1 for entry in result.probe["entries"])
    told = "\n".join(result.errors)
    for words in ("Request took too long", "Got wrong response", "not that one", "404 Client Error"):
        assert words in told
    assert "first thought" not in told
    assert result.returncode == 1


A7 = """
from locust import HttpUser, task

class Visitor(HttpUser):
    @task
    def work(self):
        for number in range(3):
            self.client.get(f"/blog/{number}", name="/blog/[by argument]")
        self.client.request_name = "/blog/[by attribute]"
        for number in range(3):
            self.client.get(f"/blog/{number}")
        self.client.get("/blog/0", name="/blog/[the argument wins]")
        self.client.request_name = None
        with self.client.rename_request("/blog/[by block]"):
            for number in range(3):
                self.client.get(f"/blog/{number}")
        self.client.get("/blog/0?as=is")
        print("DONE 1")
        leave(self)
"""


def test_a7_requests_are_grouped_under_a_name(server: ScriptedServer) -> None:
    result = run_once(A7, server)
    assert {entry["name"]: entry["requests"] for entry in result.probe["entries"]} == {
        "/blog/[by argument]": 3, "/blog/[by attribute]": 3, "/blog/[the argument wins]": 1, "/blog/[by block]": 3,
        "/blog/0?as=is": 1,
    }  # fmt: skip
    assert (result.total.failures, server.count()) == (0, 11)


A8 = """
import json, time
from locust import User, between, constant, constant_pacing, constant_throughput, events, task

COUNT = 4
begun, told = {}, []

class Waiting(User):
    abstract = True
    fixed_count = 1

    @task
    def work(self):
        times = begun.setdefault(type(self).__name__, [])
        times.append(time.perf_counter())
        time.sleep(0.05)
        if not told and len(begun) == 5 and all(len(others) >= COUNT for others in begun.values()):
            told.append(begun)
            print("BEGUN", json.dumps(begun))
            leave(self)

class Constant(Waiting):
    wait_time = constant(0.2)

class Between(Waiting):
    wait_time = between(0.1, 0.3)

class Pacing(Waiting):
    wait_time = constant_pacing(0.3)

class Throughput(Waiting):
    wait_time = constant_throughput(5)

class Own(Waiting):
    turns = 0

    def wait_time(self):
        self.turns += 1
        return self.turns / 10
"""


def test_a8_waits_are_never_shorter_than_asked_for() -> None:
    """From the beginning of one task to that of the next. How late they may be, tests/e2e/test_truth.py says."""
    result = run_locust(A8 + DONE, "-u", "5", "-r", "5", "-t", "20s")
    (begun,) = result.printed("BEGUN")
    gaps = {name: [later - earlier for earlier, later in pairwise(t)] for name, t in begun.items()}
    assert min(gaps["Constant"]) >= 0.25
    assert min(gaps["Between"]) >= 0.15
    # The beat is kept, not the pause: a late task is followed by a shorter wait.
    for name, beat in (("Pacing", 0.3), ("Throughput", 0.2)):
        for number in range(1, len(begun[name])):
            assert begun[name][number] - begun[name][0] >= number * beat - 0.005
    assert all(gap >= 0.05 + (number + 1) / 10 for number, gap in enumerate(gaps["Own"]))


THROUGHPUT = """
import gevent, json, time
from locust import User, constant_throughput, events, task

class Slow(User):
    wait_time = constant_throughput(0.1)

    @task
    def work(self):
        times.append(time.perf_counter())

times = []

@events.test_start.add_listener
def start(environment, **_):
    started = time.perf_counter()
    def end():
        print("COUNT", sum(10 <= one - started < 20 for one in times))
        environment.runner.quit()
    gevent.spawn_later(20.5, end)
"""


@pytest.mark.timing
@pytest.mark.timeout(120)
def test_a8_five_thousand_users_at_a_tenth_are_five_hundred_tasks_a_second() -> None:
    """All are there after ten seconds; in the next ten each of them begins one task."""
    result = run_locust(THROUGHPUT, "-u", "5000", "-r", "500", timeout=90)
    (count,) = result.printed("COUNT")
    assert count <= 5_050, "a user began two tasks within ten seconds"
    if count < 4_750:
        raise LateError(f"{count} of 5,000 users had their turn in time")


A9 = """
from locust import HttpUser, constant, task

class Admin(HttpUser):
    fixed_count = 2
    host = "ADMIN"
    wait_time = constant(60)

    @task
    def work(self):
        self.client.get("/admin")
        arrive(self)

class Buyer(HttpUser):
    weight = 3
    host = "SHOP"
    wait_time = constant(60)

    @task
    def work(self):
        self.client.get("/buyer")
        arrive(self)

class Guest(HttpUser):
    host = "SHOP"
    wait_time = constant(60)

    @task
    def work(self):
        self.client.get("/guest")
        arrive(self)

arrived = []

def arrive(user):
    arrived.append(user)
    if len(set(arrived)) == 10:
        import gevent
        gevent.spawn(user.environment.runner.quit)
"""


def test_a9_how_many_of_whom_and_where_each_goes() -> None:
    routes = {f"/{name}": Route() for name in ("admin", "buyer", "guest")}
    with ScriptedServer(routes) as shop, ScriptedServer(routes) as admin:
        text = A9.replace("ADMIN", admin.url).replace("SHOP", shop.url)
        result = run_locust(text, "-u", "10", "-r", "10", "-t", "20s", "-s", "5")
        assert (admin.count("/admin"), admin.count()) == (2, 2)
        assert shop.count("/guest") == 2
        assert shop.count("/admin") == 0
    assert 'All users spawned: {"Admin": 2, "Buyer": 6, "Guest": 2} (10 total users)' in result.stderr
    assert result.returncode == 0


A10 = """
import json
from locust import TaskSet, User, task

class Shopper(User):
    def on_start(self):
        order.append("user starts")

    def on_stop(self):
        order.append("user stops")
        print("ORDER", json.dumps(order))

    @task
    class Basket(TaskSet):
        def on_start(self):
            order.append("set starts")

        def on_stop(self):
            order.append("set stops")

        @task
        def put(self):
            order.append("task")
            if order.count("task") == 1:
                self.interrupt()
            print("DONE 1")
            leave(self.user)

order = []
"""


def test_a10_what_runs_when_users_and_task_sets_start_and_stop(server: ScriptedServer) -> None:
    result = run_once(A10, server)
    assert result.printed("ORDER") == [
        ["user starts", "set starts", "task", "set stops", "set starts", "task", "set stops", "user stops"]
    ]


A11 = """
import json
from collections import Counter
from locust import TaskSet, User, task

LIMIT = 2000
counts = Counter()

def count(user, name):
    counts[name] += 1
    if sum(counts.values()) == LIMIT:
        print("COUNTS", json.dumps(counts))
        print("DONE 1")
        leave(user)

def listed(user):
    assert isinstance(user, User)
    count(user, "listed")

def thrice(user):
    count(user, "thrice")

class Nested(TaskSet):
    @task(3)
    def inner(self):
        count(self.user, "inner")

    @task
    class Deeper(TaskSet):
        @task
        def deep(self):
            assert self.parent.parent is self.user
            count(self.user, "deep")
            self.interrupt(reschedule=False)

    @task
    def leave_it(self):
        count(self.user, "leaves")
        self.interrupt()

TASKS

class Worker(User):
    BODY
"""
FORMS = {
    "decorated": (
        "@task\n    def once(self):\n        count(self, 'once')\n\n    @task(3)\n    def three(self):\n        count(self, 'three')",
        {"once": 1 / 4, "three": 3 / 4},
    ),
    "list": ("tasks = [listed, thrice, thrice, thrice]", {"listed": 1 / 4, "thrice": 3 / 4}),
    "dictionary": ("tasks = {listed: 1, thrice: 3}", {"listed": 1 / 4, "thrice": 3 / 4}),
    # Of what is begun in the outer set, half are nested ones; each makes 4 draws on average until it leaves: 3 inner (60 %) and a deep
    # one (20 %) for each that leaves (20 %).
    "nested": ("tasks = [listed, Nested]", {"listed": 1 / 6, "inner": 3 / 6, "deep": 1 / 6, "leaves": 1 / 6}),
}


@pytest.mark.parametrize("form", FORMS)
def test_a11_tasks_are_run_in_the_shares_of_their_weights(form: str, server: ScriptedServer) -> None:
    body, shares = FORMS[form]
    result = run_once(A11.replace("TASKS", "").replace("BODY", body), server)
    (counts,) = result.printed("COUNTS")
    assert counts.keys() == shares.keys()
    for name, share in shares.items():
        # Seven standard deviations for independent draws, and as much again for the nested ones, which come in runs.
        assert abs(counts[name] / 2000 - share) < 0.15, counts


A12 = """
from locust import TaskSet, User, constant, tag, task

class Worker(User):
    @tag("tag1")
    @task
    def task1(self):
        run(self, "task1")

    @tag("tag1", "tag2")
    @task
    def task2(self):
        run(self, "task2")

    @tag("tag3")
    @task
    def task3(self):
        run(self, "task3")

    @task
    def task4(self):
        run(self, "task4")

    @tag("tag2")
    @task
    class Nested(TaskSet):
        @tag("tag3")
        @task
        def inner(self):
            run(self.user, "inner")
            self.interrupt()

seen = {}

def run(user, name):
    seen[name] = seen.get(name, 0) + 1
    if sum(seen.values()) == 300:
        import json
        print("SEEN", json.dumps(sorted(seen)))
        print("DONE 1")
        leave(user)
"""


@pytest.mark.parametrize(
    ("options", "tasks"),
    [
        ("", ["inner", "task1", "task2", "task3", "task4"]),
        ("--tags tag1", ["task1", "task2"]),
        ("--tags tag2 tag3", ["inner", "task2", "task3"]),
        ("-T tag1 -E tag2", ["task1"]),
        ("--exclude-tags tag3", ["task1", "task2", "task4"]),
        ("-E tag1 tag2", ["task3", "task4"]),
    ],
)
def test_a12_tags_choose_the_tasks(options: str, tasks: list[str], server: ScriptedServer) -> None:
    result = run_once(A12, server, *options.split())
    assert result.printed("SEEN") == [tasks]


A13 = """
from locust import HttpUser, events, task
from locust.runners import LocalRunner, MasterRunner, WorkerRunner

def say(*words):
    print("SAID", json.dumps(words))

import json

@events.init_command_line_parser.add_listener
def add(parser, **_):
    parser.add_argument("--my-argument", type=int, env_var="LOCUST_MY_ARGUMENT", default=1, help="mine")
    parser.add_argument("--my-word", choices=["yes", "no"], default="no")

@events.init.add_listener
def init(environment, runner, **_):
    assert not isinstance(environment.runner, (MasterRunner, WorkerRunner))
    assert isinstance(runner, LocalRunner) and runner is environment.runner
    say("init", environment.parsed_options.my_argument, environment.parsed_options.my_word)

@events.test_start.add_listener
def start(environment, **kwargs):
    say("test_start", environment.host.startswith("http://127.0.0.1:"))

@events.test_stop.add_listener
def stop(environment, **_):
    say("test_stop", environment.stats.total.num_requests)

@events.request.add_listener
def request(request_type, name, response_time, response_length, exception, response, context, url, **_):
    assert response_time > 0 and url.endswith(name)
    say("request", request_type, name, response_length, str(exception)[:3] if exception else None, response.status_code, context)

class Visitor(HttpUser):
    @task
    def work(self):
        self.client.get("/hello", context={"round": 1})
        self.client.post("/absent")
        print("DONE 1")
        leave(self)
"""


@pytest.mark.parametrize(("arguments", "environment", "value"), [
    ([], {}, 1), (["--my-argument", "7"], {}, 7), ([], {"LOCUST_MY_ARGUMENT": "8"}, 8),
])  # fmt: skip
def test_a13_events_and_options_of_the_files_own(
    arguments: list[str], environment: dict[str, str], value: int, server: ScriptedServer
) -> None:
    result = run_locust(
        A13 + DONE, "-H", server.url, "-u", "1", "-t", "20s", "--my-word", "yes", *arguments, env=environment
    )
    assert "DONE 1" in result.stdout, result.stderr
    assert result.printed("SAID") == [
        ["init", value, "yes"],
        ["test_start", True],
        ["request", "GET", "/hello", 13, None, 200, {"round": 1}],
        ["request", "POST", "/absent", len("gone"), "404", 404, {}],
        ["test_stop", 2],
    ]
