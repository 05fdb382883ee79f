"""The loop of a user: choose a task, run it, wait, until it is told to stop.

The loop asks the engine which task comes next (`_core.below`), whether it may go on (the user's seat) and to be woken after its wait
(the mailroom). A task set on which nothing is overridden runs the short loop, every other one the long loop, which goes through each of
Locust's methods. Which one it is, is looked up when the loop starts and when somebody may have assigned a method since: a class tells of
it (`_Assigned`), an instance has an attribute more, or one less.
"""

from __future__ import annotations

import logging
import random
import traceback
from collections import deque
from time import perf_counter
from types import FunctionType
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, final

from rocust import _core
from rocust._errors import (
    InterruptTaskSet,
    MissingWaitTimeError,
    RescheduleTask,
    RescheduleTaskImmediately,
    StopTest,
    StopUser,
)
from rocust._kernel import mailroom
from rocust._kernel.green import GreenletExit, give_way
from rocust._users.task import collect_tasks

if TYPE_CHECKING:
    from collections.abc import Callable

    from rocust._users.user import User

LOCUST_STATE_RUNNING, LOCUST_STATE_WAITING, LOCUST_STATE_STOPPING = "running", "waiting", "stopping"

logger = logging.getLogger("locust.user.task")

_below = _core.below


class _MadeOnUse:
    """An attribute that every instance makes for itself when it first reads it."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        value = instance.__dict__[self._name] = self._make()
        return value


# The methods that each half of the loop calls.
_CHOOSING = ("execute_next_task", "execute_task", "schedule_task", "get_next_task")
_WAITING = ("wait_time", "wait", "_sleep")


class _Assigned:
    """How often one of those methods has been assigned to a task set class, or deleted from one."""

    methods = frozenset(_CHOOSING + _WAITING)
    count = 0


class TaskSetMeta(type):
    """Collects the tasks of a task set class when the class is made, and notices methods that it is given later."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Any:
        """Make the class, with `tasks` expanded by weight."""
        namespace["tasks"] = collect_tasks(bases, namespace)
        return super().__new__(mcs, name, bases, namespace)

    def __setattr__(cls, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name in _Assigned.methods:
            _Assigned.count += 1

    def __delattr__(cls, name: str) -> None:
        super().__delattr__(name)
        if name in _Assigned.methods:
            _Assigned.count += 1


class TaskSet(metaclass=TaskSetMeta):
    """A set of tasks that a user executes, one after the other, with a wait between them.

    Task sets nest: a task set among the tasks of another is instantiated and run until it calls `interrupt()`.

    Same as Locust.
    """

    #: What is executed: functions and task set classes, expanded by weight.
    tasks: list[Any] = []
    #: Deprecated, in milliseconds; use `wait_time`.
    min_wait: float | None = None
    #: Deprecated, in milliseconds; use `wait_time`.
    max_wait: float | None = None
    #: Deprecated, in milliseconds; use `wait_time`.
    wait_function: Callable[..., float] | None = None

    #: Tasks that `schedule_task` put ahead of the choice. Made at its first use: an empty deque weighs as much as a small user.
    _task_queue = _MadeOnUse(deque)

    _user: User
    _parent: Any
    #: Which turn of the hub this user saw last.
    _turn = -1
    _choosing: ClassVar[dict[str, Any]]
    _waiting: ClassVar[dict[str, Any]]

    def __init__(self, parent: Any) -> None:
        """Make a task set that runs inside `parent`, a user or another task set."""
        self._user = parent.user if isinstance(parent, TaskSet) else parent
        self._parent = parent
        user = self._user
        # Most users have none of these, and every user has a task set: what is not set is not stored.
        for name in ("min_wait", "max_wait", "wait_function"):
            if not getattr(self, name) and (value := getattr(user, name)):
                setattr(self, name, value)
        self._cp_last_run = perf_counter()
        self._cp_last_wait_time = 0.0

    @property
    def user(self) -> Any:
        """The user that runs this task set. Same as Locust."""
        return self._user

    @property
    def parent(self) -> Any:
        """The enclosing task set, or the user when this one is not nested. Same as Locust."""
        return self._parent

    @property
    def client(self) -> Any:
        """The user's client. Same as Locust."""
        return self._user.client  # type: ignore[attr-defined]

    def on_start(self) -> None:
        """Called when a user begins to execute this task set. Same as Locust."""

    def on_stop(self) -> None:
        """Called when a user leaves this task set: by `interrupt()` or because it stops. Same as Locust."""

    @final
    def run(self) -> None:
        """Execute tasks until the user stops or the set is interrupted. Not to be overridden.

        Raises:
            RescheduleTask: After `interrupt(reschedule=False)`, for the enclosing task set.
            RescheduleTaskImmediately: After `interrupt()`, for the enclosing task set.
            StopUser: When the user stops.

        Same as Locust.
        """
        if (loop := _async_loop_of(self)) is not None:
            return loop.run(self)  # type: ignore[no-any-return] # a coroutine, for whoever awaits it
        try:
            self.on_start()
        except InterruptTaskSet as interruption:
            raise reschedule(interruption) from interruption
        while True:
            try:
                self._go_round()
            except InterruptTaskSet as interruption:
                self._leave((StopUser, StopTest))
                raise reschedule(interruption) from interruption
            except (StopUser, StopTest, GreenletExit):
                self._leave(())
                raise
            except Exception as exception:
                self._user.environment.events.user_error.fire(
                    user_instance=self, exception=exception, tb=exception.__traceback__
                )
                if not self._user.environment.catch_exceptions:
                    raise
                logger.error("%s\n%s", exception, traceback.format_exc())
                self.wait()

    def _go_round(self) -> NoReturn:
        """Execute tasks, with a wait after each, until one of them raises."""
        own = self.__dict__
        assigned, size = _Assigned.count, len(own)
        run_next, wait = self._loop_parts()
        while True:
            # Asked twice: the task may be what assigns a method.
            if assigned != _Assigned.count or size != len(own):
                assigned, size = _Assigned.count, len(own)
                run_next, wait = self._loop_parts()
            try:
                run_next()
            except RescheduleTaskImmediately:
                continue
            except RescheduleTask:
                pass
            if assigned != _Assigned.count or size != len(own):
                assigned, size = _Assigned.count, len(own)
                run_next, wait = self._loop_parts()
            wait()

    def _leave(self, steering: tuple[type[Exception], ...]) -> None:
        """Run `on_stop`; what goes wrong in it is logged and does not keep the user from leaving, but for `steering` exceptions."""
        try:
            self.on_stop()
        except steering:
            raise
        except Exception:
            logging.error("Uncaught exception in on_stop: \n%s", traceback.format_exc())

    def _loop_parts(self) -> tuple[Callable[[], None], Callable[[], None]]:
        """The two halves of the loop: the short ones where nothing is overridden, else those that call each of Locust's methods."""
        run_next = self._short_next if is_untouched(self, self._choosing) else self._long_next
        wait = self._short_wait if is_untouched(self, self._waiting) else self.wait
        return run_next, wait

    def _long_next(self) -> None:
        if not self._task_queue:
            self.schedule_task(self.get_next_task())
        if self._user._state == LOCUST_STATE_STOPPING:
            raise StopUser
        self.execute_next_task()

    def _short_next(self) -> None:
        queue = self.__dict__.get("_task_queue")
        owner = self._task_owner()
        if queue:
            one = queue.popleft()
        else:
            tasks = owner.tasks
            one = tasks[_below(len(tasks))] if tasks else self.get_next_task()
        if self._user._seat.is_stopping:
            raise StopUser
        if type(one) is FunctionType:
            one(owner)
        else:
            self.execute_task(one)

    def _short_wait(self) -> None:
        user = self._user
        seat = user._seat
        policy = type(user).wait_time
        room = mailroom.current()
        if getattr(policy, "is_none", False) and "wait_time" not in user.__dict__:
            # No wait. Other greenlets had their turn if this user has been parked since the last time; else let them have it now.
            turn = room.port.turn
            if turn == self._turn:
                give_way()
                turn = room.port.turn
            self._turn = turn
            if seat.is_stopping:
                raise StopUser
            return
        if not seat.begin_wait():
            raise StopUser
        room.sleep(seconds(self, self.wait_time()))
        if not seat.end_wait():
            raise StopUser

    def _task_owner(self) -> Any:
        """Whose tasks these are, and what task functions get as their argument."""
        return self

    def execute_next_task(self) -> Any:
        """Execute the first task of the queue; returns what the task does, a coroutine for an asynchronous user. Same as Locust."""
        return self.execute_task(self._task_queue.popleft())

    def execute_task(self, task: Any) -> Any:
        """Execute `task`: a method of this set, a nested task set class, or a function.

        Returns:
            What it returns: a coroutine where its user is asynchronous, to be awaited.

        Same as Locust, where it returns nothing.
        """
        if getattr(task, "__self__", None) is self:
            return task()
        if hasattr(task, "tasks") and issubclass(task, TaskSet):
            return task(self).run()
        return task(self)

    def schedule_task(self, task_callable: Any, first: bool = False) -> None:
        """Queue a task ahead of the choice.

        Args:
            task_callable: What to execute.
            first: Whether it goes to the front of the queue.

        Same as Locust.
        """
        if first:
            self._task_queue.appendleft(task_callable)
        else:
            self._task_queue.append(task_callable)

    def get_next_task(self) -> Any:
        """Choose the next task, at random by weight. May be overridden.

        Raises:
            Exception: When there are no tasks.

        Same as Locust.
        """
        if not self.tasks:
            hint = (
                ", but you have set a 'task' attribute - maybe you meant to set 'tasks'?"
                if getattr(self, "task", None)
                else "."
            )
            raise Exception(
                f"No tasks defined on {type(self).__name__}{hint} "
                "use the @task decorator or set the 'tasks' attribute of the TaskSet"
            )
        return self.tasks[_below(len(self.tasks))]

    def wait_time(self) -> float:
        """Seconds between two tasks; the user's own unless overridden or assigned.

        Raises:
            MissingWaitTimeError: When neither this set nor its user has one.

        Same as Locust.
        """
        user = self._user
        if user.wait_time:
            return user.wait_time()  # type: ignore[no-any-return]
        if self.min_wait is not None and self.max_wait is not None:
            return random.randint(int(self.min_wait), int(self.max_wait)) / 1000.0
        raise MissingWaitTimeError(
            f"You must define a wait_time method on either the {type(user).__name__} or {type(self).__name__} class"
        )

    def wait(self) -> None:
        """Wait as long as `wait_time` says. A user may be stopped meanwhile, also in the middle of a task that calls this.

        Raises:
            StopUser: When the user was told to stop.

        Same as Locust.
        """
        if (loop := _async_loop_of(self)) is not None:
            return loop.wait(self)  # type: ignore[no-any-return] # a coroutine, for whoever awaits it
        seat = self._user._seat
        if not seat.begin_wait():
            raise StopUser
        self._sleep(seconds(self, self.wait_time()))
        if not seat.end_wait():
            raise StopUser

    def _sleep(self, seconds: float) -> Any:
        if (loop := _async_loop_of(self)) is not None:
            return loop.sleep(seconds)
        if seconds > 0:
            mailroom.current().sleep(seconds)
        else:
            give_way()
        return None

    def interrupt(self, reschedule: bool = True) -> None:
        """Leave this task set and go on in the enclosing one.

        Args:
            reschedule: Whether the enclosing set chooses its next task at once, without its wait.

        Raises:
            InterruptTaskSet: Always.

        Same as Locust.
        """
        raise InterruptTaskSet(reschedule)


class DefaultTaskSet(TaskSet):
    """The outermost task set of every user: it runs the user's own tasks, with the user as their argument. Same as Locust."""

    def get_next_task(self) -> Any:
        """Choose among the user's tasks. Same as Locust."""
        tasks = self._user.tasks
        if not tasks:
            user = type(self._user).__name__
            hint = (
                ", but you have set a 'task' attribute on your class - maybe you meant to set 'tasks'?"
                if getattr(self._user, "task", None)
                else "."
            )
            raise Exception(
                f"No tasks defined on {user}{hint} Use the @task decorator or set the 'tasks' attribute of the User "
                f"(or mark it as abstract = True if you only intend to subclass it)"
            )
        return tasks[_below(len(tasks))]

    def execute_task(self, task: Any) -> Any:
        """Execute `task` with the user as its argument, or as a nested task set; returns what it returns. Same as Locust."""
        if hasattr(task, "tasks") and issubclass(task, TaskSet):
            return task(self._user).run()
        return task(self._user)

    def _task_owner(self) -> Any:
        return self._user


def _async_loop_of(instance: TaskSet) -> Any:
    """What runs the sets of an asynchronous user; None for any other."""
    return getattr(type(instance._user), "_async_loop", None)


def _remember(cls: type[TaskSet]) -> None:
    """Note Locust's methods as they are here: where a class, an instance or a plugin has others, the long loop calls those."""
    cls._choosing = {name: getattr(cls, name) for name in _CHOOSING}
    cls._waiting = {name: getattr(cls, name) for name in _WAITING}


_remember(TaskSet)
_remember(DefaultTaskSet)


def is_untouched(instance: TaskSet, methods: dict[str, Any]) -> bool:
    """Whether neither its class nor the instance itself has other methods than those that were noted."""
    # A plain loop is twice as fast as `all`: every user comes here, and everyone who enters a nested set.
    cls, own = type(instance), instance.__dict__
    for name, method in methods.items():  # noqa: SIM110
        if getattr(cls, name) is not method or name in own:
            return False
    return True


def reschedule(interruption: InterruptTaskSet) -> RescheduleTask | RescheduleTaskImmediately:
    """What an interrupted set tells the one around it."""
    kind = RescheduleTaskImmediately if interruption.reschedule else RescheduleTask
    return kind(interruption.reschedule).with_traceback(interruption.__traceback__)


def seconds(holder: TaskSet, value: Any) -> float:
    """`value` as seconds, or an error that names who returned it."""
    if isinstance(value, (int, float)):
        return value
    try:
        return float(value.__float__())
    except (AttributeError, TypeError, ValueError):
        raise TypeError(
            f"wait_time of {type(holder._user).__name__} returned {value!r}; it must return a number of seconds"
        ) from None
