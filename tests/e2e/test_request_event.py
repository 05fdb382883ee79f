"""`events.request.fire` and `measure`, from whatever greenlet or thread: each counted once, and rightly."""

from __future__ import annotations

import pytest
from support.command import run_locust, run_python

MANY_PLACES = """
import threading, time
import gevent
from gevent import monkey, threadpool
from locust import User, events, task

EACH = 2000
start_native = monkey.get_original("_thread", "start_new_thread")
native_sleep = monkey.get_original("time", "sleep")
failures = []

def fire(place):
    try:
        for number in range(EACH):
            bad = ValueError("every tenth") if number % 10 == 0 else None
            events.request.fire(request_type=place, name="fired", response_time=float(number % 50), response_length=3, exception=bad, context={})
            with events.request.measure(place, "measured") as meta:
                meta["response_length"] = 7
                if number % 10 == 0:
                    raise KeyError("every tenth")
            if number % 100 == 0:
                native_sleep(0)
    except BaseException as error:
        failures.append(repr(error))
    done.append(place)

done = []
heard = []

@events.request.add_listener
def listen(request_type, **_):
    heard.append(request_type)

class Firing(User):
    @task
    def work(self):
        for _ in range(2):
            start_native(fire, ("native",))
            threading.Thread(target=fire, args=("thread",)).start()
            gevent.spawn(fire, "greenlet")
        gevent.get_hub().threadpool.spawn(fire, "pool")
        fire("user")
        while len(done) < 8:
            gevent.sleep(0.01)
        print("HEARD", len(heard))
        import json
        print("FAILED", json.dumps(failures))
        gevent.spawn(self.environment.runner.quit)
        gevent.sleep(60)
"""


@pytest.mark.parametrize("patched", [True, False], ids=["patched", "unpatched"])
def test_requests_of_every_greenlet_and_thread_are_counted_once(patched: bool) -> None:
    environment = {} if patched else {"LOCUST_SKIP_MONKEY_PATCH": "1"}
    result = run_locust(MANY_PLACES, "-u", "1", "-t", "40s", env=environment, timeout=50)
    assert result.printed("FAILED") == [[]], result.stderr
    assert result.printed("HEARD") == [8 * 4000]
    for place, times in {"native": 2, "thread": 2, "greenlet": 2, "pool": 1, "user": 1}.items():
        fired, measured = result.entry("fired", place), result.entry("measured", place)
        assert (fired.requests, fired.failures, fired.content_bytes) == (2000 * times, 200 * times, 6000 * times)
        assert (measured.requests, measured.failures) == (2000 * times, 200 * times)
        assert measured.content_bytes == 14000 * times
        assert (fired.minimum_ms, fired.maximum_ms) == (0, 49)
    assert (result.total.requests, result.total.failures) == (8 * 4000, 8 * 400)


ENGINE_TOO = """
import gevent
from gevent import monkey
from locust import HttpUser, events, task

start_native = monkey.get_original("_thread", "start_new_thread")
done = []

def fire():
    for _ in range(20_000):
        events.request.fire(request_type="NATIVE", name="beside", response_time=1.0, response_length=1, exception=None, context={})
    done.append(1)

class Both(HttpUser):
    def on_start(self):
        start_native(fire, ())

    @task
    def work(self):
        self.client.get("/hello")
        if len(done) == 3:
            done.append(1)
            gevent.spawn(self.environment.runner.quit)
            gevent.sleep(60)
"""


def test_a_native_thread_fires_while_the_engine_records() -> None:
    from support.script import Route
    from support.server import ScriptedServer

    with ScriptedServer({"/hello": Route()}) as server:
        result = run_locust(ENGINE_TOO, "-H", server.url, "-u", "3", "-r", "3", "-t", "40s", "-s", "5", timeout=50)
        assert result.entry("beside", "NATIVE").requests == 60_000, result.stderr
        assert result.entry("/hello").requests + result.aborted == server.count("/hello")


SCRIPT = """
import threading
from PACKAGE.env import Environment
from PACKAGE import User

environment = Environment(user_classes=[])
runner = environment.create_local_runner()

def fire():
    for _ in range(5000):
        environment.events.request.fire(request_type="T", name="n", response_time=2, response_length=0, exception=None, context={})

threads = [threading.Thread(target=fire) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("COUNTED", environment.stats.total.num_requests)
runner.quit()
"""


def test_threads_of_a_script_that_patched_nothing_are_counted() -> None:
    result = run_python(SCRIPT)
    assert result.printed("COUNTED") == [20_000], result.stderr
