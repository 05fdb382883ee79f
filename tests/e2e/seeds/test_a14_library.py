"""Locust as a library (row A14 of the seeds): in a plain script and in pytest, patched by the caller or not, and nothing left behind.

With `ROCUST_SEEDS` naming the folder of the seed documents, the notes' own script is run too, but for what they get wrong and for the
web page, which is not there yet.
"""

from __future__ import annotations

import os
import re
import textwrap
from pathlib import Path

import pytest
from support.command import IS_STOCK, Result, run_python
from support.script import Route
from support.server import ScriptedServer

SEEDS = os.environ.get("ROCUST_SEEDS", "")

PATCHED = "from gevent import monkey\nmonkey.patch_all()\n"
AS_LOCUST = "" if IS_STOCK else "import rocust\nrocust.install()\n"
EITHER_WAY = pytest.mark.parametrize("before", [PATCHED, ""], ids=["patched", "not patched"])

READING = """
import json, logging, sys
import gevent
import locust.stats
from locust import HttpUser, between, task
from locust.env import Environment
from locust.log import setup_logging
from locust.stats import stats_history, stats_printer

setup_logging("INFO", None)


class Reader(HttpUser):
    host = sys.argv[1]
    wait_time = between(0.01, 0.02)

    @task
    def front(self):
        self.client.get("/")

    @task
    def missing(self):
        self.client.get("/non-existing-path")
"""

SCRIPT = (
    READING
    + """
env = Environment(user_classes=[Reader])
runner = env.create_local_runner()
locust.stats.HISTORY_STATS_INTERVAL_SEC = 0.5
gevent.spawn(stats_printer(env.stats))
gevent.spawn(stats_history, env.runner)
env.runner.start(2, spawn_rate=10)
gevent.spawn_later(3, env.runner.quit)
env.runner.greenlet.join()
print("ENTRIES", json.dumps([[*key, entry.num_requests, entry.num_failures] for key, entry in env.stats.entries.items()]))
print("TOTAL", json.dumps([env.stats.total.num_requests, env.stats.total.num_failures]))
print("HISTORY", json.dumps([row["user_count"][1] for row in env.stats.history]))
print("STATE", json.dumps([runner.state, runner.user_count]))
"""
)


def assert_server_agrees(result: Result, server: ScriptedServer, users: int) -> None:
    """What the entries hold is what the server was asked, but for what was under way at the end."""
    assert result.returncode == 0, result.stderr
    server.settle()
    (entries,) = result.printed("ENTRIES")
    assert sorted(entry[:2] for entry in entries) == [["/", "GET"], ["/non-existing-path", "GET"]]
    for name, _, requests, failures in entries:
        assert 0 <= server.count(name) - requests <= users
        assert failures == (requests if name == "/non-existing-path" else 0)
    ((requests, _),) = result.printed("TOTAL")
    assert requests == sum(entry[2] for entry in entries) > 10


@EITHER_WAY
def test_a14_plain_script(before: str) -> None:
    with ScriptedServer({"/": Route()}) as server:
        result = run_python(before + AS_LOCUST + SCRIPT, server.url)
        assert_server_agrees(result, server, users=2)
    (history,) = result.printed("HISTORY")
    assert 2 in history, "what charts are made from was kept while it ran"
    assert result.printed("STATE") == [["stopped", 0]]
    assert "Aggregated" in result.stderr, "the table was printed while it ran"
    assert "All users spawned" in result.stderr


@pytest.mark.skipif(not SEEDS, reason="ROCUST_SEEDS does not name the folder of the seed documents")
@EITHER_WAY
def test_a14_script_of_the_notes(before: str) -> None:
    notes = (Path(SEEDS) / "locust-notes.md").read_text(encoding="utf-8", errors="replace")
    blocks = re.findall(r"^ *```python\n(.*?)^ *```", notes, re.MULTILINE | re.DOTALL)
    (script,) = [textwrap.dedent(block) for block in blocks if "create_local_runner" in block]
    for theirs, ours in {
        '"https://docs.locust.io"': "__import__('sys').argv[1]",
        "spawn_later(60,": "spawn_later(4,",
        "self.env.stats": "env.stats",
        'env.create_web_ui("127.0.0.1", 8089)\n': "",
        "env.web_ui.stop()\n": "",
    }.items():
        assert theirs in script
        script = script.replace(theirs, ours)
    with ScriptedServer({"/": Route()}) as server:
        result = run_python(before + AS_LOCUST + script, server.url)
        assert result.returncode == 0, result.stderr
        server.settle()
        assert server.count() > 0
        asked = {exchange.path for exchange in server.journal()}
    assert set(re.findall(r"^\('(/[a-z-]*)', 'GET'\)$", result.stdout, re.MULTILINE)) == asked
    assert "Aggregated" in result.stderr


@EITHER_WAY
def test_a14_in_pytest(before: str, tmp_path: Path) -> None:
    """Two tests of the user's own, each with an environment of its own, one after the other in one process."""
    (tmp_path / "test_load.py").write_text(
        AS_LOCUST
        + READING.replace("sys.argv[1]", "__import__('os').environ['TARGET']")
        + """
import pytest

@pytest.mark.parametrize("users", [1, 3])
def test_front_page_holds(users):
    env = Environment(user_classes=[Reader])
    runner = env.create_local_runner()
    enough = gevent.event.Event()

    def look(**_):
        if min(env.stats.get(name, "GET").num_requests for name in ("/", "/non-existing-path")) >= 5:
            enough.set()

    env.events.request.add_listener(look)
    runner.start(users, spawn_rate=10)
    assert enough.wait(20)
    runner.quit()
    assert runner.user_count == 0
    assert env.stats.get("/", "GET").num_failures == 0
    assert env.stats.get("/non-existing-path", "GET").fail_ratio == 1
""",
        encoding="utf-8",
    )
    command = f"""
import sys, gevent.event, pytest
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", {str(tmp_path)!r}]))
"""
    with ScriptedServer({"/": Route()}) as server:
        result = run_python(before + command, env={"TARGET": server.url}, timeout=50)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "2 passed" in result.stdout


LEFT = (
    READING
    + '''
import gc, os
import gevent.event
from greenlet import greenlet

class Waiter(Reader):
    wait_time = between(1000, 2000)

def left():
    gc.collect()
    alive = [one for one in gc.get_objects() if isinstance(one, greenlet) and not one.dead]
    return {"threads": len(os.listdir("/proc/self/task")), "fds": len(os.listdir("/proc/self/fd")), "greenlets": len(alive)}

def settled(wanted=None):
    """What is left, when it is what is wanted, or moves no more: a connection is closed by its lane, a moment after its user is gone."""
    before, now = None, left()
    for _ in range(100):
        if now == before if wanted is None else all(now[what] <= wanted[what] for what in now):
            break
        gevent.sleep(0.3)
        before, now = now, left()
    return now

def rounds(env, number):
    runner = env.runner
    for _ in range(number):
        env.stats.reset_all()
        asked = gevent.event.Event()

        def look(**_):
            if env.stats.total.num_requests >= 4:
                asked.set()

        env.events.request.add_listener(look)
        runner.start(4, spawn_rate=1000)
        assert asked.wait(20)
        runner.stop()
        env.events.request.remove_listener(look)
        assert (runner.state, runner.user_count) == ("stopped", 0)
    requests = env.stats.total.num_requests
    # As in Locust, a StatsError keeps the last exception of its kind, and with it the response, its user, and the user's connection.
    env.stats.clear_all()
    return requests

def one_environment(number):
    env = Environment(user_classes=[Reader, Waiter])
    env.create_local_runner()
    requests = rounds(env, number)
    env.runner.quit()
    env.runner.greenlet.join()
    heard.append(requests)

heard = []
# What is made once and for all, is made here: lanes, the doorbell, pools of names.
one_environment(3)
'''
)


@EITHER_WAY
def test_a14_started_and_stopped_a_hundred_times_leaves_nothing(before: str) -> None:
    script = """
env = Environment(user_classes=[Reader, Waiter])
env.create_local_runner()
rounds(env, 1)
first = settled()
rounds(env, 100)
print("LEFT", json.dumps([first, settled(first)]))
"""
    with ScriptedServer({"/": Route()}) as server:
        result = run_python(before + AS_LOCUST + LEFT + script, server.url, timeout=50)
    assert result.returncode == 0, result.stderr
    ((first, last),) = result.printed("LEFT")
    assert all(last[what] <= first[what] for what in first), (first, last)


@EITHER_WAY
def test_a14_environments_one_after_the_other_leave_nothing_and_share_nothing(before: str) -> None:
    script = """
first = settled()
for _ in range(20):
    one_environment(1)
print("LEFT", json.dumps([first, settled(first)]))
print("HEARD", json.dumps(heard))
"""
    with ScriptedServer({"/": Route()}) as server:
        result = run_python(before + AS_LOCUST + LEFT + script, server.url, timeout=50)
        assert result.returncode == 0, result.stderr
        server.settle()
        ((first, last),) = result.printed("LEFT")
        assert all(last[what] <= first[what] for what in first), (first, last)
        (heard,) = result.printed("HEARD")
        assert len(heard) == 21
        assert min(heard) >= 4
        # Each counted its own only: together they have not more than the server was asked.
        assert sum(heard) <= server.count()
