"""Threads that are the system's, beside those that are greenlets under gevent's patches.

Who starts a thread decides what it is: started by the loop's thread, or by a descendant of its, it is native; started by a greenlet of
the hub it is a greenlet, as before. On a thread of the loop's family nobody runs a hub, and a greenlet there would never have its turn.
"""

from __future__ import annotations

import _thread
import atexit
import gc
import importlib
import os
import sys
import threading
from contextlib import suppress
from queue import Empty
from time import monotonic
from typing import TYPE_CHECKING, Any

from rocust._kernel.green import Hub, existing_hub
from rocust._kernel.native import Lock, SimpleQueue, drop_hub, original, start_thread, thread_ident

if TYPE_CHECKING:
    from collections.abc import Callable

green_thread: Any = importlib.import_module("gevent.thread")

#: How long the end of the process waits for threads that let go of their hubs, and then for those that are to stand still, in seconds.
_LET_GO_S = 1.0
_STAND_STILL_S = 0.25


class _Here(original("_thread", "_local")):  # type: ignore[misc]
    """What a thread knows of itself."""

    #: Whether it belongs to the loop's family.
    is_native = False
    #: The lock by which others know that it is alive, if it is a `threading.Thread`.
    alive: Any = None


_here = _Here()
#: `os.close` of greenlets, and of everybody.
_green_close: Any = None
_plain_close: Any = original("os", "close")
#: The family's threads that are alive, as the system knows them.
_alive: set[int] = set()
#: Held while a thread lets go of its hub. The end of the process keeps it: to let go while the interpreter ends would crash that.
_letting_go = Lock()


def start(function: Callable[..., Any], arguments: tuple[Any, ...] = (), options: dict[str, Any] | None = None) -> int:
    """Start a native thread, whose threads are native too; what it is to the system."""
    return int(start_thread(_run, (function, arguments, options or {})))


def _run(function: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any], alive: Any = None) -> None:
    _here.is_native, _here.alive = True, alive
    _alive.add(thread_ident())
    try:
        function(*arguments, **options)
    finally:
        try:
            with _letting_go:
                if (hub := existing_hub()) is not None:
                    # One that has not come to its end is kept for ever, with all that is local to the thread.
                    hub.join(timeout=0)
                drop_hub()
        finally:
            _alive.discard(thread_ident())
            if _here.alive is not None:
                _here.alive.release()


def install() -> None:
    """Have `threading.Thread` and its like start native threads where the thread that starts them is native."""
    global _green_close
    if _thread.start_new_thread is _start_new_thread:
        return
    _thread.start_new_thread = _start_new_thread
    _green_close, os.close = os.close, _close
    module: Any = threading
    if sys.version_info >= (3, 13):
        _thread.start_joinable_thread = module._start_joinable_thread = _start_joinable_thread
    else:
        module._start_new_thread = _start_new_thread
        for kind in (original("threading", "Thread"), module.Thread):
            kind._set_tstate_lock = _telling_its_end(kind._set_tstate_lock)


def _start_new_thread(function: Callable[..., Any], args: tuple[Any, ...] = (), kwargs: Any = None, /) -> int:
    if not _here.is_native:
        return int(green_thread.start_new_thread(function, args, kwargs))
    _have_its_start_told(function)
    return start(function, args, kwargs)


def _close(fd: int) -> None:
    # gevent's leaves it to the thread's hub, if there is one: here nobody runs that, and who waits at the other end would wait for ever.
    if _here.is_native:
        _plain_close(fd)
    else:
        _green_close(fd)


def _have_its_start_told(bootstrap: Any) -> None:
    """The event by which a `threading.Thread` says that it runs was made with it, perhaps long before: one that two threads may share."""
    thread = getattr(bootstrap, "__self__", None)
    if isinstance(thread, original("threading", "Thread")):
        thread._started = threading.Event()


# -- until Python 3.12 -----------------------------------------------------------------------------------------------------


def _telling_its_end(set_lock: Callable[[Any], None]) -> Callable[[Any], None]:
    plain = original("threading", "Thread")._set_tstate_lock

    def _set_tstate_lock(thread: Any) -> None:
        if _here.is_native:
            # gevent's would have it released by the end of the greenlet that runs here, which is none of its own.
            plain(thread)
            _here.alive = thread._tstate_lock
        else:
            set_lock(thread)

    return _set_tstate_lock


# -- from Python 3.13 on ---------------------------------------------------------------------------------------------------


def _start_joinable_thread(function: Callable[[], Any], handle: Any = None, daemon: bool = True) -> Any:
    if not _here.is_native:
        return green_thread.start_joinable_thread(function, handle, daemon)
    if handle is None:
        handle = green_thread._ThreadHandle()
    handle.__class__ = _Handle
    handle.alive = threading.Lock()
    handle.alive.acquire()
    _have_its_start_told(function)
    # The interpreter need not know it for its end: gevent's waits for every thread that is no daemon.
    handle.native_ident = start_thread(_run, (function, (), {}, handle.alive))
    return handle


class _Handle(getattr(green_thread, "_ThreadHandle", object)):  # type: ignore[misc]
    """A thread that was started natively, for those who join it."""

    alive: Any
    native_ident: int
    _had_greenlet = True

    def join(self, timeout: float | None = -1) -> None:
        """Wait for its end, at most so many seconds; None and -1 mean for ever."""
        if self.alive.acquire(True, -1 if timeout is None else timeout):
            self.alive.release()

    @property
    def ident(self) -> int:
        """What it is to the system."""
        return self.native_ident

    def is_done(self) -> bool:
        """Whether it has ended."""
        return not self.alive.locked()

    def _set_done(self, enter_hub: bool = True) -> None:
        if self.alive.locked():
            self.alive.release()


# -- the end of the process ------------------------------------------------------------------------------------------------


def _stop_hubs() -> None:
    """Keep threads that are left over (daemons do not end) out of their hubs.

    Such a hub wakes up when its time comes. When the interpreter ends meanwhile, that thread is ended in the middle of a stack that is
    not the thread's own, which crashes the process.
    """
    _letting_go.acquire(True, _LET_GO_S)
    if not _alive:
        return
    hubs: list[Any] = [one for one in gc.get_objects() if issubclass(type(one), Hub)]
    standing: Any = SimpleQueue()
    forever = Lock()
    forever.acquire()
    told = 0
    for hub in hubs:
        if hub.thread_ident in _alive and hub.loop is not None:
            hub.loop.run_callback_threadsafe(_stand_still, standing, forever)
            told += 1
    until = monotonic() + _STAND_STILL_S
    # One that is elsewhere, computing or waiting natively, says nothing; it does no harm there.
    with suppress(Empty):
        for _ in range(told):
            standing.get(timeout=max(0.0, until - monotonic()))


def _stand_still(standing: Any, forever: Any) -> None:
    standing.put(None)
    forever.acquire()


def _forget() -> None:
    """In a forked child there are no threads but that one, which is the child's first."""
    global _letting_go
    _letting_go = Lock()
    _alive.clear()


atexit.register(_stop_hubs)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
