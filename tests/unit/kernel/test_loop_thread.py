"""The loop's thread: what runs on it also under gevent's patches, who is named when it is held up, and what a forked child has of it."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

#: One user that does what follows, for either kind of loop, with the standard library patched or not.
FRAME = """
import asyncio, os, sys, time
kind, is_patched = sys.argv[1], sys.argv[2] == "patched"
from rocust._kernel import patch
if is_patched:
    patch.apply()
import gevent, logging
from types import SimpleNamespace
from rocust import AsyncUser, task
from rocust._errors import StopUser
from rocust._kernel import loop_thread
from rocust._run.environment import Environment

logging.basicConfig(format="LOG %(name)s %(message)s")

class Visitor(AsyncUser):
    @task
    async def work(self):
        await scenario(self)
        raise StopUser

def main():
    ticks = []
    def tick():
        while True:
            gevent.sleep(0.005)
            ticks.append(1)
    ticker = gevent.spawn(tick)
    environment = Environment(
        user_classes=[Visitor], parsed_options=SimpleNamespace(rocust_loop=kind, stop_timeout=0), catch_exceptions=False
    )
    user = Visitor(environment)
    user.run()
    assert loop_thread.running().kind == kind
    before = len(sys._current_frames())
    loop_thread.close()
    assert loop_thread.running() is None
    print("TICKS", len(ticks))

{scenario}

main()
print("DONE", *said)
"""


def perform(scenario, kind="asyncio", patched="patched", *flags):
    """Run a scenario in a process of its own; what it printed."""
    code = FRAME.replace("{scenario}", "said = []\n" + textwrap.dedent(scenario))
    # Nothing may be left open: -X dev shows what is, and -W error makes it fatal wherever it can.
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", code, kind, patched, *flags],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "DONE" in done.stdout, done.stdout + done.stderr
    return done


KINDS = [
    "asyncio",
    pytest.param("uvloop", marks=pytest.mark.skipif(sys.platform == "win32", reason="there is no uvloop for Windows")),
]
EVERYWHERE = [pytest.mark.parametrize("kind", KINDS), pytest.mark.parametrize("patched", ["patched", "bare"])]


def everywhere(test):
    for mark in EVERYWHERE:
        test = mark(test)
    return test


@everywhere
def test_streams_names_and_threads_work_and_hold_up_nobody(kind, patched):
    done = perform(
        """
        async def answer(reader, writer):
            writer.write(await reader.readline())
            await writer.drain()
            writer.close()
            await writer.wait_closed()

        async def scenario(user):
            server = await asyncio.start_server(answer, "127.0.0.1", 0)
            port = server.sockets[0].getsockname()[1]
            # By name, so that it is looked up.
            reader, writer = await asyncio.open_connection("localhost", port)
            writer.write(b"hello\\n")
            said.append((await reader.readline()).decode().strip())
            writer.close()
            await writer.wait_closed()
            server.close()
            await server.wait_closed()
            said.append(await asyncio.to_thread(sum, [1, 2]))
            await asyncio.gather(*(asyncio.to_thread(time.sleep, 0.1) for _ in range(8)))
        """,
        kind,
        patched,
    )
    assert "DONE hello 3" in done.stdout
    # Greenlets ran meanwhile: the loop has waited in its own thread.
    ticks = next(line for line in done.stdout.splitlines() if line.startswith("TICKS"))
    assert int(ticks.split()[1]) > 1


@everywhere
@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell")
def test_child_processes_work(kind, patched):
    done = perform(
        """
        async def scenario(user):
            process = await asyncio.create_subprocess_exec("sh", "-c", "cat; exit 3", stdin=asyncio.subprocess.PIPE,
                                                           stdout=asyncio.subprocess.PIPE)
            out, _ = await process.communicate(b"through")
            said.extend([out.decode(), process.returncode])
        """,
        kind,
        patched,
    )
    assert "DONE through 3" in done.stdout


@everywhere
def test_task_that_blocks_the_loop_is_named_once_for_each_place_with_its_stack(kind, patched):
    done = perform(
        """
        def dawdle():
            time.sleep(2.5)

        async def scenario(user):
            dawdle()
            await asyncio.sleep(0)
            dawdle()
            await asyncio.sleep(0)
        """,
        kind,
        patched,
    )
    assert done.stderr.count("has kept the loop to itself") == 2, done.stderr
    assert "A task of Visitor has kept the loop" in done.stderr
    assert "in dawdle" in done.stderr
    assert "in scenario" in done.stderr
    assert "asyncio.to_thread" in done.stderr


def test_task_that_computes_is_named_once_however_long_and_wherever_it_is_seen():
    done = perform(
        """
        def compute(until):
            while time.perf_counter() < until:
                for _ in range(1000):
                    pass
                sum(range(1000))
                list(range(1000))

        async def scenario(user):
            for _ in range(2):
                compute(time.perf_counter() + 4)
                await asyncio.sleep(0)
        """,
        "asyncio",
        "bare",
    )
    assert done.stderr.count("has kept the loop to itself") == 1, done.stderr


@pytest.mark.parametrize("patched", ["patched", "bare"])
def test_both_threads_may_log_at_once(patched):
    done = perform(
        """
        def chatter(who, count):
            for turn in range(count):
                logging.warning("%s %d", who, turn)

        async def scenario(user):
            thread = loop_thread.here()
            other = asyncio.Event()
            def greenlet():
                chatter("hub", 3000)
                thread.tell(other.set)
            thread.hatch.tell(gevent.spawn, greenlet)
            chatter("loop", 3000)
            await other.wait()
        """,
        "asyncio",
        patched,
    )
    assert (done.stderr.count(" hub "), done.stderr.count(" loop ")) == (3000, 3000)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
@pytest.mark.parametrize("patched", ["patched", "bare"])
def test_forked_child_has_a_loop_of_its_own(patched):
    done = perform(
        """
        async def scenario(user):
            said.append(os.getpid() == parent)

        parent = os.getpid()
        loop_thread.current()
        import warnings
        with warnings.catch_warnings():
            # Newer Pythons warn of threads, which is what this is about.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if not child:
            assert loop_thread.running() is None
            main()
            os._exit(0 if said == [False] else 1)
        assert os.waitpid(child, 0)[1] == 0
        """,
        "asyncio",
        patched,
    )
    assert "DONE True" in done.stdout
