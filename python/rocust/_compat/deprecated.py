"""What old locustfiles still say, and what they are told."""

from __future__ import annotations

import sys
import warnings
from typing import Any

_RENAMED = "The {old} class has been renamed to {new} in version 1.0. For more info see: https://docs.locust.io/en/latest/changelog.html#changelog-1-0"


_TASK_SET = "Usage of User.task_set is deprecated since version 1.0."


def show_deprecations() -> None:
    """Have Python show what is said here about any file, unless its user has a say in that (`-W`, `PYTHONWARNINGS`)."""
    if not sys.warnoptions:
        warnings.filterwarnings("always", _TASK_SET, DeprecationWarning)


def check_for_deprecated_task_set_attribute(namespace: dict[str, Any]) -> None:
    """Warn about `task_set = X` in a user class, the way to set tasks before Locust 1.0."""
    if "task_set" in namespace:
        taskset = namespace["task_set"]
        name = getattr(taskset, "__name__", taskset)
        warnings.warn(
            f"{_TASK_SET} Set the tasks attribute instead (tasks = [{name}])",
            DeprecationWarning,
            stacklevel=3,  # where the class is written
        )


class _Renamed(type):
    """Refuses to be subclassed, with the new name."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Any:
        """Make the marker class itself; refuse its subclasses."""
        for base in bases:
            if isinstance(base, _Renamed):
                raise ImportError(_RENAMED.format(old=base.__name__, new=base.__dict__["new_name"]))
        return super().__new__(mcs, name, bases, namespace)


class DeprecatedLocustClass(metaclass=_Renamed):
    """Stands for `Locust`. Same as Locust."""

    new_name = "User"


class DeprecatedHttpLocustClass(metaclass=_Renamed):
    """Stands for `HttpLocust`. Same as Locust."""

    new_name = "HttpUser"


class DeprecatedFastHttpLocustClass(metaclass=_Renamed):
    """Stands for `FastHttpLocust`. Same as Locust."""

    new_name = "FastHttpUser"


DeprecatedLocustClass.__name__ = "Locust"
DeprecatedHttpLocustClass.__name__ = "HttpLocust"
DeprecatedFastHttpLocustClass.__name__ = "FastHttpLocust"
