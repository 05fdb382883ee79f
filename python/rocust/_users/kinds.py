"""Which kind of user a class is: whether somebody awaits what its methods return."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import isasyncgenfunction, iscoroutinefunction
from typing import Any

from rocust._users.user import User

_HOOKS = ("on_start", "on_stop", "wait_time")


def why_not_awaited(user_class: type[User]) -> str | None:
    """What of a class is a coroutine function that nobody awaits, in a sentence that says what to do; None when nothing is."""
    if iscoroutinefunction(getattr(user_class, "context", None)):
        return why_plain(user_class, "context")
    if user_class._async_loop is not None:
        return None
    found = next(_coroutines(user_class, set()), None)
    if found is None:
        return None
    base = "AsyncHttpUser" if hasattr(user_class, "rest") else "AsyncUser"
    old = next(one.__name__ for one in user_class.__mro__ if one.__module__.startswith("rocust."))
    return (
        f"{user_class.__name__} has a coroutine function, {found} (async def), and its base class {old} would never await it. "
        f"hint: subclass rocust.{base} instead"
    )


def why_plain(holder: type, method: str) -> str:
    """That a method must not be a coroutine function, in a sentence."""
    return (
        f"{holder.__name__}.{method} is a coroutine function (async def), and nobody would await it. "
        f"hint: {method} is a plain function, def {method}(self), for users of any kind"
    )


def _coroutines(holder: Any, seen: set[Any]) -> Iterator[str]:
    """The coroutine functions among the tasks and hooks of a user class or task set class, and of the sets in it, by name."""
    seen.add(holder)
    for one in (*getattr(holder, "tasks", ()), *(getattr(holder, name, None) for name in _HOOKS)):
        if isinstance(one, type):
            if one not in seen:
                yield from _coroutines(one, seen)
        elif iscoroutinefunction(one) or isasyncgenfunction(one):
            yield getattr(one, "__qualname__", repr(one)).rpartition("<locals>.")[2]
