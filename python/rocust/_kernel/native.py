"""Threads, locks and sockets of the system, whatever gevent has patched.

An asyncio loop in a thread of its own must wait for real: under the patches a `threading.Thread` is a greenlet and a lock belongs to a
hub. gevent keeps what it has replaced, and from there it is taken.
"""

from __future__ import annotations

from typing import Any

from gevent import monkey

from rocust._kernel.green import existing_hub


def original(module: str, name: str) -> Any:
    """What `module.name` is when nobody has patched it."""
    return monkey.get_original(module, name)


def is_patched() -> bool:
    """Whether a `threading.Thread` would be a greenlet."""
    return bool(monkey.is_module_patched("threading"))


def drop_hub() -> None:
    """Let go of the hub of a thread that ends; one comes into being when code in the thread touches a patched socket or lock."""
    if (hub := existing_hub()) is not None:
        hub.destroy(destroy_loop=True)


Lock = original("_thread", "allocate_lock")
SimpleQueue = original("queue", "SimpleQueue")
start_thread = original("_thread", "start_new_thread")
thread_ident = original("_thread", "get_ident")

__all__ = [
    "Lock",
    "SimpleQueue",
    "drop_hub",
    "is_patched",
    "original",
    "start_thread",
    "thread_ident",
]
