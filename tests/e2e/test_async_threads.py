"""Threads beside asynchronous users, under the patches of the command: those that libraries start, and what they share with greenlets.

A hang is a failure: each run has a time limit.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support.command import run_locust, run_python
from support.daemon import program_with_port
from support.script import Route
from support.server import ScriptedServer

pytestmark = pytest.mark.ours("has no asynchronous users")

GRPC_ECHO = Path(__file__).parents[1] / "support" / "grpc_echo.py"
EITHER_LOOP = pytest.mark.parametrize("loop", ["asyncio", "uvloop"])

GRPC = """
import os, threading
import grpc
from locust import HttpUser, task
from rocust import AsyncUser

class Caller(AsyncUser):
    async def on_start(self):
        self.channel = grpc.aio.insecure_channel("127.0.0.1:" + os.environ["GRPC_PORT"])

    async def on_stop(self):
        await self.channel.close()

    @task
    async def say(self):
        async with self.measure("gRPC", "Say") as m:
            answer = await self.channel.unary_unary("/Echo/Say")(b"hello")
            assert answer == b"hello"
            m["response_length"] = len(answer)

    @task
    async def repeat(self):
        async with self.measure("gRPC", "Repeat") as m:
            parts = [part async for part in self.channel.unary_stream("/Echo/Repeat")(b"abc")]
            assert parts == [b"a", b"b", b"c"]
            m["response_length"] = 3

class Visitor(HttpUser):
    @task
    def visit(self):
        self.client.get("/a")
"""


@EITHER_LOOP
def test_grpc_aio_beside_an_http_user_needs_no_variable(loop: str) -> None:
    pytest.importorskip("grpc")
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    with program_with_port([sys.executable, str(GRPC_ECHO)]) as port, ScriptedServer({"/a": Route()}) as server:
        settings = ("-H", server.url, "-u", "6", "-r", "6", "-t", "2s", "-s", "5", "--loop", loop)
        result = run_locust(GRPC, *settings, env={"GRPC_PORT": str(port)})
        assert (result.returncode, result.total.failures, result.probe["exceptions"]) == (0, 0, []), result.stderr
        said, repeated, visits = result.entry("Say", "gRPC"), result.entry("Repeat", "gRPC"), result.entry("/a", "GET")
        assert min(said.requests, repeated.requests, visits.requests) > 20, result.stderr
        assert said.content_bytes == 5 * said.requests
        assert visits.requests == server.count("/a")


#: What a run does until somebody calls `finish`; a run that hangs says nothing and ends with its time.
FRAME = """
import asyncio, queue, threading, time
from concurrent.futures import ThreadPoolExecutor
from locust import User, task
from rocust import AsyncUser
from gevent import monkey
assert monkey.is_module_patched("threading")
native = monkey.get_original("_thread", "get_ident")
hub = native()

def finish(user, *said):
    print("SAID", *said, flush=True)
    user.environment.runner.quit()
"""


def said_by(scenario: str, *args: str, users: int = 2) -> str:
    """What a locustfile says when it has finished."""
    count = str(users)
    result = run_locust(FRAME + scenario, "-u", count, "-r", count, "-t", "20s", *args)
    assert (result.returncode, result.probe["exceptions"]) == (0, []), result.stderr
    assert "Traceback" not in result.stderr, result.stderr
    lines = [line.removeprefix("SAID ") for line in result.stdout.splitlines() if line.startswith("SAID ")]
    assert len(lines) == 1, result.stderr
    return lines[0]


THREAD = """
class Starter(AsyncUser):
    @task
    async def start_some(self):
        seen = []
        here = threading.local()
        def work(number):
            here.number = number
            child = threading.Thread(target=lambda: seen.append(("child", native() != hub)))
            child.start()
            child.join()
            assert here.number == number and threading.current_thread().name == f"worker {number}"
            seen.append(("worker", native() != hub))
        threads = [threading.Thread(target=work, args=(n,), name=f"worker {n}") for n in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not any(thread.is_alive() for thread in threads)
        def in_pool():
            thread = threading.Thread(target=lambda: seen.append(("of the pool", native() != hub)))
            thread.start()
            thread.join()
        await asyncio.to_thread(in_pool)
        finish(self, sorted(seen))
        await asyncio.sleep(60)

class Plain(User):
    @task
    def start_one(self):
        seen = []
        thread = threading.Thread(target=lambda: seen.append(native() == hub))
        thread.start()
        thread.join()
        assert seen == [True], "a thread of a greenlet's is a greenlet"
        time.sleep(0.01)
"""


@EITHER_LOOP
def test_thread_that_a_task_starts_is_native_and_one_of_a_greenlet_is_a_greenlet(loop: str) -> None:
    pytest.importorskip(loop)
    expected = [("child", True)] * 3 + [("of the pool", True)] + [("worker", True)] * 3
    assert said_by(THREAD, "--loop", loop) == str(expected)


EXECUTOR = """
early = ThreadPoolExecutor(2, thread_name_prefix="early")

class Submitter(AsyncUser):
    @task
    async def submit(self):
        def work(number):
            time.sleep(0.001)
            return number, native() != hub
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(3, thread_name_prefix="own", initializer=lambda: None) as pool:
            futures = [pool.submit(work, n) for n in range(50)]
            answers = await asyncio.gather(*map(asyncio.wrap_future, futures))
            answers += await asyncio.gather(*(loop.run_in_executor(pool, work, 50 + n) for n in range(50)))
            names = {await loop.run_in_executor(pool, lambda: threading.current_thread().name[:4]) for _ in range(9)}
        assert await asyncio.wrap_future(early.submit(work, -1)) == (-1, True)
        assert answers == [(n, True) for n in range(100)], answers
        finish(self, names)
        await asyncio.sleep(60)

class Plain(User):
    @task
    def submit(self):
        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(lambda n: (n, native() == hub), range(10))) == [(n, True) for n in range(10)]
        time.sleep(0.01)
"""


def test_executor_of_the_users_own() -> None:
    assert said_by(EXECUTOR) == "{'own_'}"


QUEUES = """
ROUNDS = 2_000
there, back, begun = queue.Queue(3), queue.SimpleQueue(), threading.Event()

class Maker(User):
    fixed_count = 1

    @task
    def make(self):
        assert native() == hub
        begun.wait()
        for number in range(ROUNDS):
            there.put(number)
        there.put(None)
        echoes = [back.get() for _ in range(ROUNDS)]
        assert echoes == list(range(ROUNDS))
        there.join()
        finish(self, len(echoes))
        time.sleep(60)

class Taker(AsyncUser):
    fixed_count = 1

    def take(self):
        while (number := there.get()) is not None:
            back.put(number)
            there.task_done()
        there.task_done()

    @task
    async def hand_back(self):
        begun.set()
        await asyncio.to_thread(self.take)
        await asyncio.sleep(60)

class Other(User):
    fixed_count = 1

    @task
    def count(self):
        time.sleep(0.001)
"""


def test_queues_between_a_greenlet_and_a_coroutine() -> None:
    assert said_by(QUEUES, users=3) == "2000"


CONTENDED = """
ROUNDS = 2_000
lock, inside, total, ended = threading.Lock(), [], [], []
changed = threading.Condition()

def rounds(rest):
    for number in range(ROUNDS):
        with lock:
            assert not inside, "two hold the lock"
            inside.append(1)
            if number % 20 == 0:
                rest()
            inside.clear()
            total.append(1)
    with changed:
        ended.append(1)
        changed.notify_all()

class Green(User):
    fixed_count = 2

    @task
    def contend(self):
        rounds(lambda: time.sleep(0.0001))
        with changed:
            changed.wait_for(lambda: len(ended) == 5)
        if not lock.locked() and len(ended) == 5:
            ended.append(1)
            finish(self, len(total))
        time.sleep(60)

class Coroutine(AsyncUser):
    fixed_count = 2

    @task
    async def contend(self):
        await asyncio.to_thread(rounds, lambda: time.sleep(0.0001))
        await asyncio.sleep(60)

class Loop(AsyncUser):
    fixed_count = 1

    @task
    async def contend(self):
        rounds(lambda: None)
        await asyncio.sleep(60)
"""


def test_lock_and_condition_that_both_kinds_contend_for() -> None:
    assert said_by(CONTENDED, users=5) == "10000"


CHILD = """
import sys

class Parent(AsyncUser):
    @task
    async def begin_a_child(self):
        time.sleep(0.001)  # It gives the loop's thread a hub, to which gevent's os.close would leave a pipe.
        ended = []
        # With close_fds=False all Pythons would use `os.posix_spawn`, and without it those from 3.13 on.
        for options in {}, {"close_fds": False}:
            child = await asyncio.create_subprocess_exec(sys.executable, "-c", "raise SystemExit(3)", **options)
            ended.append(await child.wait())
        finish(self, ended)
        await asyncio.sleep(60)
"""


@EITHER_LOOP
def test_child_process_is_begun_although_the_loops_thread_has_a_hub(loop: str) -> None:
    pytest.importorskip(loop)
    assert said_by(CHILD, "--loop", loop, users=1) == "[3, 3]"


CHILDREN = """
import subprocess, sys

#: A greenlet has had a child before the first of the loop's begins, and has others all the while.
begun, ended = threading.Event(), []

class Green(User):
    fixed_count = 1

    @task
    def have_a_child(self):
        assert subprocess.run([sys.executable, "-c", "raise SystemExit(5)"]).returncode == 5
        begun.set()

class Parent(AsyncUser):
    fixed_count = 1

    @task
    async def have_children(self):
        await asyncio.to_thread(begun.wait)
        for code in range(1, 61):
            child = await asyncio.create_subprocess_shell(f"exit {code}")
            ended.append(await child.wait())
        finish(self, ended == list(range(1, 61)) or ended)
        await asyncio.sleep(60)
"""


def test_children_of_both_kinds_of_users_end_with_their_own_codes() -> None:
    assert said_by(CHILDREN) == "True"


STARVING = """
lock, stop = threading.Lock(), threading.Event()

class Greedy(AsyncUser):
    @task
    async def hold(self):
        def keep():
            while not stop.is_set():
                with lock:
                    time.sleep(0.002)
        await asyncio.to_thread(keep)
        await asyncio.sleep(60)

class Modest(User):
    @task
    def want(self):
        while not lock.locked():
            time.sleep(0.001)
        for _ in range(20):
            with lock:
                pass
        stop.set()
        finish(self, "had its turns")
        time.sleep(60)
"""


def test_thread_that_hardly_ever_lets_go_of_a_lock_starves_no_greenlet() -> None:
    assert said_by(STARVING) == "had its turns"


LEFT_OVER = """
begun = []

class Leaver(AsyncUser):
    @task
    async def leave(self):
        def spin():
            begun.append(1)
            while True:
                time.sleep(0.0005)
        def wait():
            begun.append(1)
            threading.Event().wait()
        def log():
            import logging
            begun.append(1)
            while True:
                logging.getLogger("x").debug("nothing")
                time.sleep(0.0003)
        for target in (spin, spin, wait, log):
            threading.Thread(target=target, daemon=True).start()
        while len(begun) < 4:
            await asyncio.sleep(0.001)
        finish(self, "left")
        await asyncio.sleep(60)
"""


@pytest.mark.timeout(150)
def test_process_ends_cleanly_with_daemons_left_over() -> None:
    for _ in range(5):
        assert said_by(LEFT_OVER, users=1) == "left"


LIBRARY = """
import asyncio, threading, queue, _thread
from types import SimpleNamespace
before = (threading.Lock, threading.Thread.start, threading.Event, queue.SimpleQueue, _thread.start_new_thread)
from PACKAGE import AsyncUser, task
from PACKAGE.env import Environment
from PACKAGE.exception import StopUser

class Visitor(AsyncUser):
    @task
    async def work(self):
        seen = []
        thread = threading.Thread(target=seen.append, args=(1,))
        thread.start()
        thread.join()
        assert seen == [1]
        print("RAN", 1)
        raise StopUser

Visitor(Environment(user_classes=[Visitor], catch_exceptions=False)).run()
assert before == (threading.Lock, threading.Thread.start, threading.Event, queue.SimpleQueue, _thread.start_new_thread)
"""


def test_without_patches_nothing_is_replaced() -> None:
    result = run_python(LIBRARY)
    assert (result.returncode, result.stdout.strip()) == (0, "RAN 1"), result.stderr


PLAIN = """
import gevent.event, gevent.queue, gevent.thread, queue, threading
from locust import User, events, task
acquire = gevent.thread.LockType.acquire

class Plain(User):
    @task
    def work(self):
        self.environment.runner.quit()

@events.quit.add_listener
def look(**_):
    assert threading.Event is gevent.event.Event and queue.SimpleQueue is gevent.queue.SimpleQueue
    assert gevent.thread.LockType.acquire is acquire and acquire.__module__ == "gevent.thread"
    assert threading._thread.start_new_thread is gevent.thread.start_new_thread if hasattr(threading, "_thread") else True
    print("AS GEVENT HAS IT", 1)
"""


def test_run_without_asynchronous_users_has_what_gevent_has() -> None:
    result = run_locust(PLAIN, "-u", "1", "-t", "20s")
    assert "AS GEVENT HAS IT 1" in result.stdout, result.stderr


POOL_OF_GEVENT = """
import gevent

class Green(User):
    @task
    def work(self):
        pool = gevent.get_hub().threadpool
        seen = pool.map(lambda n: (n, native() != hub), range(50))
        assert seen == [(n, True) for n in range(50)]
        lock, got = threading.Lock(), []
        def take():
            with lock:
                got.append(native() != hub)
        with lock:
            waiting = pool.spawn(take)
            time.sleep(0.01)
            assert got == []
        waiting.get(timeout=10)
        finish(self, got)
        time.sleep(60)

class Beside(AsyncUser):
    @task
    async def rest(self):
        await asyncio.sleep(60)
"""


def test_threads_of_gevents_own_pool_are_as_ever() -> None:
    assert said_by(POOL_OF_GEVENT) == "[True]"
