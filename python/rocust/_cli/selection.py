"""Which of the declared user classes a run uses."""

from __future__ import annotations

import logging
import os
from typing import Any

from rocust._cli.refusal import EXIT_CANNOT_RUN, nearest, program_name

logger = logging.getLogger("locust.main")


def print_available_users(available: dict[str, Any]) -> None:
    """What `--list` prints."""
    print("Available Users:")
    for name in available:
        print(f"    {name}")


def select_user_classes(names: list[str], available: dict[str, Any], locustfiles: list[str]) -> list[Any]:
    """The user classes of these names, or all when there are no names.

    Raises:
        SystemExit: There are none, or one of the names is unknown: said in one line of the log.
    """
    if not available:
        logger.error(
            "No User class found! %s declares none that can be spawned: "
            "write a class that inherits from User, HttpUser or FastHttpUser and is not abstract.",
            ", ".join(os.path.basename(path) for path in locustfiles),
        )
        raise SystemExit(EXIT_CANNOT_RUN)
    unknown = [name for name in dict.fromkeys(names) if name not in available]
    if unknown:
        logger.error(
            "Unknown User(s): %s. %s",
            ", ".join(unknown),
            _what_was_meant(unknown, available),
        )
        raise SystemExit(EXIT_CANNOT_RUN)
    return [available[name] for name in dict.fromkeys(names)] if names else list(available.values())


def _what_was_meant(unknown: list[str], available: dict[str, Any]) -> str:
    files = [name for name in unknown if name.endswith(".py")]
    if files:
        return f"A locustfile is given with -f: {program_name()} -f {files[0]}"
    meant = [guess for name in unknown if (guess := nearest(name, available))]
    if meant:
        return f"Did you mean {' or '.join(repr(name) for name in dict.fromkeys(meant))}?"
    return f"There is: {', '.join(available)}."


def warn_of_too_few_users(user_classes: list[Any], user_count: int | None) -> None:
    """Say so when the fixed counts of the classes add up to more users than were asked for."""
    if not user_count:
        return
    fixed_count_total = sum(user_class.fixed_count for user_class in user_classes)
    if fixed_count_total > user_count:
        logger.info(
            "Total fixed_count of User classes (%s) is greater than the specified number of users (%s), "
            "so not all will be spawned.",
            fixed_count_total,
            user_count,
        )
