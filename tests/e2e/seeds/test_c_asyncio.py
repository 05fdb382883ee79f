"""Asynchronous users (rows C1 to C4, C9 to C11 of the seeds): what asyncio's guides teach works in a task, and is counted."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.browser import program
from support.command import run_locust, start_locust
from support.script import Route
from support.server import ScriptedServer

pytestmark = pytest.mark.ours("has no asynchronous users")

HEAD = """
import asyncio, json
from locust import HttpUser, TaskSet, between, constant, events, tag, task
from rocust import AsyncHttpUser, AsyncUser

class Once(AsyncHttpUser):
    abstract = True

    @task
    async def work(self):
        await self.scenario()
        self.environment.runner.quit()
        await asyncio.sleep(60)

def show(name, *values):
    print(name, json.dumps(values))
"""


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    routes = {"/": Route(), "/a": Route(), "/b": Route(), "/sync": Route(), "/held": Route(gate="never")}
    with ScriptedServer(routes) as scripted:
        yield scripted


def once(scenario: str) -> str:
    return HEAD + scenario


C1 = """
class Reader(AsyncHttpUser):
    weight = 3
    wait_time = between(0.01, 0.02)
    async def on_start(self):
        show("HOOK", "start")
    async def on_stop(self):
        show("HOOK", "stop")
    @tag("in")
    @task(3)
    async def often(self):
        assert (await self.client.get("/a")).status_code == 200
    @tag("in")
    @task
    async def seldom(self):
        async with self.client.get("/b", catch_response=True) as response:
            response.success()
    @tag("out")
    @task(50)
    async def never(self):
        await self.client.get("/missing")

class Plain(HttpUser):
    wait_time = constant(0.02)
    @tag("in")
    @task
    def work(self):
        self.client.get("/sync")
"""


def test_c1_async_tasks_beside_plain_ones(server: ScriptedServer) -> None:
    result = run_locust(HEAD + C1, "-H", server.url, "-u", "4", "-r", "4", "-t", "2", "-s", "10", "--tags", "in")
    server.settle()
    assert sorted(result.printed("HOOK")) == sorted([["start"]] * 3 + [["stop"]] * 3)
    for path in ("/a", "/b", "/sync"):
        assert result.entry(path).requests == server.count(path) > 0
    assert server.count("/a") > server.count("/b")
    assert (server.count("/missing"), result.total.failures, result.returncode) == (0, 0, 0)


C2 = """
class Concurrent(Once):
    async def get(self, path):
        return (await self.client.get(path)).status_code

    async def broken(self):
        raise LookupError("broken")

    async def scenario(self):
        show("GATHER", *await asyncio.gather(self.get("/a"), self.get("/b")))
        both = await asyncio.gather(self.get("/a"), self.broken(), return_exceptions=True)
        show("RETURNED", both[0], type(both[1]).__name__)
        done, _ = await asyncio.wait([asyncio.create_task(self.get("/a")), asyncio.create_task(self.get("/b"))])
        show("WAIT", *[one.result() for one in done])
        show("AS_COMPLETED", *[await one for one in asyncio.as_completed([self.get("/a"), self.get("/b")])])
        if hasattr(asyncio, "TaskGroup"):
            try:
                async with asyncio.TaskGroup() as group:
                    kept = group.create_task(self.get("/a"))
                    await kept
                    group.create_task(self.broken())
            except Exception as error:
                show("GROUP", kept.result(), [str(one) for one in error.exceptions])
"""


def test_c2_concurrency_inside_a_task(server: ScriptedServer) -> None:
    result = run_locust(once(C2), "-H", server.url, "-u", "1", "-t", "20s")
    assert result.printed("GATHER") == result.printed("WAIT") == result.printed("AS_COMPLETED") == [[200, 200]]
    assert result.printed("RETURNED") == [[200, "LookupError"]]
    has_groups = sys.version_info >= (3, 11)
    assert result.printed("GROUP") == ([[200, ["broken"]]] if has_groups else [])
    assert result.entry("/a").requests == server.count("/a") == 4 + has_groups
    assert result.entry("/b").requests == server.count("/b") == 3
    assert result.returncode == 0


C3 = """
class Controlled(Once):
    under_way = most = 0

    async def limited(self, limit):
        async with limit:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            await self.client.get("/a")
            self.under_way -= 1

    async def scenario(self):
        limit = asyncio.Semaphore(3)
        await asyncio.gather(*(self.limited(limit) for _ in range(12)))
        show("SEMAPHORE", self.most)
        queue, lock, begun, got = asyncio.Queue(maxsize=2), asyncio.Lock(), asyncio.Event(), []

        async def consume():
            await begun.wait()
            while (item := await queue.get()) is not None:
                await self.client.get("/b")
                async with lock:
                    got.append(item)
                queue.task_done()
            queue.task_done()

        consumers = [asyncio.create_task(consume()) for _ in range(2)]
        begun.set()
        for item in [*range(10), None, None]:
            await queue.put(item)
        await queue.join()
        await asyncio.gather(*consumers)
        show("QUEUE", sorted(got), queue.qsize())
"""


def test_c3_semaphore_lock_event_and_queue(server: ScriptedServer) -> None:
    result = run_locust(once(C3), "-H", server.url, "-u", "1", "-t", "20s")
    assert result.printed("SEMAPHORE") == [[3]]
    assert result.printed("QUEUE") == [[list(range(10)), 0]]
    assert (result.entry("/a").requests, result.entry("/b").requests, result.total.failures) == (12, 10, 0)


C4 = """
class Held(AsyncHttpUser):
    async def on_stop(self):
        show("STOPPED")
    @task
    async def hold(self):
        self.background = asyncio.create_task(self.client.request("GET", "/held", name="/child"))
        try:
            await self.client.get("/held")
        except asyncio.CancelledError:
            show("CANCELLED", (await self.client.get("/a")).status_code)
            raise
        finally:
            show("FINALLY")
"""


@pytest.mark.parametrize("stop_timeout", ["0", "1"])
def test_c4_cancellation_and_shutdown(server: ScriptedServer, stop_timeout: str) -> None:
    with start_locust(HEAD + C4, "-H", server.url, "-u", "3", "-r", "3", "-s", stop_timeout) as run:
        server.wait_for_requests(6, "/held")
        run.send_signal(signal.SIGINT)
        result = run.wait()
    assert result.printed("CANCELLED") == [[200]] * 3
    assert result.printed("FINALLY") == result.printed("STOPPED") == [[]] * 3
    assert result.entry("/a").requests == result.total.requests == server.count("/a") == 3
    assert (result.total.failures, result.aborted, result.returncode) == (0, 6, 0)


C9 = """
class Which(Once):
    async def scenario(self):
        show("LOOP", any(
            one.__module__.startswith("uvloop") for one in type(asyncio.get_running_loop()).__mro__))
        await self.client.get("/a")
"""


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_c9_loop_by_option(server: ScriptedServer, loop: str) -> None:
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    result = run_locust(once(C9), "-H", server.url, "-u", "1", "-t", "20s", "--loop", loop)
    assert [one[0] for one in result.printed("LOOP")] == [loop == "uvloop"], result.stderr
    assert (result.entry("/a").requests, result.returncode) == (1, 0)


C10 = """
import aiohttp, httpx, websockets

class Libraries(Once):
    async def scenario(self):
        async with aiohttp.ClientSession() as session, httpx.AsyncClient() as client:
            async with self.measure("aiohttp", "/a") as m, session.get(self.host + "/a") as response:
                m["response_length"] = len(await response.read())
            async with self.measure("httpx", "/b") as m:
                m["response_length"] = len((await client.get(self.host + "/b")).content)

        async def echo(socket):
            async for message in socket:
                await socket.send(message)

        async with websockets.serve(echo, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with websockets.connect(f"ws://127.0.0.1:{port}", proxy=None) as socket:
                for _ in range(5):
                    async with self.measure("WS", "echo") as m:
                        await socket.send("hello")
                        m["response_length"] = len(await socket.recv())
"""


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_c10_aiohttp_httpx_and_websockets(server: ScriptedServer, loop: str) -> None:
    for library in ("aiohttp", "httpx", "websockets", *(["uvloop"] if loop == "uvloop" else [])):
        pytest.importorskip(library)
    result = run_locust(once(C10), "-H", server.url, "-u", "1", "-t", "20s", "--loop", loop)
    assert result.entry("/a", "aiohttp").requests == server.count("/a") == 1, result.stderr
    assert result.entry("/b", "httpx").requests == server.count("/b") == 1
    echo = result.entry("echo", "WS")
    assert (echo.requests, echo.content_bytes, result.total.failures, result.returncode) == (5, 25, 0, 0)


C10_BROWSER = """
from playwright.async_api import async_playwright

class Browser(Once):
    async def scenario(self):
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=EXECUTABLE, args=["--no-sandbox"])
            page = await browser.new_page()
            async with self.measure("page", "/a"):
                await page.goto(self.host + "/a")
            show("TEXT", await page.inner_text("body"))
            await browser.close()
"""


def test_c10_playwright(server: ScriptedServer) -> None:
    file = once(C10_BROWSER.replace("EXECUTABLE", repr(program())))
    result = run_locust(file, "-H", server.url, "-u", "1", "-t", "60s", timeout=90)
    assert result.printed("TEXT") == [["Hello, world!"]], result.stderr
    assert result.entry("/a", "page").requests == 1
    assert (result.total.failures, result.returncode) == (0, 0)


C11 = """
class Collector(Once):
    async def collect(self, limit, number):
        async with limit:
            response = await self.client.get("/greet/" + str(number), name="/greet")
            return response.json()["greeting"]

    async def scenario(self):
        limit = asyncio.Semaphore(5)
        show("COLLECTED", *await asyncio.gather(*(self.collect(limit, number) for number in range(20))))
        ticks = []

        async def every(seconds, times):
            for _ in range(times):
                await self.client.get("/tick")
                ticks.append(seconds)
                await asyncio.sleep(seconds)

        await asyncio.gather(every(0.01, 6), every(0.02, 3))
        show("TICKS", len(ticks))
"""

APP = """
from fastapi import FastAPI

app = FastAPI()

@app.get("/greet/{number}")
async def greet(number: int):
    return {"greeting": f"hello {number}"}

@app.get("/tick")
async def tick():
    return {}
"""


def test_c11_fastapi_target_collector_and_scheduler(tmp_path: Path) -> None:
    application = tmp_path / "app.py"
    application.write_text(APP)
    command = [sys.executable, str(Path(__file__).with_name("serve_counted.py")), str(application)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as serving:
        assert serving.stdout is not None
        try:
            port = serving.stdout.readline().strip()
            result = run_locust(once(C11), "-H", f"http://127.0.0.1:{port}", "-u", "1", "-t", "20s")
        finally:
            seen = json.loads(serving.communicate(timeout=20)[0])
    assert result.printed("COLLECTED") == [[f"hello {number}" for number in range(20)]], result.stderr
    assert result.printed("TICKS") == [[9]]
    assert result.entry("/greet").requests == sum(count for path, count in seen.items() if path != "/tick") == 20
    assert result.entry("/tick").requests == seen["/tick"] == 9
    assert (result.total.failures, result.returncode) == (0, 0)
