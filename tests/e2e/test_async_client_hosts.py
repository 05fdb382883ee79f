"""`rocust.AsyncClient` as a guest: in a FastAPI application under uvicorn, and in tests whose loop somebody else runs."""

from __future__ import annotations

import re
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from support.command import run_python, start_python
from support.script import Route, send, wait_for_gate
from support.server import ScriptedServer

pytestmark = pytest.mark.ours("has no asynchronous client")

APPLICATION = """
import sys
from contextlib import asynccontextmanager

import rocust
import uvicorn
from fastapi import FastAPI, HTTPException
from fastapi.responses import StreamingResponse

loop, upstream = sys.argv[1:]

@asynccontextmanager
async def lifespan(app):
    async with rocust.AsyncClient(upstream, limit_per_host=5) as client:
        app.state.client = client
        yield
        print("REQUESTS", client.stats.total.num_requests, flush=True)

app = FastAPI(lifespan=lifespan)

@app.get("/greetings/{number}")
async def greeting(number: int):
    response = await app.state.client.get(f"/greeting?number={number}", name="/greeting")
    return {"number": number, "said": response.json()}

@app.get("/greetings")
async def greetings(count: int):
    paths = [f"/greeting?number={number}" for number in range(count)]
    return [response.json() async for response in app.state.client.map(paths)]

@app.get("/missing")
async def missing():
    response = await app.state.client.get("/missing")
    raise HTTPException(response.status_code, "it is not there either")

@app.get("/relayed")
async def relayed(path: str):
    async def pieces():
        async with app.state.client.stream("GET", path) as response:
            async for piece in response.aiter_bytes():
                yield piece
    return StreamingResponse(pieces())

uvicorn.run(app, host="127.0.0.1", port=0, loop=loop)
"""

TESTS = """
import asyncio
import os
import sys
import unittest

import pytest
import rocust

TARGET = os.environ["TARGET"]

@pytest.fixture(params=["asyncio", ("asyncio", {"use_uvloop": True})], ids=["asyncio", "uvloop"])
def anyio_backend(request):
    return request.param

@pytest.fixture
async def client(anyio_backend):
    async with rocust.AsyncClient(TARGET) as client:
        yield client

@pytest.mark.anyio
async def test_a_call(client):
    assert (await client.get("/greeting")).json() == "hello"

@pytest.mark.anyio
async def test_calls_at_once(client):
    responses = await asyncio.gather(*(client.get("/greeting") for _ in range(20)))
    assert [response.status_code for response in responses] == [200] * 20
    assert client.stats.total.num_requests == 20

@pytest.mark.anyio
async def test_many(client):
    assert [response.status_code async for response in client.map(["/greeting"] * 20)] == [200] * 20

class OfTheStandardLibrary(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.client = await rocust.AsyncClient(TARGET).__aenter__()
        self.addAsyncCleanup(self.client.__aexit__, None, None, None)

    async def test_a_call(self):
        self.assertEqual((await self.client.get("/greeting")).json(), "hello")

    async def test_another_loop(self):
        self.assertEqual((await self.client.get("/greeting")).status_code, 200)

if __name__ == "__main__":
    sys.exit(pytest.main(["-q", "-W", "error", "-p", "no:cacheprovider", __file__]))
"""


FORK = """
import asyncio, os, sys, rocust

async def visit():
    client = rocust.AsyncClient(sys.argv[1])
    assert (await client.get("/greeting")).ok
    return client

client = asyncio.run(visit())
if pid := os.fork():
    asyncio.run(client.aclose())
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
asyncio.run(client.aclose())
os._exit(7)
"""


@pytest.fixture
def upstream():
    head = send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
    routes = {
        "/greeting": Route(body='"hello"'),
        "/missing": Route(status=404),
        "/whole": Route(steps=(head, send("6\r\nsecond\r\n0\r\n\r\n"))),
        "/unending": Route(steps=(head, wait_for_gate("never"))),
    }
    with ScriptedServer(routes) as server:
        yield server


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_one_client_serves_all_handlers_of_an_application(upstream: ScriptedServer, loop: str) -> None:
    with start_python(APPLICATION, loop, upstream.url) as running:
        announced = re.search(r"http://\S+:\d+", running.wait_for_line("Uvicorn running on"))
        assert announced is not None
        url = announced[0]
        with ThreadPoolExecutor(16) as visitors:
            answers = list(visitors.map(lambda n: requests.get(f"{url}/greetings/{n}", timeout=20).json(), range(60)))
        assert answers == [{"number": number, "said": "hello"} for number in range(60)]
        assert requests.get(f"{url}/greetings?count=40", timeout=20).json() == ["hello"] * 40
        assert requests.get(f"{url}/missing", timeout=20).status_code == 404
        running.send_signal(signal.SIGINT)
        result = running.wait()
    assert result.returncode == 0, result.stderr
    assert "Application shutdown complete." in result.stderr
    assert not re.search("Traceback|never|Warning", result.stderr), result.stderr
    assert result.printed("REQUESTS") == [101]
    assert upstream.count("/greeting") == 100
    assert {exchange.query for exchange in upstream.journal("/greeting")} == {f"number={n}" for n in range(60)}
    assert upstream.connection_count() <= 5
    upstream.wait_for(lambda: not upstream.open_connections(), "the connections to end")


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_what_is_relayed_comes_in_pieces_and_ends_with_its_visitor(upstream: ScriptedServer, loop: str) -> None:
    with start_python(APPLICATION, loop, upstream.url) as running:
        announced = re.search(r"http://\S+:\d+", running.wait_for_line("Uvicorn running on"))
        assert announced is not None
        assert requests.get(f"{announced[0]}/relayed?path=/whole", timeout=20).content == b"firstsecond"
        with requests.get(f"{announced[0]}/relayed?path=/unending", timeout=20, stream=True) as response:
            assert next(response.iter_content(None)) == b"first"
            (asked,) = upstream.journal("/unending")
        # The visitor has gone: nobody wants the rest of the answer.
        upstream.wait_for_hang_up(asked.connection)
        assert requests.get(f"{announced[0]}/greetings/1", timeout=20).json() == {"number": 1, "said": "hello"}
        running.send_signal(signal.SIGINT)
        result = running.wait()
    assert result.returncode == 0, result.stderr
    assert not re.search("Traceback|never|Warning", result.stderr), result.stderr
    # A stream is in the books when its head has come.
    assert result.printed("REQUESTS") == [3]


def test_loops_that_a_test_runner_made(upstream: ScriptedServer) -> None:
    result = run_python(TESTS, env={"TARGET": upstream.url, "PYTEST_ADDOPTS": ""})
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"^8 passed in ", result.stdout, re.MULTILINE), result.stdout
    # Alone, at once and through `map`, on each of two loops; and two tests of the standard library's.
    assert upstream.count("/greeting") == 2 * (1 + 20 + 20) + 2
    upstream.wait_for(lambda: not upstream.open_connections(), "the connections to end")


@pytest.mark.skipif(sys.platform == "win32", reason="it has no fork")
def test_a_client_can_be_closed_on_both_sides_of_a_fork(upstream: ScriptedServer) -> None:
    assert run_python(FORK, upstream.url).returncode == 7
    upstream.wait_for(lambda: not upstream.open_connections(), "the connections to end")
