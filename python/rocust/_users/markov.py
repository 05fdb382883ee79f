"""A task set that walks along a Markov chain: which task comes next depends only on the one that runs now.

The decorators note on a task where it may lead to; the metaclass checks, when the class is made, that every road leads
to a task of the same class that leads on. From then on `transitions` of a task is the list of names that the next one
is drawn from, in which weights are spelled out as repetitions: Locust's form, which plugins read. The tags of a run
never drop such a task (see `task.is_markov`).
"""

from __future__ import annotations

import logging
import operator
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from rocust import _core
from rocust._errors import LocustError
from rocust._users.taskset import TaskSet, TaskSetMeta

#: A task of a Markov chain: a method, or a nested task set class.
MarkovTaskT = TypeVar("MarkovTaskT", bound="Callable[..., Any] | type")

_below = _core.below


class NoMarkovTasksError(LocustError):
    """A Markov task set has no task with a transition. Same as Locust."""


class InvalidTransitionError(LocustError):
    """A transition leads to something that its class does not have. Same as Locust."""


class NonMarkovTaskTransitionError(LocustError):
    """A transition leads to something that leads nowhere itself. Same as Locust."""


class MarkovTaskTagError(LocustError):
    """A task of a Markov chain has a tag: without the task, the chain would be torn. Same as Locust."""


def transition(func_name: str, weight: int = 1) -> Callable[[MarkovTaskT], MarkovTaskT]:
    """Declare a task of a Markov chain, and one task that may come after it.

    Usable several times on one task.

    Args:
        func_name: The name of the next task, in the same class; it may be the task itself.
        weight: How likely it is, relative to the other transitions of this task.

    Returns:
        A decorator that returns what it decorates.

    Raises:
        TypeError: When the weight is not a whole number.

    Example:
        class Browsing(MarkovTaskSet):
            @transition("read")
            def search(self):
                self.client.get("/search")

            @transition("search")
            @transition("read", weight=3)
            def read(self):
                self.client.get("/article")

    Same as Locust.
    """
    return transitions({func_name: weight})


def transitions(weights: dict[str, int] | list[tuple[str, int] | str]) -> Callable[[MarkovTaskT], MarkovTaskT]:
    """Declare a task of a Markov chain, and the tasks that may come after it.

    Args:
        weights: Names and weights, as a dict or as a list of pairs; a name alone, in a list, has a weight of 1.

    Returns:
        A decorator that returns what it decorates.

    Raises:
        TypeError: When a weight is not a whole number.

    Same as Locust.
    """
    pairs = (
        weights.items()
        if isinstance(weights, dict)
        else (one if isinstance(one, tuple) else (one, 1) for one in weights)
    )
    added = dict(pairs)
    for name, weight in added.items():
        _check_weight(name, weight)

    def declare(declared: MarkovTaskT) -> MarkovTaskT:
        # A dict of its own: a nested class must not add to the transitions of its base.
        marked: Any = declared
        marked.transitions = {**getattr(declared, "transitions", {}), **added}
        return declared

    return declare


def _check_weight(name: str, weight: Any) -> None:
    try:
        operator.index(weight)
    except TypeError:
        raise TypeError(f"The weight of the transition to {name} must be a whole number, not {weight!r}") from None


def is_markov_task(task: Any) -> bool:
    """Whether `task` has transitions. Same as Locust."""
    return "transitions" in dir(task)


def get_markov_tasks(class_dict: dict[str, Any]) -> list[Any]:
    """The members of a class body that have transitions, in order. Same as Locust."""
    return [member for member in class_dict.values() if is_markov_task(member)]


def to_weighted_list(transitions: dict[str, int]) -> list[str]:
    """The names, each as often as its weight says. Same as Locust."""
    return [name for name, weight in transitions.items() for _ in range(weight)]


def validate_has_markov_tasks(tasks: list[Any], classname: str) -> None:
    """Refuse a class without a chain.

    Raises:
        NoMarkovTasksError: When there are no `tasks`.

    Same as Locust.
    """
    if not tasks:
        raise NoMarkovTasksError(
            f"No Markov tasks defined in class {classname}. hint: decorate its methods with @transition(s), "
            "or set 'abstract = True' on a class that is only a base for others"
        )


def validate_transitions(tasks: list[Any], class_dict: dict[str, Any], classname: str) -> None:
    """Refuse transitions that lead nowhere.

    Raises:
        InvalidTransitionError: When the class body has no member of that name.
        NonMarkovTaskTransitionError: When it has one, without transitions.

    Same as Locust.
    """
    for task in tasks:
        for name in task.transitions:
            target = class_dict.get(name)
            if target is None:
                raise InvalidTransitionError(
                    f"Transition to {name} from {task.__name__} is invalid since no such element exists "
                    f"on class {classname}"
                )
            if not is_markov_task(target):
                raise NonMarkovTaskTransitionError(
                    f"{classname}.{name} cannot be used as a target for a transition from {task.__name__}, "
                    "since it has no transitions of its own"
                )


def validate_no_unreachable_tasks(tasks: list[Any], class_dict: dict[str, Any], classname: str) -> list[Any]:
    """Warn of tasks to which no way leads from the first one.

    Returns:
        The tasks.

    Same as Locust.
    """
    targets = {name: _targets(member) for name, member in class_dict.items() if is_markov_task(member)}
    reached = set()
    pending = list(targets)[:1]
    while pending:
        name = pending.pop()
        if name not in reached:
            reached.add(name)
            pending += targets[name]
    if unreachable := sorted(targets.keys() - reached):
        logging.warning("The following markov tasks are unreachable in class %s: %s", classname, ", ".join(unreachable))
    return tasks


def validate_no_tags(task: Any, classname: str) -> None:
    """Refuse tags.

    Raises:
        MarkovTaskTagError: When the task has any.

    Same as Locust.
    """
    if "locust_tag_set" in dir(task):
        raise MarkovTaskTagError(
            "Tags are unsupported for MarkovTaskSet since they can make the markov chain invalid. "
            f"Tags detected on {classname}.{task.__name__}: {task.locust_tag_set}"
        )


def validate_task_name(decorated_func: Any) -> None:
    """Refuse a task called `run`; warn of one that the engine calls at start or stop besides.

    Raises:
        Exception: When it is called `run`.

    Same as Locust.
    """
    name = decorated_func.__name__
    if name in ("on_start", "on_stop"):
        logging.warning("%s has transitions: it will run as a task AND when the user starts or stops.", name)
    if name == "run":
        raise Exception("run() is what executes a user's tasks; it cannot have transitions. Rename the method.")


def validate_markov_chain(tasks: list[Any], class_dict: dict[str, Any], classname: str) -> None:
    """Check the whole chain of a class about to be made.

    Raises:
        LocustError: One of this module's, when the chain does not hold.

    Same as Locust.
    """
    validate_has_markov_tasks(tasks, classname)
    validate_transitions(tasks, class_dict, classname)
    validate_no_unreachable_tasks(tasks, class_dict, classname)
    for task in tasks:
        validate_task_name(task)
        validate_no_tags(task, classname)


def _targets(task: Any) -> list[str]:
    """The names that the next task is drawn from; a method that another class has used before has them in this form."""
    declared: dict[str, int] | Iterable[str] = task.transitions
    return to_weighted_list(declared) if isinstance(declared, dict) else list(declared)


class MarkovTaskSetMeta(TaskSetMeta):
    """Checks and finishes the chain of a Markov task set when the class is made."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Any:
        """Make the class; unless it is abstract, with its first task as `current`."""
        if not namespace.get("abstract"):
            namespace["abstract"] = False
            tasks = get_markov_tasks(namespace)
            validate_markov_chain(tasks, namespace, name)
            namespace["current"] = tasks[0]
            for task in tasks:
                task.transitions = _targets(task)
        # Not TaskSetMeta's: a chain has no `tasks` to choose from.
        return type.__new__(mcs, name, bases, namespace)


class MarkovTaskSet(TaskSet, metaclass=MarkovTaskSetMeta):
    """A task set that executes its tasks along a Markov chain, beginning with the first one declared.

    After each task, the next one is drawn from its own transitions, by their weights. Transitions are declared with
    `@transition` and `@transitions`, and lead to methods of the same class; those of base classes do not count. The
    chain is checked when the class is made. Tags cannot be used on its tasks.

    Example:
        class Browsing(MarkovTaskSet):
            @transition("read")
            def search(self):
                self.client.get("/search")

            @transitions({"read": 3, "search": 1})
            def read(self):
                self.client.get("/article")

    Same as Locust.
    """

    #: The task that is executed next; may be assigned.
    current: Any
    #: Whether this class is only a base for others; its chain is not checked then.
    abstract: bool = True

    def get_next_task(self) -> Any:
        """The task whose turn it is; draws the one after it. May be overridden.

        Raises:
            IndexError: When all transitions of the task have a weight of zero.

        Same as Locust.
        """
        task = self.current
        names = task.transitions
        if not names:
            raise IndexError(
                f"All transitions of {type(self).__name__}.{task.__name__} have a weight of zero: it cannot be left. "
                "hint: give one of them a weight above zero"
            )
        self.current = getattr(self, names[_below(len(names))])
        return task
