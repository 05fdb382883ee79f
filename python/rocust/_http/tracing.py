"""Who follows the calls that the engine runs, and may add headers to them: OpenTelemetry, when `--otel` asks for it.

What `requests` sends can be followed by patching `requests`, and that is how it is done everywhere. The engine sends without it, so
the two sessions ask here. While nobody follows, that costs a call one look at a variable.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from rocust import _core

if TYPE_CHECKING:
    from rocust._kernel.room import Room


class Call(NamedTuple):
    """A call that is about to be sent."""

    method: str
    #: The whole URL, before redirects.
    url: str
    #: The label that the call was given; None when it goes by its path.
    name: str | None
    #: What would be sent if nobody followed.
    headers: list[tuple[str, bytes]]


class Trace(Protocol):
    """One call that is followed."""

    #: The headers with which it is to be sent.
    headers: list[tuple[str, bytes]]

    def end(self, exchange: _core.Exchange, error: BaseException | None) -> None:
        """Take note of the answer, or of what the call failed with."""

    def break_off(self, error: BaseException) -> None:
        """Take note that nobody waits for the answer any more, and why."""


class Tracer(Protocol):
    """Who follows calls."""

    def begin(self, call: Call) -> Trace | None:
        """Follow a call; None when this one is of no interest."""

    def is_own(self, send: Any) -> bool:
        """Whether this function, in the place of `requests.Session.send`, does nothing but follow calls as this tracer does."""


class FollowedRoom:
    """A mailroom for one call: it tells a trace of the answer that comes."""

    __slots__ = ("_error_of", "_is_sent_again", "_room", "_trace", "port")

    def __init__(
        self,
        room: Room,
        trace: Trace,
        error_of: Callable[[_core.Exchange], BaseException],
        is_sent_again: Callable[[_core.Exchange], bool],
    ) -> None:
        """Stand before `room`.

        Args:
            room: Where the call really waits.
            trace: What is told.
            error_of: The exception for an exchange that failed.
            is_sent_again: Whether a failure is not the last word.
        """
        self._room, self._trace, self._error_of, self._is_sent_again = room, trace, error_of, is_sent_again
        self.port = room.port

    def park(self, key: int) -> Any:
        """As the mailroom's."""
        try:
            answer = self._room.park(key)
        except BaseException as error:
            self._trace.break_off(error)
            raise
        # The others are questions for the next piece of a body.
        if isinstance(answer, _core.Exchange) and not (answer.failed and self._is_sent_again(answer)):
            self._trace.end(answer, self._error_of(answer) if answer.failed else None)
        return answer


#: Who follows now; None while nobody does.
tracer: Tracer | None = None


def follow_with(new: Tracer | None) -> None:
    """Have all calls followed by `new` from now on; None ends it."""
    global tracer
    tracer = new
