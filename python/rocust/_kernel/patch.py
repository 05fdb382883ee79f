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
        if not os.getenv("LOCUST_SKIP_URLLIB3_PATCH"):
            _patch_urllib3_queue()
    return True


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
