"""Socket.IO, by way of python-socketio."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from rocust._contrib.library import library_of
from rocust._events import EventHook
from rocust._kernel.green import spawn
from rocust._users.user import User

with library_of("socketio", "python-socketio"):
    import socketio

#: Whether an `emit` is a step of a `send` or a `call`, which python-socketio builds on it: reported once, as what was asked for.
_is_a_step: ContextVar[bool] = ContextVar("is_a_step", default=False)


@contextmanager
def _steps_unreported() -> Iterator[None]:
    before = _is_a_step.set(True)
    try:
        yield
    finally:
        _is_a_step.reset(before)


class SocketIOClient(socketio.Client):
    """`socketio.Client` that reports what it does.

    `connect` is a request of type `WS`, `call` one of `WSC`; both are timed, and raise nothing: an exception is the failure of the
    request. `send` (`WSS`), `emit` (`WSE`) and received events (`WSR`) have no end to be timed, and a time of 0.

    Args:
        request_event: The hook that is told.
        *args: What `socketio.Client` takes.
        **kwargs: What `socketio.Client` takes.

    Differs from Locust: a `send` or a `call` is one request, not an `emit` too; and data without a length (a number) counts as 0 bytes
    instead of raising.
    """

    def __init__(self, request_event: EventHook, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request_event = request_event

    def connect(self, *args: Any, **kwargs: Any) -> None:
        """Connect, as `socketio.Client.connect` does. Same as Locust."""
        with self.request_event.measure("WS", "connect"):
            super().connect(*args, **kwargs)

    def send(
        self, data: Any, namespace: str | None = None, callback: Callable[..., Any] | None = None, name: str = "Unnamed"
    ) -> None:
        """Send a message without an event's name, as `socketio.Client.send` does.

        Args:
            data: What to send.
            namespace: The Socket.IO namespace.
            callback: Called when the server has it.
            name: What the request is called.

        Same as Locust.
        """
        exception = None
        try:
            with _steps_unreported():
                super().send(data, namespace, callback)
        except Exception as error:  # it is the failure that is reported
            exception = error
        self._report("WSS", name, data, exception)

    def emit(
        self, event: str, data: Any = None, namespace: str | None = None, callback: Callable[..., Any] | None = None
    ) -> None:
        """Send an event, as `socketio.Client.emit` does; it is what the request is called. Same as Locust."""
        if _is_a_step.get():
            super().emit(event, data, namespace, callback)
            return
        exception = None
        try:
            super().emit(event, data, namespace, callback)
        except Exception as error:  # it is the failure that is reported
            exception = error
        self._report("WSE", str(event), data, exception)

    def call(self, event: str, data: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Send an event and wait for the server's answer, as `socketio.Client.call` does; None when there was none.

        Differs from Locust: an event that could not be sent fails at once, not when the time for the answer is over.
        """
        with self.request_event.measure("WSC", event), _steps_unreported():
            return super().call(event, data, *args, **kwargs)

    def on_message(self, event: str, data: Any = None) -> None:
        """Report an event that came. Events with handlers of their own (`sio.on`) do not come here.

        How long it took is not known, so its time is 0; where the data tells, override this. Same as Locust.
        """
        self._report("WSR", event, data, None)

    def _report(self, request_type: str, name: str, data: Any, exception: Exception | None) -> None:
        self.request_event.fire(
            request_type=request_type,
            name=name,
            response_time=0,
            response_length=len(data) if isinstance(data, Sized) else 0,
            exception=exception,
            context={},
        )


class SocketIOUser(User):
    """A user with a Socket.IO client of its own, as `sio`.

    Example:
        class Chatter(SocketIOUser):
            def on_start(self):
                self.sio.connect(self.host)

            @task
            def say(self):
                self.sio.emit("say", {"text": "hello"})

    Same as Locust.
    """

    abstract = True

    options: dict[str, Any] = {}
    """What `socketio.Client` is made with, such as `{"reconnection_attempts": 1}`."""

    sio: SocketIOClient

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.sio = SocketIOClient(environment.events.request, **self.options)
        self.sio_greenlet = spawn(self.sio.wait)
        self.sio.on("*", self.sio.on_message)
