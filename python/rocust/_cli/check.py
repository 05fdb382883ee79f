"""Refuses, before any user is born, what is sure to fail for each of them: no host, a malformed host, no task left.

Only what is *certain* is refused. A locustfile may set its host late, make its own client or choose its own tasks; when
it might, the run goes on and the users say what they miss.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from importlib.util import find_spec
from typing import Any

from rocust._cli.refusal import EXIT_CANNOT_RUN, nearest, program_name, refuse_usage

logger = logging.getLogger("locust.main")

_SCHEMES = ("http", "https")
_MANY = 12


def check_loop(loop: str) -> None:
    """End the process with exit code 2 if the loop that `--loop` names is not installed."""
    if loop == "uvloop" and find_spec("uvloop") is None:
        refuse_usage(
            "argument --loop: uvloop is not installed. hint: pip install 'rocust[uvloop]', or leave the option out"
        )


def check_host_option(host: str | None, user_classes: list[Any]) -> None:
    """End the process with exit code 2 if `--host` cannot be the address of the HTTP users there are."""
    if host and any(_makes_own_client(user_class) for user_class in user_classes):
        fault = fault_of_host(host)
        if fault:
            refuse_usage(f"argument -H/--host: {fault}")


def check_class_hosts(environment: Any, user_classes: list[Any]) -> None:
    """End the process with exit code 1 if HTTP users have no host; warn if the one they have cannot be an address.

    Called after the `init` event, since listeners may set hosts; does nothing if a `test_start` listener still may.
    """
    if environment.host is not None or environment.events.test_start._handlers:
        return
    homeless = [user_class for user_class in user_classes if _makes_own_client(user_class) and user_class.host is None]
    if homeless and len(homeless) == len(user_classes):
        logger.error(
            "You must specify the base host. Either in the host attribute in the User class, or on the command line using "
            "the --host option. There is none for %s. hint: %s --host https://www.example.com",
            ", ".join(user_class.__name__ for user_class in homeless),
            program_name(),
        )
        raise SystemExit(EXIT_CANNOT_RUN)
    for user_class in user_classes:
        host = user_class.host
        fault = fault_of_host(host) if isinstance(host, str) and host and _makes_own_client(user_class) else None
        if fault:
            logger.warning(
                "The host of %s will not do for relative URLs: %s",
                user_class.__name__,
                fault,
            )


def fault_of_host(host: str) -> str | None:
    """What keeps `host` from being the base of an HTTP address, as a sentence; None when nothing does.

    A scheme that is not http but not a slip of the pen either is left alone: adapters may be mounted for it.
    """
    scheme, separator, rest = host.partition("://")
    if not separator:
        return f"{host!r} has no scheme; did you mean 'http://{host}'?"
    if not rest.partition("/")[0]:
        return f"{host!r} names no host; it must look like https://www.example.com"
    meant = nearest(scheme, _SCHEMES)
    if scheme.casefold() not in _SCHEMES and meant and abs(len(scheme) - len(meant)) <= 1 and scheme[:1] in "hH":
        return f"{host!r} has the unknown scheme '{scheme}'; did you mean '{meant}://{rest}'?"
    return None


def _makes_own_client(user_class: Any) -> bool:
    """Whether the class is an HTTP user whose client is made from `host` by nobody's code but ours."""
    from rocust._users.http_user import FastHttpUser, HttpUser

    kinds: tuple[Any, ...] = (HttpUser, FastHttpUser)
    if user_class._async_loop is not None:
        # Only then: to import it makes locks that threads may share.
        from rocust._users.async_http_user import AsyncHttpUser

        kinds = (AsyncHttpUser,)
    return issubclass(user_class, kinds) and user_class.__init__ in [kind.__init__ for kind in kinds]


def check_tags(options: Any, user_classes: list[Any]) -> None:
    """End the process with exit code 1 if the tag options leave no task to any of the classes."""
    if not options.tags and not options.exclude_tags:
        return
    wanted = set(options.tags) if options.tags else None
    unwanted = set(options.exclude_tags) if options.exclude_tags else None
    with_tasks = [user_class for user_class in user_classes if user_class.tasks]
    if not with_tasks or any(_has_task_left(user_class.tasks, wanted, unwanted) for user_class in with_tasks):
        return
    options_given = (("--tags", wanted), ("--exclude-tags", unwanted))
    asked = " ".join(f"{option} {' '.join(sorted(tags))}" for option, tags in options_given if tags)
    names = [user_class.__name__ for user_class in with_tasks]
    for name in names:
        logger.warning("%s had no tasks left after filtering, instantiating it will fail!", name)
    logger.error(
        "No tasks defined on %s are left to run with %s. %s", ", ".join(names), asked, _tags_there_are(with_tasks)
    )
    raise SystemExit(EXIT_CANNOT_RUN)


def _has_task_left(tasks: Iterable[Any], wanted: set[str] | None, unwanted: set[str] | None) -> bool:
    for task in tasks:
        if _is_markov(task):
            return True
        if hasattr(task, "tasks"):
            if _has_task_left(task.tasks, wanted, unwanted):
                return True
            continue
        tags: set[str] = getattr(task, "locust_tag_set", set())
        if (wanted is None or tags & wanted) and (unwanted is None or not tags & unwanted):
            return True
    return False


def _is_markov(task: Any) -> bool:
    from rocust._users.task import is_markov

    return is_markov(task)


def _tags_there_are(user_classes: list[Any]) -> str:
    tags: set[str] = set()
    pending: list[Any] = [task for user_class in user_classes for task in user_class.tasks]
    while pending:
        task = pending.pop()
        tags.update(getattr(task, "locust_tag_set", ()))
        pending.extend(getattr(task, "tasks", ()))
    if not tags:
        return "No task of the locustfile has a tag."
    shown = sorted(tags)[:_MANY]
    return f"The tags there are: {', '.join(shown)}{', ...' if len(tags) > len(shown) else ''}."
