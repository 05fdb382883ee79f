"""Asynchronous users from the command line: what is refused, what is named, and one user alone for a debugger."""

from __future__ import annotations

import signal

import pytest
from support.clock import assert_in_time
from support.command import run_locust, run_python, start_locust
from support.script import Route
from support.server import ScriptedServer

pytestmark = pytest.mark.ours("has no asynchronous users")

WRONG_BASE = """
from locust import HttpUser, task

class Visitor(HttpUser):
    @task
    async def browse(self):
        await self.client.get("/")
"""


def test_plain_user_with_coroutines_is_refused_in_one_sentence() -> None:
    result = run_locust(WRONG_BASE, "-H", "http://127.0.0.1:1", "-t", "5s", probe=False)
    assert result.returncode == 1
    assert "Visitor has a coroutine function, Visitor.browse (async def), and its base class HttpUser" in result.stderr
    assert "subclass rocust.AsyncHttpUser instead" in result.stderr
    assert "Traceback" not in result.stderr


NO_UVLOOP = """
import sys
sys.modules["uvloop"] = None
from locust import task
from rocust import AsyncUser

class Visitor(AsyncUser):
    @task
    async def rest(self): ...
"""


def test_loop_that_is_not_installed_is_told() -> None:
    result = run_locust(NO_UVLOOP, "-t", "5s", "--loop", "uvloop", probe=False)
    assert result.returncode == 2
    assert "uvloop is not installed. hint: pip install 'rocust[uvloop]'" in result.stderr


LEAVING = """
import asyncio
from locust import task
from rocust import AsyncHttpUser

class Visitor(AsyncHttpUser):
    @task
    async def visit(self):
        await asyncio.gather(*(self.client.get("/quiet") for _ in range(10)))

    async def on_stop(self):
        await self.client.aclose()
        print("CLOSED", 1)
"""


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_user_that_leaves_may_wait_for_its_connections(loop: str) -> None:
    with ScriptedServer({"/quiet": Route(gate="never")}) as server:
        options = ["-u", "20", "-r", "20", "-H", server.url, "--loop", loop]
        with start_locust(LEAVING, *options) as running:
            server.wait_for_requests(200, "/quiet")
            running.send_signal(signal.SIGINT)
            result = running.wait()
    assert result.printed("CLOSED") == [1] * 20
    assert result.aborted == 200


SINGLE = """
import asyncio
from locust import run_single_user, task
from locust.exception import StopUser
from rocust import AsyncHttpUser

class Visitor(AsyncHttpUser):
    host = HOST

    async def on_stop(self):
        print("STOPPED", 1)

    @task
    async def visit(self):
        await asyncio.gather(self.client.get("/a"), self.client.get("/a"))
        raise StopUser

if __name__ == "__main__":
    run_single_user(Visitor)
"""


def test_single_user_may_be_asynchronous() -> None:
    with ScriptedServer({"/a": Route()}) as server:
        result = run_python(
            SINGLE.replace("HOST", repr(server.url))
            .replace("from locust", "from rocust", 1)
            .replace("locust.exception", "rocust.exception")
        )
        assert result.returncode == 0, result.stderr
        assert server.count("/a") == 2
    assert "STOPPED 1" in result.stdout
    assert result.stdout.count("GET\t/a") == 2


EXITING = """
import asyncio, sys
from locust import task
from rocust import AsyncUser

class Exiting(AsyncUser):
    @task
    async def leave(self):
        async def child():
            sys.exit(3)
        await WAY

class Other(AsyncUser):
    @task
    async def rest(self):
        await asyncio.sleep(3600)
"""


@pytest.mark.parametrize("way", ["child()", "asyncio.gather(child())", "asyncio.wait({asyncio.create_task(child())})"])
def test_exit_in_a_task_ends_the_process_as_it_does_in_a_greenlet(way: str) -> None:
    result = run_locust(EXITING.replace("WAY", way), "-u", "2", "-r", "2", "-t", "30s", probe=False)
    assert result.returncode == 3, result.stderr
    assert "Error" not in result.stderr


STUBBORN = """
import asyncio
from locust import events, task
from rocust import AsyncUser

class Stubborn(AsyncUser):
    @task
    async def swallow(self):
        print("HELD 1", flush=True)
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                pass

class Tame(AsyncUser):
    @task
    async def rest(self):
        await asyncio.sleep(3600)
"""

LINGERING = """
import asyncio
from locust import task
from rocust import AsyncUser

class Lingering(AsyncUser):
    async def on_stop(self):
        await asyncio.sleep(3600)

    @task
    async def rest(self):
        await asyncio.sleep(3600)
"""


def test_task_that_swallows_cancellation_is_named_and_does_not_hold_up_the_run() -> None:
    result = run_locust(STUBBORN, "-u", "2", "-r", "2", "-t", "1s")
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("does not end although it was cancelled") == 1
    assert "A task of Stubborn does not end" in result.stderr
    assert "Stubborn.swallow, at " in result.stderr


ENDING = """
import asyncio, time
from locust import events, task
from rocust import AsyncUser

class Tame(AsyncUser):
    @task
    async def rest(self):
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0)

@events.test_stopping.add_listener
def begin(**_):
    globals()["began_at"] = time.perf_counter()

@events.quit.add_listener
def end(**_):
    print("TOOK", time.perf_counter() - began_at)
"""


@pytest.mark.timing
def test_the_time_to_clean_up_in_is_not_waited_for_when_nobody_needs_it() -> None:
    result = run_locust(ENDING, "-u", "20", "-r", "20", "-t", "1s", "-s", "0")
    assert result.returncode == 0, result.stderr
    (took_s,) = result.printed("TOOK")
    assert_in_time(took_s < 3, f"20 users took {took_s} s to end")
    assert "does not end" not in result.stderr


@pytest.mark.parametrize("stop_timeout", ["0", "1"])
def test_on_stop_that_never_ends_is_named_and_does_not_hold_up_the_run(stop_timeout: str) -> None:
    result = run_locust(LINGERING, "-u", "1", "-t", "1s", "-s", stop_timeout)
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("does not end") == 1
    assert (
        "An on_stop of Lingering does not end; nobody waits for it any longer: Lingering.on_stop, at " in result.stderr
    )


B2 = """
import asyncio
from contextvars import ContextVar
from locust import HttpUser, task
from rocust import AsyncHttpUser

number = ContextVar("number", default=0)
count = 0

def fresh():
    global count
    count += 1
    assert number.get() == 0, "another user's value"
    number.set(count)
    return count

class Sync(HttpUser):
    def on_start(self):
        self.number = fresh()

    @task
    def work(self):
        self.client.get("/a")
        assert number.get() == self.number

class Async(AsyncHttpUser):
    async def on_start(self):
        self.number = fresh()

    async def child(self):
        assert number.get() == self.number
        number.set(-1)  # a child's own copy
        await self.client.get("/a")

    @task
    async def work(self):
        await asyncio.gather(self.child(), self.child())
        assert number.get() == self.number
"""


def test_b2_context_variables_of_both_kinds_never_meet() -> None:
    with ScriptedServer({"/a": Route()}) as server:
        result = run_locust(B2, "-H", server.url, "-u", "20", "-r", "20", "-t", "1s", "-s", "10")
        assert (result.returncode, result.probe["exceptions"]) == (0, []), result.stderr
        assert result.total.requests == server.count("/a") > 20


GRPC = """
import asyncio
import grpc
from locust import task
from rocust import AsyncUser

class Caller(AsyncUser):
    @task
    async def call(self):
        async def echo(request, context):
            return request
        server = grpc.aio.server()
        handler = grpc.unary_unary_rpc_method_handler(echo)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("Echo", {"Say": handler}),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            say = channel.unary_unary("/Echo/Say")
            for _ in range(5):
                async with self.measure("gRPC", "Say") as m:
                    m["response_length"] = len(await say(b"hello"))
        await server.stop(None)
        self.environment.runner.quit()
        await asyncio.sleep(60)
"""


@pytest.mark.parametrize("is_bare", [False, True], ids=["patched", "bare"])
def test_grpc_aio_in_a_task(is_bare: bool) -> None:
    pytest.importorskip("grpc")
    result = run_locust(GRPC, "-u", "1", "-t", "20s", env={"LOCUST_SKIP_MONKEY_PATCH": "1"} if is_bare else {})
    said = result.entry("Say", "gRPC")
    assert (said.requests, said.content_bytes, said.failures, result.returncode) == (5, 25, 0, 0), result.stderr


ORDERS = """
import asyncio
from locust import HttpUser, constant, events, task
from rocust import AsyncHttpUser

class Steering(AsyncHttpUser):
    fixed_count = 1

    @task
    async def steer(self):
        runner = self.environment.runner
        print("BEGUN", runner.user_count, flush=True)
        runner.start(4, 100)
        while runner.user_count < 6:
            await asyncio.sleep(0.01)
        runner.start(2, 100)
        while runner.user_count > 2:
            await asyncio.sleep(0.01)
        await self.client.get("/steered")
        runner.quit()
        await asyncio.sleep(60)

class Plain(HttpUser):
    wait_time = constant(0.01)

    @task
    def get(self):
        self.client.get("/plain")

class Async(AsyncHttpUser):
    wait_time = constant(0.01)

    @task
    async def get(self):
        await self.client.get("/async")

@events.spawning_complete.add_listener
async def more(user_count, **_):
    print("COMPLETE", user_count, flush=True)
    await asyncio.sleep(0)
    if user_count == 4:
        environment.runner.start(6, 100)

@events.init.add_listener
async def remember(environment, **_):
    globals()["environment"] = environment
"""


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_tasks_and_listeners_may_change_the_number_of_users(loop: str) -> None:
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    with ScriptedServer({"/steered": Route(), "/plain": Route(), "/async": Route()}) as server:
        result = run_locust(ORDERS, "-H", server.url, "-u", "1", "-r", "1", "-t", "20s", "-s", "5", "--loop", loop)
        server.settle()
        assert (result.printed("BEGUN"), result.printed("COMPLETE")[:3]) == ([1], [1, 4, 6]), result.stderr
        assert result.entry("/steered").requests == 1
        for path in ("/plain", "/async"):
            assert result.entry(path).requests == server.count(path) > 0
    assert (result.total.failures, result.aborted, result.returncode) == (0, 0, 0), result.stderr
    assert "Traceback" not in result.stderr
