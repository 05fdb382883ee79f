"""The mailroom: who waits is woken, who gave up is not, and nobody's death takes another's post."""

from __future__ import annotations

import gc
import select
import time
import weakref

import gevent
import greenlet
import pytest
from gevent.exceptions import LoopExit
from rocust._core import Port
from rocust._kernel import mailroom

#: Long enough to be cut short for certain.
LONG_S = 60.0


@pytest.fixture
def room():
    gevent.get_hub()  # in a thread without one a wait blocks
    room = mailroom.current()
    assert room.port.waiting == 0, "an earlier test left a waiter"
    yield room
    assert room.port.waiting == 0, "a waiter was left behind"


def _errors(monkeypatch):
    """Has the hub collect the errors it would print."""
    seen = []
    monkeypatch.setattr(
        gevent.get_hub(), "handle_error", lambda context, kind, value, trace: seen.append((context, value))
    )
    return seen


def test_one_room_a_hub(room):
    assert mailroom.current() is room
    others = []
    worker = gevent.get_hub().threadpool.spawn(lambda: others.append(mailroom.current()))
    worker.get()
    assert others[0] is not room


def test_sleep_lasts_as_long_as_asked(room):
    began_at = time.perf_counter()
    room.sleep(0.02)
    assert time.perf_counter() - began_at >= 0.02


def test_sleepers_wake_in_the_order_of_their_deadlines(room):
    woken = []

    def nap(seconds):
        room.sleep(seconds)
        woken.append(seconds)

    sleepers = [gevent.spawn(nap, seconds) for seconds in (0.06, 0.0, 0.03)]
    gevent.joinall(sleepers, raise_error=True)
    assert woken == [0.0, 0.03, 0.06]


@pytest.mark.parametrize("seconds", [-1.0, -0.0, 0.0])
def test_sleep_of_no_length_lets_others_run(room, seconds):
    ran = []
    other = gevent.spawn(ran.append, "other")
    room.sleep(seconds)
    assert ran == ["other"]
    other.join()


def test_sleep_without_an_end_is_refused(room):
    with pytest.raises(ValueError, match="cannot wait inf seconds; it must be a finite number"):
        room.sleep(float("inf"))


def test_sleep_of_ages_can_be_called_off(room):
    with gevent.Timeout(0.01, False):
        room.sleep(1e9)
    assert room.port.waiting == 0


def test_killed_sleeper_is_forgotten(room):
    sleeper = gevent.spawn(room.sleep, LONG_S)
    gevent.sleep(0)
    assert room.port.waiting == 1
    sleeper.kill()
    assert room.port.waiting == 0
    assert isinstance(sleeper.value, gevent.GreenletExit)


def test_killed_before_it_ran_never_waits(room):
    sleeper = gevent.spawn(room.sleep, LONG_S)
    sleeper.kill()
    assert (sleeper.dead, room.port.waiting) == (True, 0)


def test_timeout_calls_a_wait_off(room):
    with pytest.raises(gevent.Timeout), gevent.Timeout(0.01):
        room.sleep(LONG_S)
    assert room.port.waiting == 0


def test_exception_thrown_into_a_wait_comes_out_of_it(room):
    caught = []

    def wait():
        try:
            room.sleep(LONG_S)
        except LookupError as error:
            caught.append(error)
            room.sleep(0.001)
            caught.append("slept again")

    sleeper = gevent.spawn(wait)
    gevent.sleep(0)
    problem = LookupError("thrown")
    sleeper.kill(problem, block=False)
    sleeper.join()
    assert caught == [problem, "slept again"]


def test_wait_that_was_called_off_wakes_nobody_later(room):
    """The slot of a cancelled wait is used again: the old deadline must not wake the new waiter."""
    first = gevent.spawn(room.sleep, 0.02)
    gevent.sleep(0)
    first.kill()
    woken = []
    second = gevent.spawn(lambda: (room.sleep(LONG_S), woken.append("too early")))
    room.sleep(0.05)
    assert woken == []
    second.kill()


def test_main_greenlet_that_nobody_can_wake_is_told_so(room):
    room.sleep(0)
    with pytest.raises(LoopExit):
        gevent.get_hub().switch()


def test_room_keeps_the_hub_alive_while_somebody_waits(room):
    event = gevent.event.Event()
    sleeper = gevent.spawn(lambda: (room.sleep(0.02), event.set()))
    # Without a reference of the room's this would be a LoopExit.
    event.wait()
    sleeper.join()
    with pytest.raises(LoopExit):
        gevent.get_hub().switch()


def test_many_posts_wake_everybody(room):
    number = 2000
    woken = []

    def nap(one):
        room.sleep(0.01)
        woken.append(one)

    sleepers = [gevent.spawn(nap, one) for one in range(number)]
    gevent.joinall(sleepers, raise_error=True)
    assert sorted(woken) == list(range(number))


def test_many_posts_come_with_few_rings():
    number = 500
    port = Port()
    waiters = [greenlet.greenlet(list) for _ in range(number)]
    for waiter in waiters:
        port.wait(waiter, 0.005)
    taken, rings = [], 0
    while len(taken) < number:
        readable, _, _ = select.select([port.fd], [], [], 20)
        assert readable, "a post without a ring"
        rings += 1
        port.drain()
        while (post := port.take()) is not None:
            taken.append(post)
    assert [value for _, value in taken] == [None] * number
    assert {id(waiter) for waiter, _ in taken} == {id(waiter) for waiter in waiters}
    assert rings < number / 10
    assert select.select([port.fd], [], [], 0)[0] == [], "the bell still rings when everything has been taken"


def test_bare_greenlet_that_dies_does_not_take_the_other_posts(room, monkeypatch):
    errors = _errors(monkeypatch)
    woken = []

    def dying():
        room.sleep(0.01)
        raise LookupError("dead on waking")

    def living(one):
        room.sleep(0.01)
        woken.append(one)

    bare = greenlet.greenlet(dying, parent=gevent.get_hub())
    before = [gevent.spawn(living, "before")]
    gevent.sleep(0)
    gevent.get_hub().loop.run_callback(bare.switch)
    gevent.sleep(0)
    after = [gevent.spawn(living, "after")]
    gevent.joinall(before + after, raise_error=True)
    assert woken == ["before", "after"]
    assert [str(error) for _, error in errors] == ["dead on waking"]


def test_greenlet_that_dies_reports_its_own_error_once(room, monkeypatch):
    errors = _errors(monkeypatch)

    def dying():
        room.sleep(0)
        raise LookupError("mine")

    sleeper = gevent.spawn(dying)
    sleeper.join()
    assert str(sleeper.exception) == "mine"
    assert [str(error) for _, error in errors] == ["mine"]


def test_drain_that_is_interrupted_goes_on_with_what_is_left(room):
    """A woken greenlet kills another one that has been drained already and waits for its turn."""
    woken = []
    sleepers = []

    def killer():
        room.sleep(0.01)
        sleepers[1].kill()
        woken.append("killer")

    def nap(name):
        room.sleep(0.01)
        woken.append(name)

    sleepers += [gevent.spawn(killer), gevent.spawn(nap, "victim"), gevent.spawn(nap, "witness")]
    gevent.joinall(sleepers)
    # The victim may have been woken first; if it was not, it was killed.
    assert set(woken) >= {"killer", "witness"}
    assert ("victim" in woken) != isinstance(sleepers[1].value, gevent.GreenletExit)


def test_forgotten_waiter_is_let_go(room):
    sleeper = gevent.spawn(room.sleep, LONG_S)
    gevent.sleep(0)
    gone = weakref.ref(sleeper)
    sleeper.kill()
    del sleeper
    gevent.sleep(0)
    gc.collect()
    assert gone() is None


def test_forgetting_a_ticket_twice_or_a_foreign_one_is_harmless():
    port = Port()
    ticket = port.wait(greenlet.getcurrent(), LONG_S)
    port.forget(ticket)
    port.forget(ticket)
    port.forget(12345)
    assert port.waiting == 0
    port.drain()
    assert port.take() is None


def test_turn_changes_whenever_somebody_begins_to_wait(room):
    turn = room.port.turn
    room.sleep(0)
    assert room.port.turn == turn + 1
