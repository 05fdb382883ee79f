"""The loop of a user whose tasks are coroutines: that of `taskset`, awaited.

A task set is the same class for either kind of user. What of it may be a coroutine is awaited if it is one: tasks, `on_start`, `on_stop`,
`wait_time`, and the methods that a subclass overrides.
"""

from __future__ import annotations

import asyncio
import builtins
import inspect
import logging
import traceback
from functools import partial
from types import CoroutineType, FunctionType
from typing import TYPE_CHECKING, Any

from rocust import _core
from rocust._errors import InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately, StopTest, StopUser
from rocust._events import STEERING_EXCEPTIONS
from rocust._kernel import looproom
from rocust._users.taskset import _Assigned, is_untouched, reschedule, seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from rocust._users.async_user import AsyncUser
    from rocust._users.taskset import TaskSet

logger = logging.getLogger("locust.user.task")

_below = _core.below
_TIMERS_LOST = (
    "The engine's timers were lost to a panic of its own; see the traceback above. This run cannot be trusted."
)
#: What a task group collects exceptions in; Python 3.10 has none.
_Group: Any = getattr(builtins, "BaseExceptionGroup", ())


def _hook(method: Any) -> Any:
    """What a method gives that plain task sets return nothing from."""
    return method()


async def awaited(value: Any) -> Any:
    """`value`, or what it gives if it can be awaited.

    Raises:
        TypeError: It is an asynchronous generator: nothing of it would run.
    """
    if inspect.isawaitable(value):
        return await value
    if inspect.isasyncgen(value):
        raise TypeError(
            f"{value.__qualname__} has a yield, which makes it an asynchronous generator: nothing of it runs. "
            "hint: without the yield it is a coroutine function, which is awaited"
        )
    return value


def take_cancellation() -> None:
    """Tell asyncio that a cancellation of the running task has been dealt with: a `TaskGroup` cancels who still owes one once more."""
    current: Any = asyncio.current_task()
    # Python 3.10 does not count them.
    while current is not None and getattr(current, "cancelling", int)():
        current.uncancel()


async def run(task_set: TaskSet) -> None:
    """Execute the tasks of a set until its user stops or the set is interrupted; `TaskSet.run` for asynchronous users.

    Raises:
        RescheduleTask: After `interrupt(reschedule=False)`, for the enclosing task set.
        RescheduleTaskImmediately: After `interrupt()`, for the enclosing task set.
        StopUser: When the user stops.
        CancelledError: The user was stopped in the middle of a task.
    """
    try:
        await awaited(_hook(task_set.on_start))
    except InterruptTaskSet as interruption:
        raise reschedule(interruption) from interruption
    while True:
        try:
            await _go_on(task_set)
        except InterruptTaskSet as interruption:
            await _leave(task_set, (StopUser, StopTest))
            raise reschedule(interruption) from interruption
        except (StopUser, StopTest):
            await _leave_for_good(task_set)
            raise
        except asyncio.CancelledError as cancelled:
            if _user_of(task_set)._is_called_off():
                await _leave_for_good(task_set)
                raise
            # Something that the task itself has cancelled: an error of the task's.
            take_cancellation()
            await _report(task_set, cancelled)
        except Exception as exception:
            await _report(task_set, exception)


def _loop_parts(task_set: TaskSet) -> tuple[Callable[[TaskSet], Any], Callable[[TaskSet], Any]]:
    return (
        _short_next if is_untouched(task_set, task_set._choosing) else _long_next,
        _short_wait if is_untouched(task_set, task_set._waiting) else rest,
    )


async def _go_on(task_set: TaskSet) -> None:
    """One task and the wait after it, again and again, until an exception ends that."""
    own = task_set.__dict__
    assigned, size = _Assigned.count, len(own)
    begin, wait_after = _loop_parts(task_set)
    while True:
        # Methods may be assigned while the user runs; it is asked twice because the task may be what does it.
        if assigned != _Assigned.count or size != len(own):
            assigned, size = _Assigned.count, len(own)
            begin, wait_after = _loop_parts(task_set)
        try:
            step = begin(task_set)
            if type(step) is CoroutineType:
                await step
            elif step is not None:
                await awaited(step)
        except RescheduleTaskImmediately:
            continue
        except RescheduleTask:
            pass
        except _Group as group:
            if await _asks_for_the_next(task_set, group):
                continue
        if assigned != _Assigned.count or size != len(own):
            assigned, size = _Assigned.count, len(own)
            begin, wait_after = _loop_parts(task_set)
        await wait_after(task_set)


def _user_of(task_set: TaskSet) -> AsyncUser:
    user: AsyncUser = task_set.user
    return user


async def _report(task_set: TaskSet, exception: BaseException) -> None:
    """Tell of an exception in a task; the user goes on after its wait, unless exceptions are not to be caught."""
    await _tell(task_set, exception)
    if not task_set._user.environment.catch_exceptions:
        raise exception
    await rest(task_set)


async def _tell(task_set: TaskSet, exception: BaseException) -> None:
    environment = task_set._user.environment
    await environment.events.user_error.fire_async(
        user_instance=task_set, exception=exception, tb=exception.__traceback__
    )
    if environment.catch_exceptions:
        logger.error("%s\n%s", exception, "".join(traceback.format_exception(exception)))


async def _asks_for_the_next(task_set: TaskSet, group: Any) -> bool:
    """What a group of exceptions (of `asyncio.TaskGroup`) asks for that holds an exception that steers the user; others are told of.

    Returns:
        Whether the next task is to follow at once rather than after the wait.

    Raises:
        BaseException: The group, when there is none, or others beside it are not to be caught; or the one that the enclosing set is told.
    """
    steering, others = group.split(STEERING_EXCEPTIONS)
    if steering is None or (others is not None and not task_set._user.environment.catch_exceptions):
        raise group
    if others is not None:
        await _tell(task_set, others)
    while isinstance(steering, _Group):
        steering = steering.exceptions[0]
    if isinstance(steering, (RescheduleTask, RescheduleTaskImmediately)):
        return isinstance(steering, RescheduleTaskImmediately)
    raise steering from group


async def _leave_for_good(task_set: TaskSet) -> None:
    _user_of(task_set)._note_leaving()
    await _leave(task_set, ())


async def _leave(task_set: TaskSet, steering: tuple[type[Exception], ...]) -> None:
    """Run `on_stop`; what goes wrong in it is logged and does not keep the user from leaving, but for `steering` exceptions."""
    try:
        await awaited(_hook(task_set.on_stop))
    except steering:
        raise
    except Exception:
        logging.error("Uncaught exception in on_stop: \n%s", traceback.format_exc())


def _short_next(task_set: TaskSet) -> Any:
    """Begin the next task; what is to be awaited, if it is a coroutine."""
    queue = task_set.__dict__.get("_task_queue")
    owner = task_set._task_owner()
    if queue:
        one = queue.popleft()
    else:
        tasks = owner.tasks
        one = tasks[_below(len(tasks))] if tasks else task_set.get_next_task()
    if task_set._user._seat.is_stopping:
        raise StopUser
    return one(owner) if type(one) is FunctionType else task_set.execute_task(one)


async def _long_next(task_set: TaskSet) -> None:
    if not task_set._task_queue:
        await awaited(_hook(partial(task_set.schedule_task, await awaited(task_set.get_next_task()))))
    if task_set._user._seat.is_stopping:
        raise StopUser
    await awaited(task_set.execute_next_task())


async def _short_wait(task_set: TaskSet) -> None:
    user = _user_of(task_set)
    policy = type(user).wait_time
    room = looproom.current()
    if getattr(policy, "is_none", False) and "wait_time" not in user.__dict__:
        # No wait. Others had their turn if somebody has waited for the engine since the last time; else let them have it now.
        if room.port.turn == task_set._turn:
            await asyncio.sleep(0)
        task_set._turn = room.port.turn
        if user._seat.is_stopping or user._is_called_off():
            raise StopUser
        return
    seat = user._seat
    if not seat.begin_wait() or user._is_called_off():
        raise StopUser
    length_s: Any = task_set.wait_time()
    if inspect.isawaitable(length_s):
        length_s = await length_s
    length_s = seconds(task_set, length_s)
    if length_s > 0:
        future = asyncio.get_running_loop().create_future()
        if await room.park(future, room.port.wait(future, length_s)) is False:
            raise RuntimeError(_TIMERS_LOST)
    else:
        await asyncio.sleep(0)
    if not seat.end_wait():
        raise StopUser


async def rest(task_set: TaskSet) -> None:
    """Wait by the set's own `wait`, which may be overridden by a plain function or by a coroutine function."""
    # What it returns for a user whose loop this is: see `TaskSet.wait`.
    waiting: Any = task_set.wait
    await awaited(waiting())


async def wait(task_set: TaskSet) -> None:
    """Wait as long as `wait_time` says; the user may be stopped meanwhile, also in the middle of a task. `TaskSet.wait`, awaited.

    Raises:
        StopUser: When the user was told to stop.
    """
    user = _user_of(task_set)
    seat = user._seat
    if not seat.begin_wait() or user._is_called_off():
        raise StopUser
    length = task_set.wait_time()
    if inspect.isawaitable(length):
        length = await length
    await awaited(task_set._sleep(seconds(task_set, length)))
    if not seat.end_wait():
        raise StopUser


async def sleep(length_s: float) -> None:
    """Wait so many seconds, timed by the engine.

    Raises:
        RuntimeError: When the engine's timers have been lost to a panic.
    """
    if length_s <= 0:
        await asyncio.sleep(0)
        return
    room = looproom.current()
    future = asyncio.get_running_loop().create_future()
    if await room.park(future, room.port.wait(future, length_s)) is False:
        raise RuntimeError(_TIMERS_LOST)
