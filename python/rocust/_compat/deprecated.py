"""What Locust has given up, and how it says so."""

from __future__ import annotations

import warnings
from typing import Any

# Deprecations are news to whoever writes locustfiles, not only to whoever runs Python with -W.
warnings.filterwarnings("always", category=DeprecationWarning, module="(locust|rocust)")


def check_for_deprecated_task_set_attribute(class_dict: dict[str, Any]) -> None:
    """Warn if the body of a user class sets `task_set`, which nobody reads since Locust 1.0. Same as Locust."""
    task_set = class_dict.get("task_set")
    if not isinstance(task_set, type) or not hasattr(task_set, "execute_next_task"):
        return
    if not hasattr(task_set, "locust_task_weight"):
        warnings.warn(
            "Usage of User.task_set is deprecated since version 1.0. Set the tasks attribute instead "
            f"(tasks = [{task_set.__name__}])",
            DeprecationWarning,
            stacklevel=3,
        )


def deprecated_locust_meta_class(deprecation_message: str) -> type[type]:
    """A metaclass whose first class may be made and not be inherited from: that raises ImportError. Same as Locust."""

    class Renamed(type):
        def __new__(mcs, classname: str, bases: tuple[type, ...], class_dict: dict[str, Any]) -> Any:
            if bases:
                raise ImportError(deprecation_message)
            return super().__new__(mcs, classname, bases, class_dict)

    return Renamed


def _renamed(old: str, new: str) -> str:
    return (
        f"The {old} class has been renamed to {new} in version 1.0. "
        "For more info see: https://docs.locust.io/en/latest/changelog.html#changelog-1-0"
    )


class DeprecatedLocustClass(
    metaclass=deprecated_locust_meta_class(_renamed("Locust", "User"))  # type: ignore[metaclass]
):
    """What `Locust` was: inheriting from it says what it is called now. Same as Locust."""


class DeprecatedHttpLocustClass(
    metaclass=deprecated_locust_meta_class(_renamed("HttpLocust", "HttpUser"))  # type: ignore[metaclass]
):
    """What `HttpLocust` was. Same as Locust."""


class DeprecatedFastHttpLocustClass(
    metaclass=deprecated_locust_meta_class(_renamed("FastHttpLocust", "FastHttpUser"))  # type: ignore[metaclass]
):
    """What `FastHttpLocust` was. Same as Locust."""
