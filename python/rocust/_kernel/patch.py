"""The only monkey-patching in the project.

`import rocust` never calls this; the command line does, before it loads a locustfile. Notebooks, debuggers and async code stay alive.
"""

from __future__ import annotations

import os


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


def make_grpc_cooperative() -> None:
    """Have calls of `grpcio` leave the loop to others while they wait, as sockets do; to be called before a channel is made.

    Its own way of waiting is in C: under the patches above it would hold up every user.

    Raises:
        ImportError: `grpcio` is not installed.
    """
    from grpc.experimental.gevent import init_gevent

    init_gevent()
