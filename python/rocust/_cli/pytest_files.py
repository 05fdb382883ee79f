"""Locustfiles without a user class: the test functions that pytest finds in them become user classes.

pytest collects them, by its own rules and with the user's own settings and plugins, and runs none. Which arguments they want, and what
makes those, is taken over as plain data (`_users/pytest_user`); from there on pytest is not needed.
"""

from __future__ import annotations

import inspect
import io
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any

from pytest_rocust import plugin

from rocust._cli.refusal import EXIT_CANNOT_RUN, refuse

if TYPE_CHECKING:
    import pytest

    from rocust._users.pytest_user import Fixture, PytestUser

_ARGUMENTS = [
    "--collect-only",
    "-q",
    "--capture=no",  # standard input stays the terminal's
    "--assert=plain",
    "-o", "addopts=",  # those of a test run: coverage, processes, ...
    "-p", "no:locust",  # stock Locust's fixtures, where it is installed too, would be a second pair
]  # fmt: skip


class CollectionError(Exception):
    """pytest could not read the file; the text is what it said."""


def load_locustfile_pytest(path: str) -> dict[str, type[PytestUser]]:
    """Make user classes of the test functions of a file.

    Args:
        path: Its absolute path.

    Returns:
        A class for each function, by its name. Functions of one name, in different test classes, share one.

    Raises:
        ValueError: When a function has an argument that cannot be made for a user, or is a coroutine function.
        CollectionError: When pytest cannot read the file.

    Same as Locust.
    """
    from rocust._users.pytest_user import PytestFunction, PytestUser

    user_classes: dict[str, type[PytestUser]] = {}
    for item in _collect(path):
        _must_be_called(item.obj, item.name)
        fixtures = tuple(_fixture(name, item) for name in inspect.signature(item.obj).parameters)
        user_class = user_classes.get(item.name)
        if user_class is None:
            # Of the file's module, so that two files with the same names can be told apart.
            members = {"functions": [], "__module__": item.module.__name__}
            user_class = user_classes[item.name] = type(item.name, (PytestUser,), members)
        user_class.functions.append(PytestFunction(item.name, item.obj, fixtures))
    return user_classes


def _must_be_called(function: Any, name: str) -> None:
    """See to it that a function does something when it is called.

    Raises:
        ValueError: It is a coroutine function.
    """
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise ValueError(
            f"{name} is async def, and what calls it would never await it. "
            "hint: a subclass of rocust.AsyncHttpUser can have it as a task"
        )


def load_pytest_or_refuse(path: str) -> dict[str, type[PytestUser]]:
    """`load_locustfile_pytest` for the command: what cannot be loaded ends it with one sentence."""
    try:
        return load_locustfile_pytest(path)
    except CollectionError as error:
        refuse(f"{error}Could not load '{path}' as a file of pytest tests, see above.", EXIT_CANNOT_RUN)
    except ValueError as error:
        refuse(f"Could not load '{path}' as a file of pytest tests: {error}", EXIT_CANNOT_RUN)


class _Collector:
    """A plugin that keeps what was collected, and has the fixtures known also where pytest does not find the package's plugin."""

    def __init__(self) -> None:
        self.items: list[pytest.Item] = []

    def pytest_configure(self, config: pytest.Config) -> None:
        plugin.pytest_configure(config)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.items = session.items


def _collect(path: str) -> list[pytest.Function]:
    import pytest

    collector = _Collector()
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        code = pytest.main([*_ARGUMENTS, path], plugins=[collector])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        raise CollectionError(said.getvalue())
    return [item for item in collector.items if isinstance(item, pytest.Function)]


def _fixture(name: str, item: pytest.Function, depth: int = 1) -> Fixture:
    """How an argument of a test function, or of another fixture, is made.

    Args:
        name: The name of the argument.
        item: The test function.
        depth: Which definition of a fixture that is defined several times: 1 is the one that counts, 2 the one that it replaces.

    Raises:
        ValueError: When it cannot be made.
    """
    from rocust._users.pytest_user import Fixture

    parameters: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
    if name in parameters:
        return Fixture(name, lambda: parameters[name])
    if depth > _count(name, item):
        raise ValueError(f"Could not find fixture for parameter {name!r} in {item.name}")
    function = _definitions(item)[name][-depth].func
    if function.__module__.partition(".")[0] == "_pytest":
        raise ValueError(
            f"The fixture {name!r} that {item.name} asks for is pytest's own, and belongs to a run of tests. "
            "hint: users can be given session, fastsession and fixtures of the file's own"
        )
    _must_be_called(function, f"The fixture {name!r} that {item.name} asks for")
    needs: list[Fixture | None] = []
    for need in _asked_for(function):
        need_depth = depth + 1 if need == name else 1
        # What is no fixture is the user.
        is_fixture = need != "request" and need_depth <= _count(need, item)
        needs.append(_fixture(need, item, need_depth) if is_fixture else None)
    return Fixture(name, function, tuple(needs))


def _definitions(item: pytest.Function) -> dict[str, Any]:
    """The fixtures that a test may ask for, by name; the last of a name is the one that counts."""
    definitions: dict[str, Any] = item._fixtureinfo.name2fixturedefs
    return definitions


def _count(name: str, item: pytest.Function) -> int:
    return len(_definitions(item).get(name, ()))


def _asked_for(function: Any) -> list[str]:
    """The arguments that a fixture is called with: those that it must have, or else the first one that it may have."""
    positional = [
        parameter
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]
    required = [parameter.name for parameter in positional if parameter.default is parameter.empty]
    return required or [parameter.name for parameter in positional[:1]]
