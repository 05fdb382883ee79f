"""What every place has where code that does not await waits for the engine: a port, and a way to wait at it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from rocust import _core
from rocust._kernel.green import getcurrent

_TIMERS_LOST = (
    "The engine's timers were lost to a panic of its own; see the traceback above. This run cannot be trusted."
)


class Room(ABC):
    """A place to wait."""

    __slots__ = ("port",)

    def __init__(self) -> None:
        self.port = _core.Port()

    @abstractmethod
    def park(self, key: int) -> Any:
        """Wait until the engine has an answer for `key`, and return that.

        Args:
            key: What `_core` returned when the wait was registered.

        Raises:
            BaseException: Whatever ends the wait before (a kill, a timeout, Ctrl-C); it is called off then.
        """

    def sleep(self, seconds: float) -> None:
        """Wait for `seconds`, timed by the engine.

        Raises:
            RuntimeError: When the engine's timers have been lost to a panic.
        """
        if self.park(self.port.wait(getcurrent(), seconds)) is False:
            raise RuntimeError(_TIMERS_LOST)
