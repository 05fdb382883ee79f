"""Locks of the log that two threads may want at once, also under gevent's patches.

There the lock of a handler is gevent's. It keeps greenlets of one hub apart, and two threads that log at the same time stand still for
ever (measured, with gevent 26.9). From the moment on that users run in a second thread, a handler's lock keeps apart both.
"""

from __future__ import annotations

import logging
from typing import Any

from rocust._kernel.green import RLock
from rocust._kernel.native import RLock as NativeLock
from rocust._kernel.native import is_patched, thread_ident


class _BothLock:
    """A lock of greenlets within each thread, and of threads among each other; the same greenlet may take it again."""

    def __init__(self) -> None:
        self._native = NativeLock()
        self._green: dict[int, Any] = {}

    def acquire(self, *_: Any, **__: Any) -> bool:
        own = thread_ident()
        green = self._green.get(own)
        if green is None:
            green = self._green[own] = RLock()
        green.acquire()
        self._native.acquire()
        return True

    def release(self) -> None:
        self._native.release()
        self._green[thread_ident()].release()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


def make_safe() -> None:
    """Give such locks to the handlers there are, and to those to come. Does nothing where nothing is patched, or when it is done."""
    if not is_patched() or logging.Handler.createLock is _create_lock:
        return
    logging.Handler.createLock = _create_lock  # type: ignore[method-assign, assignment]
    module: Any = logging
    module._lock = _BothLock()
    for reference in list(module._handlerList):
        handler = reference()
        # One that is in use at this moment keeps its lock: it is released through the same attribute.
        if handler is not None and handler.lock is not None and handler.lock.acquire(blocking=False):
            handler.lock.release()
            handler.lock = _BothLock()


def _create_lock(handler: logging.Handler) -> None:
    handler.lock = _BothLock()  # type: ignore[assignment]
