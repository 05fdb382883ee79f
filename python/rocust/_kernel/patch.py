"""The only monkey-patching in the project.

`import rocust` never calls this; the command line does, before it loads a locustfile. Notebooks, debuggers and async code stay alive.
"""

from __future__ import annotations

import os
from typing import Any


def apply() -> bool:
    """Make the standard library cooperative, as `import locust` does.

    `LOCUST_SKIP_MONKEY_PATCH` (any non-empty value) switches it off. Calling it twice is harmless.

    Returns:
        Whether the standard library is patched now.
    """
    from gevent import monkey

    if os.getenv("LOCUST_SKIP_MONKEY_PATCH"):
        return bool(monkey.is_module_patched("socket"))
    if not monkey.is_module_patched("socket"):
        monkey.patch_all()
        _give_back_queues()
        if not os.getenv("LOCUST_SKIP_URLLIB3_PATCH"):
            _patch_urllib3_queue()
    return True


def _give_back_queues() -> None:
    """Leave `queue.Queue` and its like as Python has them: on patched locks they are cooperative as they are.

    gevent's own lack what libraries use of them, such as `mutex` (python-statemachine cannot start). `SimpleQueue`,
    which is C, stays gevent's.
    """
    import queue

    from gevent import monkey

    for name in ("Queue", "LifoQueue", "PriorityQueue"):
        setattr(queue, name, monkey.get_original("queue", name))


def _patch_urllib3_queue() -> None:
    """Give urllib3 connection pools gevent's own queue: the standard one spends its time in emulated locks."""
    from gevent.queue import LifoQueue
    from urllib3 import connectionpool

    connectionpool.ConnectionPool.QueueCls = LifoQueue  # type: ignore[assignment]


def share_with_threads() -> None:
    """Have what the patches made of `threading` hold between greenlets and native threads too, and native threads start such.

    Called when asynchronous users come into play, whose loop has a thread of its own; without them nothing is changed. Does nothing
    where nothing is patched, or when it is done.
    """
    from rocust._kernel.native import is_patched, original

    if not is_patched():
        return
    import gc
    import queue
    import threading
    from concurrent.futures import ThreadPoolExecutor

    from rocust._kernel import native_threads, shared_locks

    module: Any = queue
    if module.SimpleQueue is module._PySimpleQueue:
        return
    shared_locks.install()
    native_threads.install()
    # gevent's are for greenlets of one hub, and in C, so that nothing can be mended. Python's own are built on the locks.
    module.SimpleQueue = module._PySimpleQueue
    threading.Event = original("threading", "Event")  # type: ignore[misc]
    for one in gc.get_objects():
        # By its type: there are objects that do not like to be asked.
        kind: Any = type(one)
        if issubclass(kind, threading.Condition):
            # It keeps two methods of its lock.
            one.acquire, one.release = one._lock.acquire, one._lock.release
        elif issubclass(kind, ThreadPoolExecutor) and not one._threads:
            one._work_queue = module.SimpleQueue()


def make_grpc_cooperative() -> None:
    """Have calls of `grpcio` leave the loop to others while they wait, as sockets do; to be called before a channel is made.

    Its own way of waiting is in C: under the patches above it would hold up every user.

    Raises:
        ImportError: `grpcio` is not installed.
    """
    from grpc.experimental.gevent import init_gevent

    init_gevent()
