"""The room of a thread without a hub: who waits blocks, a signal ends that, and with the thread it goes."""

from __future__ import annotations

import os
import signal
import threading

import pytest
from gevent._hub_local import get_hub_if_exists
from rocust._kernel import mailroom, threadroom

LONG_S = 60.0


def in_a_thread(function):
    """What `function` returns in a thread of its own, which has no hub, neither before nor afterwards."""
    told = []

    def work():
        assert get_hub_if_exists() is None
        told.append(function())
        assert get_hub_if_exists() is None

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return told[0]


def test_one_room_a_thread():
    first, again = in_a_thread(lambda: (mailroom.current(), mailroom.current()))
    assert type(first) is threadroom.ThreadRoom
    assert first is again
    assert in_a_thread(mailroom.current) is not first


def test_sleepers_of_several_threads_wake_in_the_order_of_their_deadlines():
    woken = []

    def nap(seconds):
        mailroom.current().sleep(seconds)
        woken.append(seconds)

    threads = [threading.Thread(target=nap, args=(seconds,)) for seconds in (0.2, 0.0, 0.1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert woken == [0.0, 0.1, 0.2]


def test_who_waits_below_a_signal_handler_has_a_room_of_its_own():
    def nested():
        outer = mailroom.current()
        key = outer.port.wait(object(), 0.05)
        inner = mailroom.current()
        inner.sleep(0.1)
        return outer.park(key), inner is outer

    assert in_a_thread(nested) == (None, False)


def test_rooms_go_with_their_threads():
    # The first one starts the engine.
    in_a_thread(lambda: mailroom.current().sleep(0))
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        in_a_thread(lambda: mailroom.current().sleep(0))
    assert len(os.listdir("/proc/self/fd")) == before


def test_ctrl_c_ends_a_wait(monkeypatch):
    """Only the main thread hears signals, and this one may have a hub of other tests."""
    monkeypatch.setattr(mailroom, "existing_hub", lambda: None)
    monkeypatch.setattr(threadroom._threads, "room", None, raising=False)
    room = mailroom.current()

    def interrupt(*_):
        signal.setitimer(signal.ITIMER_REAL, 0)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        # Again and again, for a signal just before a system call is not heard by that.
        signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
        with pytest.raises(KeyboardInterrupt):
            room.sleep(LONG_S)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert room.port.waiting == 0


@pytest.mark.parametrize("has_hub", [True, False])
def test_a_port_of_ones_own_is_waited_for(has_hub):
    def wait():
        if has_hub:
            import gevent

            gevent.get_hub()
        watch = mailroom.Watch()
        # Nothing comes: the time is up.
        watch.wait(0.01)
        assert watch.port.take_all() == []
        waiter = object()
        watch.port.wait(waiter, 0.01)
        watch.wait(LONG_S)
        assert watch.port.take_all() == [(waiter, None)]
        if has_hub:
            from rocust._kernel.native import drop_hub

            drop_hub()
        return True

    assert in_a_thread(wait)
