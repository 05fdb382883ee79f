"""`async def` listeners of hooks that are fired where nobody can await: they run to their end, and what they raise is told."""

from __future__ import annotations

import asyncio
import threading

import gevent
import pytest
from rocust import _log
from rocust._errors import StopUser
from rocust._kernel import loop_thread
from rocust.env import Environment


@pytest.fixture
def hook():
    yield Environment().events.request
    loop_thread.close()


def test_a_greenlet_waits_for_its_listener_and_others_run_meanwhile(hook):
    seen = []
    let_go = threading.Event()

    @hook.add_listener
    async def listen(name, **_):
        while not let_go.is_set():
            await asyncio.sleep(0.001)
        seen.append((name, threading.get_ident()))

    @hook.add_listener
    def after(name, **_):
        seen.append("after")

    firing = gevent.spawn(hook.fire, name="/a")
    gevent.spawn(let_go.set).join()
    firing.join()
    (name, thread), after_it = seen
    assert (name, after_it) == ("/a", "after")
    assert thread != threading.get_ident()


def test_what_it_raises_is_logged_and_flagged_as_of_any_listener(hook, caplog, monkeypatch):
    flagged = []
    monkeypatch.setattr(_log, "note_unhandled_exception", lambda: flagged.append(True))

    @hook.add_listener
    async def listen(**_):
        raise ValueError("from a coroutine")

    hook.fire()
    assert flagged == [True]
    assert "from a coroutine" in caplog.text


def test_it_may_steer_the_user_that_it_runs_for(hook):
    @hook.add_listener
    async def listen(**_):
        raise StopUser

    with pytest.raises(StopUser):
        hook.fire()


def test_fired_within_a_loop_it_is_begun_there(hook, caplog):
    async def scenario():
        ended = asyncio.Event()

        @hook.add_listener
        async def listen(fails, **_):
            await asyncio.sleep(0)
            ended.set()
            if fails:
                raise ValueError("within a loop")

        hook.fire(fails=False)
        await ended.wait()
        ended.clear()
        hook.fire(fails=True)
        await ended.wait()
        while "within a loop" not in caplog.text:
            await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(scenario(), 30), debug=True)
    assert loop_thread.running() is None
