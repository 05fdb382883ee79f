"""A user: what lives in one greenlet from `on_start` to `on_stop`."""

from __future__ import annotations

import logging
import traceback
from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar, final

from rocust import _core
from rocust._compat.deprecated import check_for_deprecated_task_set_attribute
from rocust._errors import StopTest, StopUser
from rocust._kernel import loop_thread
from rocust._kernel.green import GreenletExit
from rocust._users.task import collect_tasks
from rocust._users.taskset import DefaultTaskSet, TaskSet
from rocust._users.wait_time import constant

if TYPE_CHECKING:
    from collections.abc import Callable

    from rocust._kernel.green import AnyGreenlet, Group

logger = logging.getLogger("locust.user.users")


class UserMeta(type):
    """Collects the tasks of a user class when the class is made, and marks it as one to spawn."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Any:
        """Make the class, with `tasks` expanded by weight and `abstract` off unless the body says otherwise."""
        check_for_deprecated_task_set_attribute(namespace)
        namespace["tasks"] = collect_tasks(bases, namespace)
        namespace.setdefault("abstract", False)
        return super().__new__(mcs, name, bases, namespace)


class User(metaclass=UserMeta):
    """A simulated user. Subclass it, give it tasks, and a client to talk to the system under test.

    Same as Locust.
    """

    #: Base URL of the system under test; overridden by `--host`.
    host: str | None = None
    #: Deprecated, in milliseconds; use `wait_time`.
    min_wait: float | None = None
    #: Deprecated, in milliseconds; use `wait_time`.
    max_wait: float | None = None
    #: Seconds between tasks: a policy (`between(1, 3)`), a function that takes the user, or a method.
    wait_time: Any = constant(0)
    #: Deprecated, in milliseconds; use `wait_time`.
    wait_function: Callable[..., float] | None = None
    #: What is executed: a list, a dict of weights, or what `@task` collected.
    tasks: Any = []
    #: How often this class is spawned, relative to the others.
    weight: float = 1
    #: If above zero: exactly this many users of the class, spawned first; `weight` is ignored.
    fixed_count: int = 0
    #: Whether this class is only a base for others, and never spawned.
    abstract: bool = True
    #: What runs the task sets of asynchronous users; others run them by themselves.
    _async_loop: ClassVar[Any] = None

    def __init__(self, environment: Any) -> None:
        """Make a user that belongs to `environment`; it runs when `start` or `run` is called."""
        super().__init__()
        self.environment = environment
        self._seat = _core.Seat()
        self._greenlet: AnyGreenlet | None = None
        self._group: Group | None = None
        self._taskset_instance: TaskSet | None = None
        self._cp_last_run = perf_counter()
        self._cp_last_wait_time = 0.0

    @property
    def _state(self) -> str | None:
        """None before it runs, then "running", "waiting" or "stopping"; the engine's seat is the truth."""
        return self._seat.state

    @_state.setter
    def _state(self, state: str | None) -> None:
        self._seat.state = state

    def on_start(self) -> None:
        """Called when the user starts to run. Same as Locust."""

    def on_stop(self) -> None:
        """Called when the user stops, for whatever reason. Same as Locust."""

    @final
    def run(self) -> None:
        """Run this user in the current greenlet until it stops. Not to be overridden. Same as Locust."""
        self._seat.start()
        self._taskset_instance = DefaultTaskSet(self)
        try:
            try:
                self.on_start()
            except Exception as exception:
                logger.error("%s\n%s", exception, traceback.format_exc())
                if not isinstance(exception, (StopUser, StopTest)):
                    self.environment.events.user_error.fire(
                        user_instance=self, exception=exception, tb=exception.__traceback__
                    )
                raise
            self._taskset_instance.run()
        except (GreenletExit, StopUser, StopTest):
            self.on_stop()
        finally:
            self._seat.end()

    def wait(self) -> None:
        """Wait as long as `wait_time` says; the user may be stopped meanwhile, also in the middle of a task. Same as Locust."""
        if self._taskset_instance is not None:
            self._taskset_instance.wait()

    def start(self, group: Group) -> AnyGreenlet:
        """Run this user in a new greenlet.

        Args:
            group: The gevent group that the greenlet joins.

        Returns:
            The greenlet; its first argument is this user.

        Same as Locust.
        """
        self._greenlet = group.spawn(_run_user, self)
        self._group = group
        return self._greenlet

    def stop(self, force: bool = False) -> bool:
        """Stop this user.

        Args:
            force: Whether a running task is cut short. Otherwise it may finish first.

        Returns:
            Whether the user's greenlet was ended at once.

        Raises:
            Exception: When a user that is stopping already is told so again without `force`.

        Same as Locust, but that a user which has ended can be stopped again, however it ended.
        """
        state = self._state
        if state == "stopping" and not force:
            if self._greenlet is not None and self._greenlet.dead:
                return True
            raise Exception(f"Tried to stop User in an unexpected state: {state}. This should never happen.")
        if self._seat.stop(force) or force:
            self._kill()
            return True
        return False

    def _kill(self) -> None:
        if thread := loop_thread.here():
            # An asynchronous user stops this one: a greenlet is the hub's to end.
            thread.hatch.tell(self._kill_soon)
        elif self._group is not None:
            self._group.killone(self._greenlet)  # type: ignore[arg-type]

    def _kill_soon(self) -> None:
        if self._group is not None:
            self._group.killone(self._greenlet, block=False)  # type: ignore[arg-type]

    @property
    def group(self) -> Group | None:
        """The group that the user's greenlet was started in. Same as Locust."""
        return self._group

    @property
    def greenlet(self) -> AnyGreenlet | None:
        """The user's greenlet, once started. Same as Locust."""
        return self._greenlet

    def context(self) -> dict[str, Any]:
        """What is added to the `context` of this user's request events. Override it. Same as Locust."""
        return {}

    @classmethod
    def json(cls) -> dict[str, Any]:
        """The class's settings, for reports. Same as Locust."""
        return {
            "host": cls.host,
            "weight": cls.weight,
            "fixed_count": cls.fixed_count,
            "tasks": [task.__name__ for task in cls.tasks],
        }

    @classmethod
    def fullname(cls) -> str:
        """Module and qualified name, without `<locals>`. Same as Locust."""
        return ".".join(part for part in f"{cls.__module__}.{cls.__qualname__}".split(".") if part != "<locals>")


def _run_user(user: User) -> None:
    user.run()
