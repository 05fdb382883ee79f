"""Events: how a locustfile is told what happens, and how it hangs its own code onto it.

An `EventHook` is a list of handlers; `Events` is one object with a hook for each thing that can happen.
Handlers run in the greenlet that fires, in the order they were added. Nothing here knows who fires or when:
that is said at each hook of `Events`, and done by `_run`, `_users`, `_http` and `_cli`.
"""

from __future__ import annotations

import inspect
import logging
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from rocust import _log
from rocust._errors import (
    InterruptTaskSet,
    RescheduleTask,
    RescheduleTaskImmediately,
    StopTest,
    StopUser,
)

Handler = TypeVar("Handler", bound=Callable[..., Any])

#: What a handler may raise to steer the user it runs in.
STEERING_EXCEPTIONS = (
    StopUser,
    StopTest,
    RescheduleTask,
    RescheduleTaskImmediately,
    InterruptTaskSet,
)


def _note_uncaught() -> None:
    """Log what a handler raised; the process will end with exit code 2."""
    logging.error(  # Locust's logger
        "Uncaught exception in event handler: \n%s", traceback.format_exc()
    )
    _log.note_unhandled_exception()


def _call_plain(handlers: Iterable[Callable[..., Any]], kwargs: dict[str, Any]) -> None:
    """Call those of the handlers that need not be awaited."""
    for handler in handlers:
        if inspect.iscoroutinefunction(handler):
            continue
        try:
            handler(**kwargs)
        except STEERING_EXCEPTIONS:
            pass  # It is steered already.
        except Exception:  # the others still run
            _note_uncaught()


async def noted(awaitable: Awaitable[Any]) -> None:
    """Await what nobody waits for; what it raises is logged as if its handler had raised it."""
    try:
        await awaitable
    except Exception:  # as for a handler that is called
        _note_uncaught()


def _no_loop(_: Awaitable[Any], name: str) -> None:
    raise RuntimeError(f"{name} is async def, and there is no loop to await it on")


_finish: Callable[[Awaitable[Any], str], None] = _no_loop


def finish_with(finish: Callable[[Awaitable[Any], str], None]) -> None:
    """Say who ends what `async def` handlers return to `fire`: a room above, as this one knows no loop."""
    global _finish
    _finish = finish


class EventHook:
    """A list of handlers, called in order each time the hook is fired.

    Example:
        hook = EventHook()

        @hook.add_listener
        def on_checkout(amount, **kwargs):
            print(f"sold for {amount}")

        hook.fire(amount=12)

    Same as Locust.
    """

    def __init__(self) -> None:
        self._handlers: list[Callable[..., Any]] = []

    def add_listener(self, handler: Handler) -> Handler:
        """Call `handler` whenever the hook fires, after those that were added before.

        Args:
            handler: Any callable that takes keyword arguments; let it end in `**kwargs`, arguments may be added.

        Returns:
            The handler, so that this works as a decorator. Same as Locust.
        """
        self._handlers.append(handler)
        return handler

    def remove_listener(self, handler: Callable[..., Any]) -> None:
        """Stop calling `handler`.

        Raises:
            ValueError: It was never added. Same as Locust.
        """
        self._handlers.remove(handler)

    def fire(self, *, reverse: bool = False, **kwargs: Any) -> None:
        """Call every handler with `kwargs`.

        Handlers may add and remove handlers meanwhile: that counts from the next firing on. An exception in one
        handler is logged, makes the process end with exit code 2, and does not keep the others from running,
        except those that steer a user (`StopUser`, `StopTest`, `RescheduleTask`, `RescheduleTaskImmediately`,
        `InterruptTaskSet`): these are passed on to who fired.

        Args:
            reverse: Last added, first called.
            **kwargs: What the handlers are told.

        What an `async def` handler returns is awaited on the loop of the asynchronous users, and the greenlet waits for that; fired
        within a running loop it is begun there, and only `fire_async` waits for it.

        Differs from Locust: where the greenlet is killed while a handler waits, the others are called all the same, but for coroutine
        functions. The statistics are among them.
        """
        handlers = self._handlers
        if not handlers:
            return
        left = iter(handlers[::-1] if reverse else handlers.copy())
        for handler in left:
            try:
                answer = handler(**kwargs)
                if answer is not None and inspect.isawaitable(answer):
                    _finish(answer, getattr(handler, "__qualname__", repr(handler)))
            except STEERING_EXCEPTIONS:
                raise
            except Exception:  # the others still run
                _note_uncaught()
            except BaseException:
                _call_plain(left, kwargs)
                raise

    async def fire_async(self, *, reverse: bool = False, **kwargs: Any) -> None:
        """As `fire`, for who fires in an asyncio loop: what a handler returns is awaited if it can be, so handlers may be `async def`.

        The next handler is called when the one before has ended. Once the task is cancelled, or a handler steers its user, those that
        would have to be awaited are left out; the others are called, the statistics among them.

        Differs from Locust: it has none.
        """
        handlers = self._handlers
        left = iter(handlers[::-1] if reverse else handlers.copy())
        for handler in left:
            try:
                answer = handler(**kwargs)
                if answer is not None and inspect.isawaitable(answer):
                    await answer
            except BaseException as problem:
                if isinstance(problem, Exception) and not isinstance(problem, STEERING_EXCEPTIONS):
                    _note_uncaught()
                    continue
                _call_plain(left, kwargs)
                raise

    @contextmanager
    def measure(
        self,
        request_type: str,
        name: str,
        response_length: int = 0,
        context: dict[str, Any] | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Time a block and fire the hook at its end; meant for `events.request` in clients of one's own.

        An exception in the block is swallowed and recorded as the failure of the request.

        Args:
            request_type: First column of the statistics.
            name: Second column of the statistics.
            response_length: Bytes received, if known beforehand.
            context: Passed to the handlers.

        Yields:
            The arguments the hook will be fired with; change them in the block at will.

        Example:
            with self.environment.events.request.measure("SQL", "select user") as request_meta:
                rows = connection.execute(query)
                request_meta["response_length"] = len(rows)

        Same as Locust.
        """
        request_meta: dict[str, Any] = {
            "request_type": request_type,
            "name": name,
            "response_length": response_length,
            "context": context or {},
            "exception": None,
            "start_time": time.time(),  # noqa: TID251  # for showing
        }
        started_at = time.perf_counter()
        try:
            yield request_meta
        except Exception as error:  # it is the measured failure
            request_meta["exception"] = error
        finally:
            request_meta["response_time"] = (time.perf_counter() - started_at) * 1000
            self.fire(**request_meta)


class DeprecatedEventHook(EventHook):
    """A hook that warns whoever still listens to it.

    Args:
        message: The warning. Same as Locust.
    """

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__()

    def add_listener(self, handler: Handler) -> Handler:
        """Add the handler, with a warning in the log. Same as Locust."""
        logging.warning(self.message)  # Locust's logger
        return super().add_listener(handler)


class Events:
    """All that can happen in a run, a hook each.

    A subclass gets its own hooks by annotating them: `checkout: EventHook`.

    Differs from Locust: a subclass that declares hooks keeps those of this class too.
    """

    request: EventHook
    """A request is over. `request_type`, `name`, `response_time` (milliseconds, or None), `response_length` (bytes),
    `exception` (None when it went well), `context` (dict), and, from the built-in clients, `response`, `start_time`
    (seconds since the epoch) and `url`."""

    user_error: EventHook
    """A task or `on_start` raised. `user_instance` (User or TaskSet), `exception`, `tb` (traceback)."""

    report_to_master: EventHook
    """On a worker, before each report. `client_id`, `data` (dict; what is added to it reaches the master)."""

    worker_report: EventHook
    """On the master, for each report. `client_id`, `data`."""

    worker_connect: EventHook
    """On the master, when a worker connects and before it is counted. `client_id`."""

    spawning_complete: EventHook
    """All users asked for are there. `user_count` (of all workers together)."""

    quitting: EventHook
    """The process is about to end: the time to set `environment.process_exit_code`. `environment`. Last added, first
    called."""

    quit: EventHook
    """The very last one. `exit_code`."""

    init: EventHook
    """Environment and runner exist, nothing runs yet. `environment`, `runner`, `web_ui` (None when there is none)."""

    init_command_line_parser: EventHook
    """A command line parser is being built: add options to it. `parser`. Fires several times in one process."""

    test_start: EventHook
    """A test starts, on every node; not when the number of users changes. `environment`."""

    test_stopping: EventHook
    """A test is about to stop; its users are still there. `environment`."""

    test_stop: EventHook
    """A test has stopped; its users are gone. `environment`."""

    reset_stats: EventHook
    """The statistics were reset from the web page. No arguments."""

    cpu_warning: EventHook
    """This process uses more than `runners.CPU_WARNING_THRESHOLD` percent of a core. `environment`, `cpu_usage`."""

    heartbeat_sent: EventHook
    """The master sent a heartbeat. `client_id`, `timestamp` (seconds since the epoch)."""

    heartbeat_received: EventHook
    """A worker received a heartbeat. `client_id`, `timestamp` (seconds since the epoch)."""

    usage_monitor: EventHook
    """Every `runners.CPU_MONITOR_INTERVAL` seconds. `environment`, `cpu_usage` (percent), `memory_usage` (bytes)."""

    def __init__(self) -> None:
        for declaring_class in reversed(type(self).__mro__):
            for name, declared in _declarations(declaring_class):
                if _is_hook_type(declared):
                    setattr(self, name, EventHook())


def _declarations(declaring_class: type) -> Iterator[tuple[str, object]]:
    """Annotations of one class, and its plain attributes (`checkout = "EventHook"`, an older way to declare a hook)."""
    # Python 3.14 evaluates annotations late, and one of them may name what only a type checker imports.
    with suppress(NameError):
        yield from inspect.get_annotations(declaring_class).items()
    yield from vars(declaring_class).items()


def _is_hook_type(declared: object) -> bool:
    return declared is EventHook or (isinstance(declared, str) and declared.rpartition(".")[2] == "EventHook")


def global_events() -> Events:
    """The `rocust.events` of this moment: the one that listeners at module level were added to.

    It may be assigned anew (`locust.events = Events()`), so it is read each time and must not be kept.
    """
    return sys.modules[__package__].events  # type: ignore[no-any-return]
