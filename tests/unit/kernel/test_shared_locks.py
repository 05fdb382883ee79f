"""Locks for greenlets and native threads at once: two never hold one, and nobody waits for ever, whoever else waits and leaves."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

#: Under gevent's patches, in a process of its own: with the locks shared, and `start` for native threads.
FRAME = """
import random, sys, threading
from rocust._kernel import patch
patch.apply()
early = threading.Condition(threading.Lock())
patch.share_with_threads()
import gevent
from rocust._kernel import native_threads
from rocust._kernel.native import Lock as NativeLock, original
native_sleep, start = original("time", "sleep"), native_threads.start
lock = threading.Lock()

with gevent.Timeout(40):
{scenario}
print("DONE")
"""


def perform(scenario: str) -> str:
    """What a scenario printed."""
    code = FRAME.replace("{scenario}", textwrap.indent(textwrap.dedent(scenario), "    "))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.endswith("DONE\n")
    return done.stdout.removesuffix("DONE\n")


STRESS = """
sys.setswitchinterval(INTERVAL)
ROUNDS, inside, total, ended = 1_000, [], [], []

def contend(seed, rest):
    chance = random.Random(seed)
    count = 0
    while count < ROUNDS:
        kind = chance.random()
        if kind < 0.1:
            is_got = lock.acquire(timeout=chance.choice([0.00001, 0.0001, 0.001]))
        elif kind < 0.2:
            is_got = lock.acquire(False)
        else:
            is_got = lock.acquire()
        if not is_got:
            continue
        assert not inside, "two hold the lock"
        inside.append(seed)
        if chance.random() < 0.05:
            rest(chance.random() * 0.0005)
        inside.clear()
        total.append(seed)
        lock.release()
        count += 1
    ended.append(seed)

def hold():
    with lock:
        assert not inside, "two hold the lock"
        inside.append(-1)
        try:
            gevent.sleep(0.0002)
        finally:
            inside.clear()

def kill():
    chance = random.Random(0)
    while len(ended) < 6:
        victim = gevent.spawn(hold)
        gevent.sleep(chance.random() * 0.001)
        victim.kill()

def family():
    # Two threads without a hub, and one whose greenlet rests in a hub of its own.
    for seed, rest in enumerate([native_sleep, native_sleep, gevent.sleep]):
        threads.append(threading.Thread(target=contend, args=(seed, rest)))
        threads[-1].start()
    begun.release()

threads, begun = [], NativeLock()
begun.acquire()
start(family)
begun.acquire()
greenlets = [gevent.spawn(contend, seed, gevent.sleep) for seed in (3, 4, 5)]
gevent.joinall([*greenlets, gevent.spawn(kill)], raise_error=True)
for thread in threads:
    thread.join()
assert len(total) == 6 * ROUNDS and sorted(ended) == list(range(6))
assert not lock.line and not lock.locked()
"""


@pytest.mark.parametrize("interval", ["0.005", "0.000001"])
def test_lock_is_held_by_one_and_nobody_waits_for_ever(interval: str) -> None:
    perform(STRESS.replace("INTERVAL", interval))


def test_lock_in_the_hub_waits_for_another_thread_and_refuses_to_wait_for_its_own() -> None:
    said = perform(
        """
        def take():
            try:
                print(lock.acquire(), len(held))
                lock.release()
            except BaseException as error:
                print(error)
            done.set()

        done, held, begun = gevent.event.Event(), [], NativeLock()
        lock.acquire()
        gevent.get_hub().loop.run_callback(take)
        done.wait()
        done.clear()
        lock.release()

        def hold():
            with lock:
                begun.release()
                native_sleep(0.05)
                held.append(1)

        begun.acquire()
        start(hold)
        begun.acquire()
        gevent.get_hub().loop.run_callback(take)
        done.wait()
        """
    )
    assert said == "Impossible to call blocking function in the event loop callback\nTrue 1\n"


def test_arguments_are_checked_as_gevent_checks_them() -> None:
    perform(
        """
        for arguments, kind in (((False, 5), ValueError), ((True, -3), ValueError), ((True, 1e30), OverflowError)):
            try:
                lock.acquire(*arguments)
            except kind:
                pass
            else:
                raise AssertionError(arguments)
        try:
            lock.release()
        except RuntimeError:
            pass
        else:
            raise AssertionError
        assert lock.acquire(True, 0) and not lock.acquire(True, 0) and not lock.acquire(False)
        """
    )


def test_condition_made_before_is_for_both_too() -> None:
    perform(
        """
        said, answered = [], []

        def answer():
            early.acquire()
            while not said:
                early.wait()
            answered.append(1)
            early.notify()
            early.release()

        start(answer)
        early.acquire()
        said.append(1)
        early.notify()
        while not answered:
            early.wait()
        early.release()
        """
    )


def test_forked_child_has_locks_without_a_line() -> None:
    perform(
        """
        import os
        begun = NativeLock()
        begun.acquire()
        lock.acquire()

        def want():
            begun.release()
            lock.acquire()

        start(want)
        begun.acquire()
        while not lock.line:
            gevent.sleep(0)
        # gevent listens for the end of children after the first fork only: one that had ended by then would be waited for for ever.
        gevent.get_hub().loop.install_sigchld()
        child = os.fork()
        if child == 0:
            lock._at_fork_reinit()
            ok = lock.acquire(True, 1) and not lock.line
            lock.release()
            os._exit(0 if ok else 1)
        assert os.waitpid(child, 0)[1] == 0
        lock.release()
        """
    )


def test_log_of_both_comes_out_whole() -> None:
    said = perform(
        """
        import io, logging
        from concurrent.futures import ThreadPoolExecutor
        sys.setswitchinterval(0.000001)

        class Slow(io.StringIO):
            def write(self, text):
                # Greenlets rest in the midst of it, as with a handler that sends.
                if gevent.getcurrent() is not gevent.get_hub() and len(self.getvalue()) % 7 == 0:
                    gevent.sleep(0.00001)
                return super().write(text)

        out = Slow()
        logging.basicConfig(stream=out, format="%(message)s")
        answers, is_done = [], threading.Event()

        def log(name):
            for number in range(300):
                logging.warning("%s %d", name, number)
            return name

        def family():
            with ThreadPoolExecutor(3) as pool:
                answers.extend(pool.map(log, "abc"))
            is_done.set()

        start(family)
        gevent.joinall([gevent.spawn(log, name) for name in "def"], raise_error=True)
        is_done.wait()
        lines = out.getvalue().splitlines()
        assert sorted(lines) == sorted(f"{name} {number}" for name in "abcdef" for number in range(300)), len(lines)
        print(answers)
        """
    )
    assert said == "['a', 'b', 'c']\n"


def test_thread_that_has_ended_leaves_nothing_behind() -> None:
    perform(
        """
        import gc, time, weakref
        local, left, is_done = threading.local(), [], threading.Event()

        class Thing:
            pass

        def work():
            local.thing = Thing()
            left.append(weakref.ref(local.thing))
            time.sleep(0.001)  # In a hub of the thread's own.

        def family():
            threads = [threading.Thread(target=work) for _ in range(10)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            is_done.set()

        start(family)
        is_done.wait()
        while any(reference() is not None for reference in left):
            gc.collect()
            gevent.sleep(0.001)
        assert not [one for one in gc.get_objects() if type(one) is gevent.hub.Hub and one is not gevent.get_hub()]
        """
    )
