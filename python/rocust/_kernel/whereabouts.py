"""Where a task is: its name, file and line, for people who look for one that does not end or holds up the others."""

from __future__ import annotations

import inspect
import os
import traceback
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import asyncio
    from types import FrameType

#: Ours, whose frames are of no interest to who wrote the task.
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def of_task(task: asyncio.Task[Any]) -> str:
    """The first coroutine of the task that is not ours, and the line at which it waits."""
    coroutine: Any = task.get_coro()
    found = coroutine
    while coroutine is not None:
        code = getattr(coroutine, "cr_code", None)
        if code is not None and not code.co_filename.startswith(_PACKAGE):
            found = coroutine
            break
        coroutine = getattr(coroutine, "cr_await", None)
    name = getattr(found, "__qualname__", repr(found)).replace("<locals>.", "")
    frame = getattr(found, "cr_frame", None)
    return name if frame is None else f"{name}, at {frame.f_code.co_filename}:{frame.f_lineno}"


def of_frame(frame: FrameType) -> str:
    """The outermost function of a running stack that is not ours or asyncio's, and the line at which it is."""
    names = [
        f"{one.f_code.co_name}, at {one.f_code.co_filename}:{line}"
        for one, line in traceback.walk_stack(frame)
        if _is_foreign(one.f_code.co_filename)
    ]
    return names[-1] if names else repr(frame)


#: What tells places in the code apart.
Place: TypeAlias = tuple[tuple[str, str, int], ...]


def place_of(frame: FrameType) -> Place:
    """Which functions have called which, and at which lines of coroutines.

    Not at which lines of what they have called: those of what computes are others at every look.
    """
    return tuple(
        (one.f_code.co_filename, one.f_code.co_name, line if _is_coroutine(one) and one is not frame else 0)
        for one, line in traceback.walk_stack(frame)
    )


def _is_coroutine(frame: FrameType) -> bool:
    return bool(frame.f_code.co_flags & inspect.CO_COROUTINE)


def stack_from_task(frame: FrameType | None) -> str:
    """The stack that ends in `frame`, from the first line on that is not ours or asyncio's."""
    entries = traceback.extract_stack(frame)
    first = next((place for place, entry in enumerate(entries) if _is_foreign(entry.filename)), 0)
    return "".join(traceback.format_list(entries[first:]))


def _is_foreign(filename: str) -> bool:
    return not (
        filename.startswith(_PACKAGE) or f"{os.sep}asyncio{os.sep}" in filename or filename.startswith("<frozen ")
    )
