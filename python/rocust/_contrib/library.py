"""Libraries that are not installed with Rocust: where one is missing, a sentence says which, and how to get it."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def library_of(module: str, distribution: str) -> Iterator[None]:
    """Around the imports of what `rocust.contrib.<module>` is built on.

    Args:
        module: The module's name, which is also the name of the extra that brings the library.
        distribution: What the library is called where it is downloaded.

    Raises:
        ModuleNotFoundError: The library is not there. One that is there and cannot be imported for another reason says so itself.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        name = error.name or ""
        if importlib.util.find_spec(name.partition(".")[0] or distribution) is not None:
            raise
        raise ModuleNotFoundError(
            f"rocust.contrib.{module} needs {distribution}, and there is no module named '{name}'. "
            f"hint: pip install 'rocust[{module}]'",
            name=name,
        ) from None
