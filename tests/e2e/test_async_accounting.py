"""Asynchronous users keep the same account: what the server saw is in the report, or is said not to be; and no socket is left."""

from __future__ import annotations

import signal

import pytest
from support.command import run_locust, start_locust
from support.script import Route
from support.server import ScriptedServer

pytestmark = pytest.mark.ours("has no asynchronous users")

TIGHT_LOOP = """
import asyncio
from locust import HttpUser, events, task
from rocust import AsyncHttpUser

class Loop(AsyncHttpUser):
    @task
    async def get(self):
        await self.client.get("/")

    @task
    async def several(self):
        await asyncio.gather(*(self.client.get("/gathered") for _ in range(3)))

class Plain(HttpUser):
    @task
    def get(self):
        self.client.get("/plain")
"""

TOLD = """
told = 0

@events.request.add_listener
LISTENER
    global told
    told += 1

@events.quit.add_listener
def tell(**_):
    print("TOLD", told)
"""

LISTENERS = {
    "none": "",
    "plain": TOLD.replace("LISTENER", "def listen(**_):"),
    "coroutine": TOLD.replace("LISTENER", "async def listen(**_):\n    await asyncio.sleep(0)"),
}

#: Every user has a request under way, and says what it did when it was cancelled.
HELD = """
import asyncio, os
from locust import events, task
from rocust import AsyncHttpUser

counts = {"cancelled": 0, "finally": 0, "on_stop": 0}

class Held(AsyncHttpUser):
    async def on_stop(self):
        counts["on_stop"] += 1

    @task
    async def hold(self):
        try:
            await self.client.get("/held")
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            counts["cancelled"] += 1
            raise
        finally:
            counts["finally"] += 1

@events.test_stopping.add_listener
def say(**_):
    print("STOPPING 1", flush=True)

@events.quit.add_listener
def tell(**_):
    import gc, json, psutil
    gc.collect()  # connections that are kept alive go with their users
    here = psutil.Process()
    server = int(os.environ["SERVER_PORT"])
    open_ones = [c for c in here.net_connections("tcp") if c.raddr and c.raddr.port == server and c.status == "ESTABLISHED"]
    print("COUNTS", json.dumps([counts["cancelled"], counts["finally"], counts["on_stop"], len(open_ones)]))
"""


@pytest.mark.parametrize("listener", LISTENERS)
def test_both_kinds_in_one_run_report_exactly_what_the_server_saw(listener: str) -> None:
    with ScriptedServer({"/": Route(), "/gathered": Route(), "/plain": Route()}) as server:
        result = run_locust(
            TIGHT_LOOP + LISTENERS[listener], "-H", server.url, "-u", "6", "-r", "6", "-t", "2", "-s", "10"
        )
        server.settle()
        for path in ("/", "/gathered", "/plain"):
            assert result.entry(path).requests == server.count(path) > 0
        assert (result.total.failures, result.aborted, result.returncode) == (0, 0, 0)
        assert not server.count("/gathered") % 3
        if listener != "none":
            assert result.printed("TOLD") == [result.total.requests]


@pytest.mark.parametrize("stop_timeout", ["0", "5"])
def test_abrupt_end_loses_nothing_and_invents_nothing(stop_timeout: str) -> None:
    with ScriptedServer({"/": Route(), "/gathered": Route(), "/plain": Route()}) as server:
        result = run_locust(TIGHT_LOOP, "-H", server.url, "-u", "20", "-r", "20", "-t", "2", "-s", stop_timeout)
        server.settle()
        seen = server.count("/") + server.count("/gathered") + server.count("/plain")
        # A request that was called off before it was sent was not seen.
        assert result.total.requests <= seen <= result.total.requests + result.aborted
        assert seen > 100
        assert result.total.failures == 0


@pytest.mark.parametrize("stop_timeout", ["0", "1"])
def test_thousand_users_in_mid_request_are_cancelled_at_once(
    stop_timeout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = 1000
    with ScriptedServer({"/held": Route(gate="never")}) as server:
        monkeypatch.setenv("SERVER_PORT", str(server.port))
        with start_locust(HELD, "-H", server.url, "-u", str(users), "-r", str(users), "-s", stop_timeout) as run:
            server.wait_for_requests(users, "/held")
            run.send_signal(signal.SIGINT)
            result = run.wait()
        assert server.count("/held") == users
        assert (result.total.requests, result.total.failures, result.aborted) == (0, 0, users), result.stderr
        assert result.printed("COUNTS") == [[users, users, users, 0]], result.stderr


def test_thousand_users_in_mid_request_may_finish_within_the_stop_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    users = 1000
    with ScriptedServer({"/held": Route(gate="stop")}) as server:
        monkeypatch.setenv("SERVER_PORT", str(server.port))
        with start_locust(HELD, "-H", server.url, "-u", str(users), "-r", str(users), "-s", "5") as run:
            server.wait_for_requests(users, "/held")
            run.send_signal(signal.SIGINT)
            run.wait_for_line("STOPPING", "stdout")
            server.open("stop")
            result = run.wait()
        assert server.count("/held") == users
        assert (result.total.requests, result.total.failures, result.aborted) == (users, 0, 0), result.stderr
        assert result.printed("COUNTS") == [[0, users, users, 0]], result.stderr


IMPATIENT = """
import asyncio
from locust import task
from rocust import AsyncHttpUser

class Impatient(AsyncHttpUser):
    @task
    async def give_up(self):
        try:
            await asyncio.wait_for(self.client.get("/held"), 0.05)
        except asyncio.TimeoutError:
            pass
"""


def test_requests_that_their_own_tasks_call_off_are_counted_and_are_no_warning() -> None:
    with ScriptedServer({"/held": Route(gate="never")}) as server:
        result = run_locust(IMPATIENT, "-H", server.url, "-u", "20", "-r", "20", "-t", "1", "-s", "5")
        server.settle()
        assert 100 < server.count("/held") <= result.aborted
    assert (result.total.requests, result.returncode) == (0, 0)
    assert result.log_lines("WARNING") == []
