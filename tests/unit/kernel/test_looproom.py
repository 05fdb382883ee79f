"""The room of an asyncio loop: who waits is woken, who was cancelled is not, and the room goes with its loop."""

from __future__ import annotations

import asyncio
import gc
import time
import weakref

import pytest
from rocust._kernel import looproom

#: Long enough to be cut short for certain.
LONG_S = 60.0


async def sleep(room: looproom.LoopRoom, seconds: float) -> object:
    future = asyncio.get_running_loop().create_future()
    return await room.park(future, room.port.wait(future, seconds))


def run(coroutine):
    return asyncio.run(coroutine, debug=True)


def test_a_loop_has_one_room_and_another_loop_another():
    async def rooms():
        return looproom.current(), looproom.current()

    first, again = run(rooms())
    assert first is again
    assert run(rooms())[0] is not first


def test_there_is_no_room_without_a_loop():
    with pytest.raises(RuntimeError):
        looproom.current()


def test_a_wait_lasts_as_long_as_asked():
    async def scenario():
        began_at = time.perf_counter()
        assert await sleep(looproom.current(), 0.02) is None
        return time.perf_counter() - began_at

    assert run(scenario()) >= 0.02


def test_a_thousand_waits_end_together():
    async def scenario():
        room = looproom.current()
        await asyncio.gather(*(sleep(room, 0.001 * (turn % 5)) for turn in range(1000)))
        return room.port.waiting

    assert run(scenario()) == 0


def test_a_cancelled_wait_is_called_off():
    async def scenario():
        room = looproom.current()
        waiting = asyncio.create_task(sleep(room, LONG_S))
        while not room.port.waiting:
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return room.port.waiting

    assert run(scenario()) == 0


def test_an_answer_that_comes_in_the_turn_of_a_cancellation_is_dropped():
    async def scenario():
        room = looproom.current()
        future = asyncio.get_running_loop().create_future()
        room.port.wait(future, 0.0)
        future.cancel()
        await sleep(room, 0.01)
        return room.port.waiting

    assert run(scenario()) == 0


def test_the_room_goes_with_its_loop():
    async def scenario():
        room = looproom.current()
        await sleep(room, 0)
        return room

    loop = asyncio.new_event_loop()
    room = loop.run_until_complete(scenario())
    assert room.port.waiting == 0
    loop.close()
    kept = weakref.ref(loop)
    del loop
    gc.collect()
    assert kept() is None, "the room keeps its loop"
