"""Running a test's coroutine in a loop of its own that must be left as clean as it was found."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from rocust._kernel import looproom

Result = TypeVar("Result")


def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """What `coroutine` returns, in asyncio's debug mode.

    Raises:
        AssertionError: It left a task, a wait for the engine, or a thread of Python behind.
    """
    threads = set(threading.enumerate())

    async def scenario() -> Result:
        result = await coroutine
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, f"tasks were left behind: {left}"
        assert looproom.current().port.waiting == 0, "somebody still waits for the engine"
        return result

    result = asyncio.run(scenario(), debug=True)
    assert set(threading.enumerate()) <= threads, "a thread was left behind"
    return result
