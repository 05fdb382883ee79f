"""Declaring tasks: the decorators, the collecting metaclass, the tag filter."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable

#: A task: a function, or a class of tasks.
TaskT = TypeVar("TaskT", bound="Callable[..., Any] | type")

_HOOKS = ("on_start", "on_stop")


@runtime_checkable
class TaskHolder(Protocol):
    """Whatever has tasks: a user class or a task set class. Same as Locust."""

    tasks: list[Any]


@overload
def task(weight: TaskT) -> TaskT: ...
@overload
def task(weight: int = 1) -> Callable[[TaskT], TaskT]: ...


def task(weight: Any = 1) -> Any:
    """Declare a method, or a nested task set class, as a task.

    Usable bare (`@task`) or with a weight (`@task(3)`): a task of weight 3 is chosen three times as often as one of weight 1. A weight
    of zero declares a task that is never chosen.

    Args:
        weight: How often the task is chosen, relative to its siblings.

    Returns:
        The decorated function or class itself, marked.

    Raises:
        Exception: When the function is called `run`, which belongs to the engine.

    Same as Locust.
    """

    def declare(declared: Any) -> Any:
        if declared.__name__ in _HOOKS:
            logging.warning(
                "%s is decorated with @task: it will run as a task AND when the user starts or stops.",
                declared.__name__,
            )
        if declared.__name__ == "run":
            raise Exception("run() is what executes a user's tasks; it cannot be a task itself. Rename the method.")
        declared.locust_task_weight = weight
        return declared

    if callable(weight):
        declared, weight = weight, 1
        return declare(declared)
    return declare


def tag(*tags: str) -> Callable[[TaskT], TaskT]:
    """Attach tags to a task or to all tasks of a task set class, for `--tags` and `--exclude-tags`.

    Args:
        *tags: One name or more.

    Returns:
        A decorator that returns what it decorates.

    Raises:
        ValueError: When no name was given, also when the decorator was used without calling it.

    Same as Locust.
    """
    if not tags or callable(tags[0]):
        raise ValueError("No tag name was supplied")

    def attach(tagged: Any) -> Any:
        if hasattr(tagged, "tasks"):
            tagged.tasks = [attach(inner) for inner in tagged.tasks]
        else:
            # A set of its own: a subclass or a copy of the function must not add to its parent's tags.
            tagged.locust_tag_set = set(tagged.__dict__.get("locust_tag_set", ())) | set(tags)
        return tagged

    return attach


def collect_tasks(bases: tuple[type, ...], namespace: dict[str, Any]) -> list[Any]:
    """All tasks of a class about to be made, expanded by weight: its bases', then its `tasks` attribute, then its decorated members."""
    collected: list[Any] = []
    for base in bases:
        collected += getattr(base, "tasks", None) or []
    declared = namespace.get("tasks")
    if declared is not None:
        for entry in declared.items() if isinstance(declared, dict) else declared:
            one, count = entry if isinstance(entry, tuple) else (entry, 1)
            collected += [one] * count
    for member in namespace.values():
        if "locust_task_weight" in dir(member):
            collected += [member] * member.locust_task_weight
    return collected


def is_markov(holder: Any) -> bool:
    """Whether `holder` is a Markov task set class, whose tasks no filter may drop."""
    return type(holder).__name__ == "MarkovTaskSetMeta"


def _passes(one: Any, tags: set[str] | None, exclude_tags: set[str] | None) -> bool:
    own: set[str] = getattr(one, "locust_tag_set", set())
    return (tags is None or bool(own & tags)) and (exclude_tags is None or not own & exclude_tags)


def filter_tasks_by_tags(
    task_holder: Any,
    tags: set[str] | None = None,
    exclude_tags: set[str] | None = None,
    checked: dict[Any, bool] | None = None,
) -> None:
    """Drop, in place and recursively, the tasks that the tag options leave out.

    Args:
        task_holder: A user class or a task set class.
        tags: Keep only tasks with at least one of these; None keeps all.
        exclude_tags: Drop tasks with any of these; None drops none.
        checked: Verdicts so far, for classes that occur more than once.

    Same as Locust.
    """
    checked = {} if checked is None else checked
    kept = []
    for one in task_holder.tasks:
        if one not in checked:
            if hasattr(one, "tasks"):
                filter_tasks_by_tags(one, tags, exclude_tags, checked)
                checked[one] = bool(one.tasks) or is_markov(one)
            else:
                checked[one] = _passes(one, tags, exclude_tags)
        if checked[one]:
            kept.append(one)
    task_holder.tasks = kept
    if not kept and not is_markov(task_holder) and not getattr(task_holder, "functions", False):
        logging.warning("%s had no tasks left after filtering, instantiating it will fail!", task_holder.__name__)
