"""How code that cannot await has a coroutine ended: what an `async def` listener returns to a hook that is fired in a greenlet."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from rocust import _events
from rocust._kernel import loop_thread

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from rocust._kernel.errand import Errand

#: What a listener is given to clean up in when its greenlet is killed, in seconds.
_PATIENCE_S = 0.0
#: Tasks that nobody else holds: a loop alone does not keep them.
_tasks: set[asyncio.Task[None]] = set()


def finish(awaitable: Awaitable[Any], name: str) -> None:
    """Have `awaitable` run to its end on the loop's thread while the current greenlet waits; or, on a loop, begin it there.

    Args:
        awaitable: What is awaited.
        name: Whose it is, for warnings.

    Raises:
        BaseException: What it ended with; on a loop that is logged, for nobody waits.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:

        async def work(errand: Errand) -> None:
            errand.is_begun = True
            await awaitable

        thread = loop_thread.running() or loop_thread.current()
        thread.send(name, work, _PATIENCE_S).join()
        return
    task = loop.create_task(_events.noted(awaitable))
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
