"""`threading`'s locks under gevent's patches, for greenlets and native threads at once.

gevent's keep greenlets of one hub apart. Where several threads want one of them, its word that the lock is free again may go to a hub
that nobody runs, or be taken up by nobody because the lock was free for a moment only; then who waits does so for ever (measured, with
gevent 26.9). Its counter is sound, though: one step under the interpreter lock takes and releases. So only the waiting is done anew, on
the class itself: all that is built on these locks (conditions, semaphores, queues, futures, handlers of the log) is for both from then
on, whenever it was made.

Who waits stands in a line of the lock's, and is rung for when it is released: a greenlet through the hatch of its hub, which runs others
meanwhile; a thread without a hub by a lock of the system's. Who is rung for may find the lock taken again by somebody who never had to
wait. It goes back to the head of the line, and the next to release hands the lock over to it, so that nobody waits for ever.
"""

from __future__ import annotations

import threading
from collections import deque
from time import monotonic
from typing import Any

from gevent.lock import BoundedSemaphore

from rocust._kernel import hatch
from rocust._kernel.green import Timeout, existing_hub, getcurrent
from rocust._kernel.native import Lock, original, thread_ident

_take: Any = BoundedSemaphore.acquire
_free: Any = BoundedSemaphore.release
#: gevent's own way of trying, and of starting anew in a forked child.
_as_gevent: Any = None
_reset: Any = None
_native_sleep = original("time", "sleep")


class _Greenlet:
    """A greenlet that waits for a lock."""

    __slots__ = ("_greenlet", "_hatch", "_is_parked", "_is_rung", "has_waited", "is_owner")

    def __init__(self) -> None:
        self._hatch = hatch.current()
        self._greenlet: Any = getcurrent()
        self._is_parked = False
        self._is_rung = False
        #: Whether it was rung for already, and somebody else was faster.
        self.has_waited = False
        #: Whether the lock has been handed over to it.
        self.is_owner = False

    def ring(self) -> None:
        """Wake it; from any thread."""
        self._hatch.tell(self._wake)

    def _wake(self) -> None:
        self._is_rung = True
        if self._is_parked:
            self._greenlet.switch()

    def wait(self, timeout_s: float | None) -> bool:
        """Wait to be rung for; false when the time is over before."""
        self._is_parked = True
        try:
            with Timeout(timeout_s, False):  # type: ignore[arg-type] # False: it is not raised
                while not self._is_rung:
                    self._hatch.wait()
        finally:
            self._is_parked = False
        was_rung, self._is_rung = self._is_rung, False
        return was_rung


class _Thread:
    """A thread that waits for a lock and has no greenlets to run meanwhile."""

    __slots__ = ("_bell", "has_waited", "is_owner")

    def __init__(self) -> None:
        self._bell = Lock()
        self._bell.acquire()
        self.has_waited = False
        self.is_owner = False

    def ring(self) -> None:
        """Wake it; from any thread."""
        self._bell.release()

    def wait(self, timeout_s: float | None) -> bool:
        """Wait to be rung for; false when the time is over before."""
        return bool(self._bell.acquire(True, -1 if timeout_s is None else timeout_s))


def _acquire(lock: Any, blocking: bool = True, timeout: float = -1) -> bool:
    if timeout != -1 and (not blocking or timeout < 0 or timeout > threading.TIMEOUT_MAX):
        return bool(_as_gevent(lock, blocking, timeout))  # Raises: it says what is wrong.
    if not _take(lock, False):
        if not blocking or timeout == 0:
            # gevent lets other greenlets run before it says no; a thread without a hub has none.
            if existing_hub() is None or not _as_gevent(lock, False):
                return False
        elif not _wait_for(lock, None if timeout == -1 else timeout):
            return False
    lock.holder = thread_ident()
    return True


def _enter(lock: Any) -> bool:
    if not _take(lock, False):
        _wait_for(lock, None)
    lock.holder = thread_ident()
    return True


def _wait_for(lock: Any, timeout_s: float | None) -> bool:
    line: Any = lock.line
    if line is None:
        line = lock.__dict__.setdefault("line", deque())
    waiter = _waiter(lock)
    until = None if timeout_s is None else monotonic() + timeout_s
    # First into the line and then a look at the lock: `_release` does it the other way round, so that one of both sees the other.
    line.append(waiter)
    try:
        while not _take(lock, False):
            if not waiter.wait(None if until is None else max(0.0, until - monotonic())):
                # Too late, unless it was rung for just now.
                return not _leave(line, waiter) and (_is_owner(waiter) or bool(_take(lock, False)))
            if waiter.is_owner:
                return True
            waiter.has_waited = True
            line.appendleft(waiter)
    except BaseException:
        # Killed, or out of time by somebody else's clock. What was rung for in vain is rung for the next.
        if not _leave(line, waiter) and (_is_owner(waiter) or _take(lock, False)):
            _release(lock)
        raise
    _leave(line, waiter)
    return True


def _waiter(lock: Any) -> Any:
    hub = existing_hub()
    current: Any = getcurrent()
    if hub is None:
        return _Thread()
    if current is not hub:
        return _Greenlet()
    if getattr(lock, "holder", None) == thread_ident():
        hub.switch()  # Raises: its holder cannot release it while the hub waits.
    return _Thread()


def _leave(line: deque[Any], waiter: Any) -> bool:
    """Out of the line; false when it is not in it any more: who releases the lock has taken it out."""
    try:
        line.remove(waiter)
    except ValueError:
        return False
    return True


def _is_owner(waiter: Any) -> bool:
    """Whether the lock is handed over to one that has been taken out of the line."""
    while waiter.has_waited and not waiter.is_owner:
        _native_sleep(0)  # Another thread is between two lines of `_release`.
    return bool(waiter.is_owner)


def _release(lock: Any) -> int:
    while True:
        line = lock.line
        if line and lock.locked():
            try:
                first = line.popleft()
            except IndexError:
                continue
            if first.has_waited:
                first.is_owner = True
                free = 0
            else:
                free = _free(lock)
            first.ring()
            return free
        free = _free(lock)
        if not lock.line or not _take(lock, False):
            return int(free)
        # Somebody came just before it was free: once more, for them.


def _exit(lock: Any, *_: object) -> None:
    _release(lock)


def _after_fork(lock: Any) -> None:
    lock.line = None
    _reset(lock)


def install() -> None:
    """Have the locks of `threading`, those there are as well, keep apart greenlets and threads alike."""
    global _as_gevent, _reset
    kind: Any = threading.Lock
    if _as_gevent is not None:
        return
    _as_gevent, _reset = kind.acquire, kind._at_fork_reinit
    kind.line = None
    kind.acquire, kind.release, kind.__enter__, kind.__exit__ = _acquire, _release, _enter, _exit
    kind._at_fork_reinit = _after_fork
