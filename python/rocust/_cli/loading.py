"""Locustfiles imported, and what they declare collected. `locustfile` has found them; `selection` chooses from them."""

from __future__ import annotations

import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from types import TracebackType
from typing import Any

from rocust._cli.pytest_files import load_locustfile_pytest
from rocust._cli.refusal import EXIT_CANNOT_RUN, refuse
from rocust._cli.version import PACKAGE_DIRECTORY

#: User classes by name, and an instance of each shape class.
Declared = tuple[dict[str, Any], list[Any]]


def is_user_class(item: object) -> bool:
    """Whether this is a user class that can be spawned, rather than a base for others. Same as Locust."""
    from rocust._users.user import User

    return inspect.isclass(item) and issubclass(item, User) and item.abstract is False


def is_shape_class(item: object) -> bool:
    """Whether this is a load shape that can be used, rather than a base for others. Same as Locust."""
    shape: Any = getattr(sys.modules["rocust"], "LoadTestShape", None)
    return (
        shape is not None and inspect.isclass(item) and issubclass(item, shape) and not getattr(item, "abstract", True)
    )


def load_locustfile(path: str) -> Declared:
    """Import a locustfile.

    The working directory and the directory of the file can be imported from meanwhile.

    Args:
        path: Its absolute path.

    Returns:
        Its user classes by name, and an instance of each of its load shapes.

    Raises:
        Exception: Whatever the file raises.

    Same as Locust.
    """
    directory, name = os.path.split(path)
    module_name = os.path.splitext(name)[0]
    if module_name == "locust":
        module_name = "locustfile"  # it must not stand in for the package it imports
    sys.path.insert(0, os.getcwd())
    with _first_on_path(directory):
        loader = SourceFileLoader(module_name, path)
        spec = importlib.util.spec_from_file_location(module_name, path, loader=loader)
        if spec is None:
            refuse(f"Unable to get module spec for {module_name} in {path}")
        module = importlib.util.module_from_spec(spec)
        sys.modules[module_name] = module
        loader.exec_module(module)
    declared = vars(module)
    return (
        {name: item for name, item in declared.items() if is_user_class(item)},
        [item() for item in declared.values() if is_shape_class(item)],
    )


@contextmanager
def _first_on_path(directory: str) -> Iterator[None]:
    """Have modules of this directory found before all others, for a while."""
    index = sys.path.index(directory) if directory in sys.path else None
    if index is not None:
        del sys.path[index]
    sys.path.insert(0, directory)
    try:
        yield
    finally:
        # The file may have changed the path itself.
        if directory in sys.path:
            sys.path.remove(directory)
        if index is not None:
            sys.path.insert(index, directory)


def merge_locustfiles_content(
    locustfiles: Sequence[str],
    load: Callable[[str], Declared] | None = None,
    load_tests: Callable[[str], dict[str, Any]] | None = None,
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any], Any]:
    """Import all locustfiles and collect what they declare; two different classes of one name end the process.

    When none of them has a user class, the test functions that pytest finds in them are the users.

    Args:
        locustfiles: Their absolute paths.
        load: What imports one; `load_locustfile` unless said otherwise.
        load_tests: What makes users of its test functions; `load_locustfile_pytest` unless said otherwise.

    Returns:
        User classes by name, load shapes by name, tasks by the name of their user class, and the shape to use.

    Same as Locust.
    """
    user_classes: dict[str, Any] = {}
    shapes: dict[str, Any] = {}
    for path in locustfiles:
        users_of_file, shapes_of_file = (load or load_locustfile)(path)
        for shape in shapes_of_file:
            _add_shape(shapes, shape)
        for name, user_class in users_of_file.items():
            _add_user_class(user_classes, name, user_class)
    if not user_classes:
        for path in locustfiles:
            for name, user_class in (load_tests or load_locustfile_pytest)(path).items():
                _add_user_class(user_classes, name, user_class)
    tasks = {name: user_class.tasks for name, user_class in user_classes.items()}
    return user_classes, shapes, tasks, next(iter(shapes.values()), None)


def _add_shape(shapes: dict[str, Any], shape: Any) -> None:
    name = type(shape).__name__
    known = shapes.setdefault(name, shape)
    # One file may import another: the same class, found twice.
    if known is not shape and inspect.getfile(type(known)) != inspect.getfile(type(shape)):
        refuse(f"Duplicate shape classes: {name}")


def _add_user_class(user_classes: dict[str, Any], name: str, user_class: Any) -> None:
    known = user_classes.setdefault(name, user_class)
    if known is user_class:
        return
    first_path, second_path = inspect.getfile(known), inspect.getfile(user_class)
    if first_path != second_path:
        refuse(f"Duplicate user class names: {name} is defined in both {first_path} and {second_path}")


def load_or_refuse(path: str) -> Declared:
    """`load_locustfile` for the command: a file that raises ends it, with the file's own traceback and one sentence."""
    try:
        return load_locustfile(path)
    except Exception as error:  # whatever the file raises
        sys.stderr.write("".join(traceback.format_exception(type(error), error, _of_the_file(error.__traceback__))))
        refuse(_why_it_did_not_load(path, error), EXIT_CANNOT_RUN)


def _of_the_file(frames: TracebackType | None) -> TracebackType | None:
    """The traceback without the frames of the importing machinery, so that it begins in the locustfile."""
    while frames is not None and _is_machinery(frames.tb_frame.f_code.co_filename):
        frames = frames.tb_next
    return frames


def _is_machinery(filename: str) -> bool:
    return filename.startswith(("<frozen ", PACKAGE_DIRECTORY + os.sep))


def _why_it_did_not_load(path: str, error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name:
        package = error.name.partition(".")[0]
        return (
            f"Could not load '{path}': the module '{error.name}' it imports is not there. "
            f"hint: install it next to Rocust ({sys.executable} -m pip install {package}), "
            f"or check the spelling of the import."
        )
    if isinstance(error, SyntaxError):
        place = f"line {error.lineno}" if error.filename == path else f"line {error.lineno} of {error.filename}"
        return f"Could not load '{path}': it is not valid Python, see {place} above."
    return f"Could not load '{path}': importing it raised {type(error).__name__}, see the traceback above."
