"""A task set whose tasks run in the order in which they are written, again and again.

Chooses the next task by itself, so the loop of `taskset` takes its long form here. The order is that of the class body,
where the `tasks` attribute stands in its place among the decorated methods; how one member becomes tasks is `task`'s to
know.
"""

from __future__ import annotations

from itertools import cycle
from typing import Any

from rocust._errors import LocustError
from rocust._users.task import collect_tasks
from rocust._users.taskset import TaskSet, TaskSetMeta


class SequentialTaskSetMeta(TaskSetMeta):
    """Collects the tasks of a sequence, in the order of the class body, when the class is made."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Any:
        """Make the class, with `tasks` in order.

        Raises:
            ValueError: When `tasks` is neither a list nor a dict.
        """
        namespace["tasks"] = _collect_in_order(name, bases, namespace)
        # Not TaskSetMeta's, which would collect once more.
        return type.__new__(mcs, name, bases, namespace)


def _collect_in_order(name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> list[Any]:
    """The tasks of the bases, then those of each member of the class body, one member after the other."""
    declared = namespace.get("tasks", [])
    if not isinstance(declared, (list, dict)):
        raise ValueError(
            f"The 'tasks' attribute of {name} must be a list of tasks, or a dict of tasks and how often each runs "
            f"in a row; it is a {type(declared).__name__}"
        )
    collected = collect_tasks(bases, {})
    for member_name, member in namespace.items():
        collected += collect_tasks((), {member_name: member})
    return collected


class SequentialTaskSet(TaskSet, metaclass=SequentialTaskSetMeta):
    """A task set that executes its tasks in the order of their declaration, and then from the first one again.

    The `tasks` attribute (a list or a dict) and `@task` may be mixed: each task runs where it is written in the class
    body, after those of the base classes. A weight says how often a task runs in a row before the next one. A user that
    enters the set again begins with the first task.

    Example:
        class Purchase(SequentialTaskSet):
            @task
            def look(self):
                self.client.get("/item")

            @task(2)
            def add_to_cart(self):
                self.client.post("/cart")

            @task
            def leave(self):
                self.interrupt()

    Same as Locust.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Make a task set that begins with its first task."""
        super().__init__(*args, **kwargs)
        self._task_cycle = cycle(self.tasks)

    def get_next_task(self) -> Any:
        """The task after the last one. May be overridden.

        Raises:
            LocustError: When there are no tasks.

        Same as Locust.
        """
        if not self.tasks:
            raise LocustError(
                f"No tasks defined on {type(self).__name__}. "
                "Use the @task decorator or set the 'tasks' attribute of the SequentialTaskSet"
            )
        return next(self._task_cycle)
