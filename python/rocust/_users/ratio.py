"""Which task runs how often: what `--show-task-ratio` prints and reports show."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from rocust._users.taskset import TaskSet

if TYPE_CHECKING:
    from rocust._users.user import User


def print_task_ratio(user_classes: list[type[User]], num_users: int | None, total: bool) -> None:
    """Print the ratios as an indented table.

    Args:
        user_classes: The classes to show.
        num_users: How many users there would be; by default as many as the weights add up to.
        total: Whether the ratios are of all tasks, or within each class.

    Same as Locust.
    """
    _print_level(get_ratio(user_classes, _distribution(user_classes, num_users), total), 0)


def print_task_ratio_json(user_classes: list[type[User]], num_users: int | None) -> None:
    """Print both kinds of ratios as JSON. Same as Locust."""
    spawned = _distribution(user_classes, num_users)
    ratios = {
        "per_class": get_ratio(user_classes, spawned, False),
        "total": get_ratio(user_classes, spawned, True),
    }
    print(json.dumps(ratios, indent=4))


def _distribution(user_classes: list[type[User]], num_users: int | None) -> dict[str, int]:
    fixed = sum(one.fixed_count for one in user_classes if one.fixed_count)
    weights = sum(one.weight for one in user_classes if not one.fixed_count)
    num_users = num_users or (1 if fixed else round(weights))
    to_share = max(0, num_users - fixed)
    return {one.__name__: round(one.fixed_count or one.weight / weights * to_share) for one in user_classes}


def _print_level(level: dict[str, Any], depth: int) -> None:
    padding = "    " * depth
    for name, row in level.items():
        percent = f"{row.get('ratio', 1) * 100:<6.1f}"
        print(f" {padding + percent:<10} {padding + name:<50}")
        if "tasks" in row:
            _print_level(row["tasks"], depth + 1)


def get_ratio(user_classes: list[type[User]], user_spawned: dict[str, int], total: bool) -> dict[str, Any]:
    """The share of each class and, within it, of each task, as nested dicts.

    Args:
        user_classes: The classes to show.
        user_spawned: How many users of each class there are.
        total: Whether the tasks' ratios are of all tasks, or within each class.

    Same as Locust.
    """
    users = sum(user_spawned.values()) or 1
    ratios = {}
    for one in user_classes:
        share = user_spawned.get(one.__name__, 0) / users
        ratios[one.__name__] = {"ratio": share, "tasks": _get_task_ratio(one.tasks, total, share)}
    return ratios


def _get_task_ratio(tasks: list[Any], total: bool, parent_ratio: float) -> dict[str, Any]:
    whole = parent_ratio if total else 1.0
    ratios = {}
    for one, count in Counter(tasks).items():
        share = count * whole / len(tasks)
        row: dict[str, Any] = {"ratio": share}
        if isinstance(one, type) and issubclass(one, TaskSet):
            row["tasks"] = _get_task_ratio(one.tasks, total, share)
        ratios[one.__name__] = row
    return ratios
