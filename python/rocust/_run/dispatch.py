"""Which users run on which worker, step by step: the engine's dispatcher, at the pace of the clock.

What each step looks like is decided in Rust (`src/plan/dispatcher.rs`), which knows no clock. This room waits between
the steps, cooperatively, and speaks Locust's names. It must not know runners, environments or the wire: a worker is
whatever has an `id`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from operator import attrgetter
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

from rocust._core import Dispatcher
from rocust._kernel.green import sleep

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Worker(Protocol):
    """What the dispatcher needs to know of a worker node."""

    @property
    def id(self) -> str:
        """Its name in the cluster; up to the first underscore it names the host."""


class UserClass(Protocol):
    """What the dispatcher needs to know of a user class."""

    #: Its share of the users that no fixed count claims.
    weight: float
    #: How many users of it there shall be, whatever the total; zero: as its weight says.
    fixed_count: int


class UsersDispatcher(Iterator[dict[str, dict[str, int]]]):
    """Iterates over the steps of a ramp, and waits between them so that the spawn rate is kept.

    A *dispatch* is one ramp from the present number of users to another, begun by `new_dispatch`. Each *iteration* of
    it changes the number of users by the spawn rate, rounded down but at least one, and yields who should run where:
    `{worker id: {class name: count}}`. The first iteration comes at once, and nothing waits after the last one.

    Users of classes with a `fixed_count` come first, the others by weight; workers take turns. Users leave in the
    opposite order. When a worker comes or goes, the next iteration comes at once and shows all users distributed
    anew.

    Args:
        worker_nodes: The workers; a local run has one.
        user_classes: The classes to start users of.

    Differs from Locust: waits are kept against absolute deadlines, so that late wake-ups do not slow the ramp down;
    and a dispatch that began with a changed set of workers counts as ended when it has.
    """

    def __init__(self, worker_nodes: Sequence[Worker], user_classes: Sequence[type[UserClass]]) -> None:
        if not user_classes:
            raise AssertionError("a dispatcher needs at least one user class")
        if len(set(user_classes)) != len(user_classes):
            raise AssertionError("a user class was given twice to the dispatcher")
        self._worker_nodes: list[Worker] = list(worker_nodes)
        self._user_classes = _by_name(user_classes)
        self._plan = Dispatcher([node.id for node in worker_nodes], _numbers(self._user_classes))
        self._wait_between_dispatch = 0.0
        self._next_step_at = 0.0
        self._dispatch_iteration_durations: list[float] = []

    def new_dispatch(
        self,
        target_user_count: int,
        spawn_rate: float,
        user_classes: Sequence[type[UserClass]] | None = None,
    ) -> None:
        """Begin a ramp from the present number of users; one under way is dropped.

        Args:
            target_user_count: How many users there shall be in the end.
            spawn_rate: Users started, or stopped, per second.
            user_classes: The classes to start users of from here on; they must be among those of the constructor.

        Raises:
            ValueError: When the target is negative, or the rate is not a positive, finite number.

        Same as Locust.
        """
        self._plan.begin(target_user_count, spawn_rate)
        if user_classes is not None and _by_name(user_classes) != self._user_classes:
            self._user_classes = _by_name(user_classes)
            self._plan.replace(_numbers(self._user_classes))
        else:
            self._plan.refresh(_numbers(self._user_classes))
        self._wait_between_dispatch = self._plan.wait_between_steps
        self._dispatch_iteration_durations.clear()

    def add_worker(self, worker_node: Worker) -> None:
        """A worker has come: distribute all users anew, and show it in the next iteration. Same as Locust."""
        self._worker_nodes.append(worker_node)
        self._plan.refresh(_numbers(self._user_classes))
        self._plan.add_worker(worker_node.id)

    def remove_worker(self, worker_node: Worker) -> None:
        """A worker is gone: distribute all users anew, and show it in the next iteration.

        When it was the last one, nothing changes until another comes. Same as Locust.
        """
        self._worker_nodes = [node for node in self._worker_nodes if node.id != worker_node.id]
        self._plan.refresh(_numbers(self._user_classes))
        self._plan.remove_worker(worker_node.id)

    def get_current_user_count(self) -> int:
        """How many users should exist now. Same as Locust."""
        return self._plan.users

    @property
    def dispatch_in_progress(self) -> bool:
        """Whether a ramp is under way. Same as Locust, but also correct after a change of workers."""
        return self._plan.is_in_progress

    @property
    def dispatch_iteration_durations(self) -> list[float]:
        """How long each iteration of this ramp took to compute, in seconds.

        Differs from Locust: the time that the caller spends on an iteration is not counted.
        """
        return self._dispatch_iteration_durations

    def __next__(self) -> dict[str, dict[str, int]]:
        """The next iteration, after the wait before it.

        Raises:
            StopIteration: When the target is reached.
            KeyError: When a user of a class is due that the constructor was not told of.

        Same as Locust.
        """
        decision = self._plan.decide()
        if decision == "end":
            raise StopIteration
        if decision == "pause":
            self._pause()
        elif decision == "step":
            self._next_step_at = perf_counter()
        began_at = perf_counter()
        if decision != "show":
            self._plan.step()
        users_on_workers = self._plan.users_on_workers()
        if decision != "show":
            self._dispatch_iteration_durations.append(perf_counter() - began_at)
        return users_on_workers

    def _pause(self) -> None:
        """Wait until the next step is due. One that is late already is taken at once; lost time is not caught up."""
        now = perf_counter()
        self._next_step_at = max(now, self._next_step_at + self._wait_between_dispatch)
        sleep(self._next_step_at - now)
        # The loop's clock may be older than ours, and then its timers ring early.
        while (left := self._next_step_at - perf_counter()) > 0:
            sleep(left)

    @property
    def _rebalance(self) -> bool:
        """Whether workers have changed and no iteration has shown it yet."""
        return self._plan.is_rebalanced

    def _get_user_current_count(self, user: str) -> int:
        """How many users of the class called `user` should exist now."""
        return self._plan.users_of(user)

    def _distribute_users(
        self, target_user_count: int
    ) -> tuple[dict[str, dict[str, int]], Iterator[str | None], Iterator[Worker], list[tuple[Worker, str]]]:
        """How so many users would be spread if all of them started now, from zero.

        Returns:
            Users by worker and class; the classes and the workers of the users that would come after them, without end;
            and worker and class of each user, in the order of arrival.
        """
        plan = self._plan.distributed(target_user_count)
        nodes = {node.id: node for node in self._worker_nodes}
        users_on_workers = plan.users_on_workers()
        active_users = [(nodes[worker], name) for worker, name in plan.placed()]
        workers = [nodes[worker] for worker in users_on_workers]
        turn = len(active_users) % len(workers) if workers else 0
        classes = (plan.place() for _ in itertools.repeat(None))
        return users_on_workers, classes, itertools.cycle(workers[turn:] + workers[:turn]), active_users


def _by_name(user_classes: Iterable[type[UserClass]]) -> list[type[UserClass]]:
    return sorted(user_classes, key=attrgetter("__name__"))


def _numbers(user_classes: Iterable[type[UserClass]]) -> list[tuple[str, float, int]]:
    """Name, weight and fixed count of each class, as they are now: users edit them while a test runs."""
    return [(one.__name__, one.weight, one.fixed_count) for one in user_classes]
