"""Without the command: an `Environment` and a runner in a script of the user's own, as Locust's documentation shows."""

from __future__ import annotations

import pytest
from support.command import IS_STOCK, run_python
from support.script import Route
from support.server import ScriptedServer

SCRIPT = """
from gevent import monkey
monkey.patch_all()
import gevent, json, sys
from PACKAGE import HttpUser, task, events
from PACKAGE.env import Environment

class Visitor(HttpUser):
    host = sys.argv[1]

    @task
    def hello(self):
        self.client.get("/hello")

    @task
    def absent(self):
        self.client.get("/absent")

environment = Environment(user_classes=[Visitor])
runner = environment.create_local_runner()
assert environment.runner is runner
heard = []
environment.events.test_start.add_listener(lambda **_: heard.append("test_start"))
environment.events.test_stop.add_listener(lambda **_: heard.append("test_stop"))
"""

TELLING = """
stats = environment.stats
print("TOTAL", json.dumps([stats.total.num_requests, stats.total.num_failures]))
print("ENTRIES", json.dumps(sorted([list(key), entry.num_requests] for key, entry in stats.entries.items())))
print("ERRORS", json.dumps(sorted([error.to_name(), error.occurrences] for error in stats.errors.values())))
print("HEARD", json.dumps(heard))
print("STATE", json.dumps([runner.state, runner.user_count]))
"""


def test_run_for_a_while_then_read_the_statistics() -> None:
    script = (
        SCRIPT
        + """
runner.start(3, spawn_rate=10)
gevent.spawn_later(1, runner.quit)
runner.greenlet.join()
"""
        + TELLING
    )
    with ScriptedServer({"/hello": Route()}) as server:
        result = run_python(script, server.url)
        assert result.returncode == 0, result.stderr
        server.settle()
        ((requests, failures),) = result.printed("TOTAL")
        assert 0 <= server.count() - requests <= 3, "each user may have had one request in flight"
        assert requests > 20
        (entries,) = result.printed("ENTRIES")
        assert [key for key, _ in entries] == [["/absent", "GET"], ["/hello", "GET"]]
        assert sum(count for _, count in entries) == requests
        assert failures == dict((tuple(key), count) for key, count in entries)["/absent", "GET"]
        (((name, occurrences),),) = result.printed("ERRORS")
        assert name.startswith("GET /absent: HTTPError('404 ")
        assert occurrences == failures
        assert result.printed("HEARD") == [["test_start", "test_stop"]]
        assert result.printed("STATE") == [["stopped", 0]]


def test_runner_can_be_started_again_and_its_statistics_begin_anew() -> None:
    script = (
        SCRIPT
        + """
seen = []
def until(number):
    done = gevent.event.Event()
    def listen(**_):
        if environment.stats.total.num_requests >= number:
            done.set()
    environment.events.request.add_listener(listen)
    done.wait(15)
    environment.events.request.remove_listener(listen)

import gevent.event
for users in (1, 2):
    runner.start(users, spawn_rate=10)
    until(20)
    seen.append([runner.state in ("running", "spawning"), runner.user_count])
    runner.stop()
    seen.append([runner.state, runner.user_count, environment.stats.total.num_requests >= 20])
print("SEEN", json.dumps(seen))
before = environment.stats.total.num_requests
environment.stats.reset_all()
print("RESET", json.dumps([before >= 20, environment.stats.total.num_requests]))
runner.quit()
"""
        + TELLING
    )
    with ScriptedServer({"/hello": Route()}) as server:
        result = run_python(script, server.url)
        assert result.returncode == 0, result.stderr
        assert result.printed("SEEN") == [[[True, 1], ["stopped", 0, True], [True, 2], ["stopped", 0, True]]]
        assert result.printed("RESET") == [[True, 0]]
        assert result.printed("HEARD") == [["test_start", "test_stop"] * 2]


def test_users_can_be_added_and_taken_away_while_running() -> None:
    script = (
        SCRIPT
        + """
import gevent.event
counts = []
def ramp_to(users):
    reached = gevent.event.Event()
    def listen(user_count, **_):
        reached.set()
    environment.events.spawning_complete.add_listener(listen)
    runner.start(users, spawn_rate=100)
    assert reached.wait(15)
    environment.events.spawning_complete.remove_listener(listen)
    counts.append(runner.user_count)

for users in (2, 6, 1):
    ramp_to(users)
runner.quit()
print("COUNTS", json.dumps(counts))
"""
        + TELLING
    )
    with ScriptedServer({"/hello": Route()}) as server:
        result = run_python(script, server.url)
        assert result.returncode == 0, result.stderr
        assert result.printed("COUNTS") == [[2, 6, 1]]
        assert result.printed("HEARD") == [["test_start", "test_stop"]]


def test_second_runner_of_an_environment_is_refused() -> None:
    script = (
        SCRIPT
        + """
from PACKAGE.exception import RunnerAlreadyExistsError
try:
    environment.create_local_runner()
except RunnerAlreadyExistsError:
    print("REFUSED", 1)
"""
    )
    assert run_python(script, "http://127.0.0.1:1").printed("REFUSED") == [1]


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        ("class A(User):\n    weight = 0\n", "There are no users with weight > 0."),
        (
            "class A(User):\n    pass\nB = A\nclass A(User):\n    pass\n",
            "The following user classes have the same class name",
        ),
    ],
)
def test_environment_refuses_classes_it_cannot_use(classes: str, words: str) -> None:
    given = "[A]" if "weight" in classes else "[A, B]"
    script = f"""
from gevent import monkey
monkey.patch_all()
from PACKAGE import User
from PACKAGE.env import Environment
{classes}
try:
    Environment(user_classes={given})
except ValueError as error:
    print(error)
"""
    assert words in run_python(script).stdout


def test_statistics_can_be_logged_to_without_a_run() -> None:
    """`RequestStats` is a store of its own: what goes in comes out.

    The buckets are Locust's, by its rounding. Percentiles are exact where Locust takes them from the buckets, so that
    the last one can not exceed the maximum.
    """
    script = """
import json
from PACKAGE.stats import RequestStats
stats = RequestStats()
for time_ms in (1, 12.4, 123, 1234, 12345):
    stats.log_request("GET", "/a", time_ms, 10)
stats.log_request("POST", "/b", None, 0)
stats.log_error("GET", "/a", ValueError("x"))
entry = stats.get("/a", "GET")
print("ENTRY", json.dumps([entry.num_requests, entry.num_failures, entry.total_content_length]))
print("MEDIAN", json.dumps(entry.median_response_time))
print("BUCKETS", json.dumps(sorted(entry.response_times.items())))
print("TOTAL", json.dumps([stats.total.num_requests, stats.total.num_none_requests, stats.total.num_failures]))
print("TIMES", json.dumps([entry.min_response_time, entry.max_response_time, entry.avg_response_time]))
print("PERCENTILES", json.dumps([entry.get_response_time_percentile(p) for p in (0.5, 0.9, 1.0)]))
stats.clear_all()
print("CLEARED", json.dumps([stats.total.num_requests, len(stats.entries), len(stats.errors)]))
"""
    result = run_python(script)
    assert result.returncode == 0, result.stderr
    assert result.printed("ENTRY") == [[5, 1, 50]]
    assert result.printed("MEDIAN") == [120 if IS_STOCK else 123]
    assert result.printed("BUCKETS") == [[[1, 1], [12, 1], [120, 1], [1200, 1], [12000, 1]]]
    assert result.printed("TOTAL") == [[6, 1, 1]]
    assert result.printed("TIMES") == [[1, 12345, 2743.08]]
    assert result.printed("PERCENTILES") == [[120, 12000, 12000] if IS_STOCK else [123, 12345, 12345]]
    assert result.printed("CLEARED") == [[0, 0, 0]]
