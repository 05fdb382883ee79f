"""`rocust.Client` wherever blocking code runs: plain scripts, threads, greenlets, patched or not, and beside an asyncio loop."""

from __future__ import annotations

import re
import signal

import pytest
from support.command import Result, run_python, start_python
from support.script import Route
from support.server import ScriptedServer

pytestmark = pytest.mark.ours("has no client without users")

PLAIN = """
import json, os, socket, sys, threading
from gevent._hub_local import get_hub_if_exists

before = socket.socket, threading.Thread
import rocust

def descriptors():
    return len(os.listdir("/proc/self/fd"))

with rocust.Client(sys.argv[1], limit=10) as client:
    print("SAID", json.dumps([client.get("/greeting").json() for _ in range(10)]))
    with client.stream("GET", "/greeting") as response:
        print("LINES", json.dumps(list(response.iter_lines())))
    print("MAPPED", len([response for response in client.map(["/greeting"] * 500) if response.ok]))

    def visit():
        client.get("/greeting")
        assert list(client.map(["/greeting"] * 3))
        assert get_hub_if_exists() is None

    open_before = descriptors()
    for _ in range(5):
        threads = [threading.Thread(target=visit) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    # Connections are the client's, ten at most, and kept; of each of fifty threads nothing stays.
    print("LEFT", descriptors() - open_before)
    print("REQUESTS", client.stats.total.num_requests)
assert get_hub_if_exists() is None
assert (socket.socket, threading.Thread) == before
assert threading.enumerate() == [threading.main_thread()]
"""

# What is held is answered when the server has seen ten requests of somebody else.
GREENLETS = """
PATCH
import json, sys, time
import gevent
import rocust

with rocust.Client(sys.argv[1]) as client:
    def other():
        for _ in range(10):
            assert client.get("/greeting").ok

    jobs = [gevent.spawn(client.get, "/held"), gevent.spawn(lambda: list(client.map(["/held"] * 3)))]
    jobs.append(gevent.spawn(lambda: client.stream("GET", "/held").read()))
    gevent.spawn(other)
    gevent.joinall(jobs, raise_error=True)
    started = []

    def in_threads():
        import threading
        threads = [threading.Thread(target=lambda: started.append(client.get("/greeting").ok)) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    in_threads()
    assert started == [True] * 5
    print("REQUESTS", client.stats.total.num_requests)
"""

LOOP = """
import asyncio, json, sys
import rocust

async def main():
    with rocust.Client(sys.argv[1]) as client:
        # As in a notebook's cell: it blocks the loop, and works.
        assert client.get("/greeting").json() == "hello"
        assert len(list(client.map(["/greeting"] * 20))) == 20

        async def other():
            async with rocust.AsyncClient(sys.argv[1]) as fellow:
                for _ in range(10):
                    assert (await fellow.get("/greeting")).ok

        # And in a thread it does not block: the one lets the other go.
        held = asyncio.create_task(asyncio.to_thread(client.get, "/held"))
        more = asyncio.create_task(asyncio.to_thread(lambda: list(client.map(["/held"] * 3))))
        await other()
        await held, await more
        print("REQUESTS", client.stats.total.num_requests)

asyncio.run(main())
"""

INTERRUPTED = """
import sys, rocust

with rocust.Client(sys.argv[1]) as client:
    try:
        ASK
    except KeyboardInterrupt:
        print("INTERRUPTED", 1, flush=True)
    print("AFTERWARDS", client.get("/greeting").status_code)
"""


@pytest.fixture
def server():
    with ScriptedServer({"/greeting": Route(body='"hello"'), "/held": Route(gate="tenth")}) as server:
        yield server


def run_quietly(script: str, server: ScriptedServer) -> Result:
    """Run a script, warnings as errors, which says nothing but what it prints and leaves no connection."""
    result = run_python(script, server.url, env={"PYTHONWARNINGS": "error", "PYTHONDEVMODE": "1"})
    assert result.returncode == 0, result.stderr
    assert result.stderr.strip() == ""
    server.settle()
    return result


def test_a_plain_script_and_its_threads(server: ScriptedServer) -> None:
    result = run_quietly(PLAIN, server)
    assert result.printed("SAID") == [["hello"] * 10]
    assert result.printed("LINES") == [['"hello"']]
    assert result.printed("MAPPED") == [500]
    (left,) = result.printed("LEFT")
    assert left <= 10, "threads that have ended left descriptors behind"
    assert result.printed("REQUESTS") == [511 + 50 * 4]
    assert server.count("/greeting") == 511 + 50 * 4


@pytest.mark.parametrize(
    "patch", ["from gevent import monkey; monkey.patch_all()", ""], ids=["patched", "nothing patched"]
)
def test_greenlets_let_each_other_go_on(server: ScriptedServer, patch: str) -> None:
    with start_python(GREENLETS.replace("PATCH", patch), server.url) as running:
        server.wait_for_requests(10, "/greeting")
        server.wait_for_requests(5, "/held")
        server.open("tenth")
        result = running.wait()
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr
    assert result.printed("REQUESTS") == [20]


def test_beside_an_asyncio_loop(server: ScriptedServer) -> None:
    with start_python(LOOP, server.url) as running:
        server.wait_for_requests(31, "/greeting")
        server.wait_for_requests(4, "/held")
        server.open("tenth")
        result = running.wait()
    assert result.returncode == 0, result.stderr
    assert result.stderr.strip() == ""
    assert result.printed("REQUESTS") == [25]


@pytest.mark.parametrize("ask", ["client.get('/held')", "list(client.map(['/held'] * 3))"], ids=["get", "map"])
def test_ctrl_c_ends_a_call_and_closes_its_connection(server: ScriptedServer, ask: str) -> None:
    with start_python(INTERRUPTED.replace("ASK", ask), server.url) as running:
        server.wait_for_requests(1 if "get" in ask else 3, "/held")
        (*_, connection) = [exchange.connection for exchange in server.journal("/held")]
        running.send_signal(signal.SIGINT)
        running.wait_for_line("INTERRUPTED", "stdout")
        server.wait_for_hang_up(connection)
        result = running.wait()
    assert result.returncode == 0, result.stderr
    assert not re.search("Traceback|Warning", result.stderr), result.stderr
    assert result.printed("AFTERWARDS") == [200]
