"""Ordinary blocking Python in a task holds up its own user only; and what it does itself works."""

from __future__ import annotations

import threading

import pytest
from support.command import run_locust
from support.script import Route
from support.server import ScriptedServer

# Two users. The blocking one opens a gate of the server only after the other has made ten requests: were it in the
# other's way, there would be no tenth request and the run would never end.
SIDE_BY_SIDE = """
import gevent, socket, threading, time
import gevent.event
from locust import HttpUser, FastHttpUser, User, task, events

class Busy(HttpUser):
    fixed_count = 1

    @task
    def work(self):
        BLOCKING
        print("BLOCKED", 1)
        gevent.spawn(self.environment.runner.quit)
        gevent.sleep(60)

class Other(HttpUser):
    fixed_count = 1

    @task
    def work(self):
        self.client.get("/other")
"""


@pytest.mark.parametrize(
    "blocking",
    [
        "time.sleep(0.5)",
        "gevent.sleep(0.5)",
        "gevent.spawn(time.sleep, 0.5).join()",
        "done = threading.Event(); threading.Timer(0.5, done.set).start(); done.wait()",
        "thread = threading.Thread(target=time.sleep, args=(0.5,)); thread.start(); thread.join()",
        "import queue; box = queue.Queue(); gevent.spawn_later(0.5, box.put, 1); box.get()",
        "import subprocess; subprocess.run(['sleep', '0.5'], check=True)",
    ],
    ids=["time.sleep", "gevent.sleep", "gevent.spawn", "threading.Timer", "threading.Thread", "queue", "subprocess"],
)
def test_sleeping_user_leaves_the_others_alone(blocking: str) -> None:
    with ScriptedServer({"/other": Route()}) as server:
        result = run_locust(SIDE_BY_SIDE.replace("BLOCKING", blocking), "-H", server.url, "-u", "2", "-r", "2")
        assert result.printed("BLOCKED") == [1]
        assert server.count("/other") > 10, "half a second of another user's requests"
        assert result.seconds < 10


@pytest.mark.parametrize(
    "blocking",
    [
        'import requests; assert requests.get(self.host + "/held").text == "released"',
        'import urllib.request; assert urllib.request.urlopen(self.host + "/held").read() == b"released"',
        'connection = socket.create_connection(("127.0.0.1", PORT)); '
        'connection.sendall(b"GET /held HTTP/1.0\\r\\n\\r\\n"); '
        'answer = connection.makefile("rb").read(); assert answer.endswith(b"released"), answer',
        'assert self.client.get("/held").text == "released"',
        'answers = []; ask = lambda: answers.append(self.client.get("/held").text); '
        "gevent.joinall([gevent.spawn(ask) for _ in range(3)]); "
        'assert answers == ["released"] * 3, answers',
    ],
    ids=["requests", "urllib", "socket", "client", "client in greenlets"],
)
def test_user_waiting_for_the_network_leaves_the_others_alone(blocking: str) -> None:
    """The held answer is released by the tenth request of the other user, so only cooperation ends the run."""
    routes = {"/held": Route(gate="tenth", body="released"), "/other": Route()}
    with ScriptedServer(routes) as server:
        opener = threading.Thread(target=_open_after_ten, args=(server,))
        opener.start()
        file = SIDE_BY_SIDE.replace("BLOCKING", blocking).replace("PORT", str(server.port))
        result = run_locust(file, "-H", server.url, "-u", "2", "-r", "2")
        opener.join()
        assert result.printed("BLOCKED") == [1], result.stderr
        assert server.count("/other") >= 10


def _open_after_ten(server: ScriptedServer) -> None:
    server.wait_for(
        lambda: server.count("/other") >= 10 and server.count("/held") >= 1, "ten requests beside the held one"
    )
    server.open("tenth")


def test_requests_of_the_requests_package_are_not_in_the_statistics() -> None:
    file = """
import requests
from locust import HttpUser, task

class Visitor(HttpUser):
    @task
    def work(self):
        requests.get(self.host + "/outside")
        self.client.get("/inside")
        self.environment.runner.quit()
"""
    with ScriptedServer({"/inside": Route(), "/outside": Route()}) as server:
        result = run_locust(file, "-H", server.url)
        assert (server.count("/inside"), server.count("/outside")) == (1, 1)
        assert set(result.tables.rows) == {("GET", "/inside"), ("", "Aggregated")}


def test_one_users_greenlets_share_its_session() -> None:
    file = """
import gevent
from locust import HttpUser, task

class Visitor(HttpUser):
    @task
    def work(self):
        self.client.get("/login")
        gevent.joinall([gevent.spawn(self.client.get, f"/part?{number}", name="/part") for number in range(5)])
        self.environment.runner.quit()
"""
    with ScriptedServer({"/login": Route(headers=(("Set-Cookie", "who=me"),)), "/part": Route(delay_s=0.05)}) as server:
        result = run_locust(file, "-H", server.url)
        parts = server.journal("/part")
        assert sorted(exchange.query for exchange in parts) == list("01234")
        assert {exchange.header("Cookie") for exchange in parts} == {"who=me"}
        began = [exchange.read_ns for exchange in parts]
        assert max(began) - min(began) < 4 * 50_000_000, "one after the other would take four times the delay"
        assert result.entry("/part").requests == 5


def test_gevent_timeout_gives_up_a_request() -> None:
    """A user's own time limit around a request ends it there and then, and the user carries on."""
    file = """
import gevent, time
from locust import HttpUser, task

class Visitor(HttpUser):
    @task
    def work(self):
        began = time.monotonic()
        with gevent.Timeout(0.3, False):
            self.client.get("/held")
        print("TOOK", time.monotonic() - began)
        print("STATUS", self.client.get("/quick").status_code)
        self.environment.runner.quit()
"""
    with ScriptedServer({"/held": Route(gate="never"), "/quick": Route()}) as server:
        result = run_locust(file, "-H", server.url)
        server.settle()
        assert 0.29 <= result.printed("TOOK")[0] < 5
        assert result.printed("STATUS") == [200]
        assert (server.count("/held"), server.count("/quick")) == (1, 1)
        assert result.entry("/quick").requests == 1


@pytest.mark.ours("forgets a request that a gevent.Timeout gave up")
def test_request_given_up_by_a_timeout_is_in_the_account() -> None:
    file = """
import gevent
from locust import HttpUser, task

class Visitor(HttpUser):
    @task
    def work(self):
        for _ in range(3):
            with gevent.Timeout(0.1, False):
                self.client.get("/held")
        self.client.get("/quick")
        self.environment.runner.quit()
"""
    with ScriptedServer({"/held": Route(gate="never"), "/quick": Route()}) as server:
        result = run_locust(file, "-H", server.url)
        server.settle()
        assert server.count() == 4
        assert result.total.requests + result.aborted == 4
