"""Load shapes: code of the user's own that says how many users there should be."""

from __future__ import annotations

import time
from abc import ABCMeta, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from rocust._run.runner import Runner


class LoadTestShapeMeta(ABCMeta):
    """Marks shape classes as usable unless their body says `abstract = True`."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Any:
        """Make the class, with `abstract` off unless the body says otherwise."""
        namespace.setdefault("abstract", False)
        return super().__new__(mcs, name, bases, namespace)


class LoadTestShape(metaclass=LoadTestShapeMeta):
    """Subclass it and define `tick()` to control the number of users over time.

    Same as Locust.
    """

    #: The runner of the environment that this shape belongs to.
    runner: Runner | None = None
    #: Whether this class is only a base for others.
    abstract: ClassVar[bool] = True
    #: Whether `--users`, `--spawn-rate` and `--run-time` are left to the shape to read.
    use_common_options: ClassVar[bool] = False

    def __init__(self) -> None:
        """Start the shape's clock."""
        self.start_time = time.perf_counter()

    def reset_time(self) -> None:
        """Start the shape's clock anew. Same as Locust."""
        self.start_time = time.perf_counter()

    def get_run_time(self) -> float:
        """Seconds since the clock was started. Same as Locust."""
        return time.perf_counter() - self.start_time

    def get_current_user_count(self) -> int:
        """How many users there are now. Same as Locust."""
        return self.runner.user_count if self.runner is not None else 0

    @abstractmethod
    def tick(self) -> tuple[int, float] | tuple[int, float, list[type] | None] | None:
        """What there should be now, asked about once a second.

        Returns:
            Number of users and spawn rate, optionally the classes to use; None ends the test.

        Same as Locust.
        """
