"""One user, run where it is called from: for a debugger, and for trying out a locustfile as a script.

There is no runner, no greenlet and no spawning here; a breakpoint in a task stops the whole program. It stands in this
room and not in `_run` because it reads the command line of the script, and ends the process when a listener has failed.

Nothing is patched here. Stock Locust has patched the standard library when `import locust` is done; by the time that
this is called, sockets and threads (the debugger's among them) have been made, and patching under them breaks them. One
user does not need it: its client waits in the engine. A script whose tasks need cooperative sockets is run by `python
-m rocust script.py`, which patches first.
"""

from __future__ import annotations

import os
import sys
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from rocust import _log
from rocust._cli.parsing import get_parser
from rocust._cli.refusal import refuse
from rocust._compat.knobs import assign_knob, knob
from rocust._errors import CatchResponseError
from rocust._events import global_events
from rocust._kernel import loop_thread
from rocust._run.environment import Environment
from rocust._users.kinds import why_not_awaited

if TYPE_CHECKING:
    from rocust._users.user import User

#: Widths and lengths of what is printed, in characters.
_TIME_WIDTH, _NAME_WIDTH, _RESPONSE_TIME_WIDTH, _EXCEPTION_WIDTH, _EXCEPTION_LIMIT = 24, 50, 7, 9, 500


class PrintListener:
    """Prints a line of tab-separated columns for every request of an environment.

    Differs from Locust: times are in UTC also for clients that do not say when a request began, and the payload is
    printed for `HttpUser` too.
    """

    def __init__(
        self,
        env: Environment,
        include_length: bool = False,
        include_time: bool = False,
        include_context: bool = False,
        include_payload: bool = False,
    ) -> None:
        """Print the heading, and listen from now on.

        Args:
            env: Whose requests are printed.
            include_length: Whether to print the length of the response, in bytes.
            include_time: Whether to print when the request began.
            include_context: Whether to print the context of the request.
            include_payload: Whether to print the body of the request.
        """
        self.include_length = include_length
        self.include_time = include_time
        self.include_context = include_context
        self.include_payload = include_payload
        env.events.request.add_listener(self.on_request)
        heading = [
            *(["time".ljust(_TIME_WIDTH)] if include_time else []),
            "type",
            "name".ljust(_NAME_WIDTH),
            "resp_ms",
            *(["length"] if include_length else []),
            "exception",
            *(["context"] if include_context else []),
            *(["payload"] if include_payload else []),
        ]
        print()
        _print_columns(heading)

    def on_request(
        self,
        request_type: str,
        name: str | None,
        response_time: float | None,
        response_length: int,
        exception: BaseException | str | None,
        context: dict[str, Any] | None = None,
        start_time: float | None = None,
        response: Any = None,
        **_: Any,
    ) -> None:
        """Print one request. Same as Locust."""
        _print_columns(
            [
                *([_when(start_time)] if self.include_time else []),
                request_type,
                (name or "").ljust(_NAME_WIDTH),
                str(-1 if response_time is None else round(response_time)).ljust(_RESPONSE_TIME_WIDTH),
                *([response_length] if self.include_length else []),
                _error_text(exception).ljust(_EXCEPTION_WIDTH),
                *([context or ""] if self.include_context else []),
                *([_payload(response) or ""] if self.include_payload else []),
            ]
        )


def _print_columns(columns: list[Any]) -> None:
    print("\t".join(map(str, columns)), end="\t\n")


def _when(start_time: float | None) -> datetime:
    # 0 is not a time that a request began at either.
    return datetime.fromtimestamp(start_time, timezone.utc) if start_time else datetime.now(timezone.utc)


def _error_text(exception: BaseException | str | None) -> str:
    if not exception:
        return ""
    if isinstance(exception, CatchResponseError):
        text = str(exception)
    else:
        try:
            text = repr(exception)
        except Exception:  # an exception of the client's own, only half made
            text = f"{type(exception)} (and it has no string representation)"
    return text[:_EXCEPTION_LIMIT].replace("\n", " ")


def _payload(response: Any) -> Any:
    """The body as sent; None where there was none, or where the client does not tell."""
    return getattr(getattr(response, "request", None), "body", None)


def run_single_user(
    user_class: type[User],
    include_length: bool = False,
    include_time: bool = False,
    include_context: bool = False,
    include_payload: bool = False,
    loglevel: str | None = "WARNING",
) -> None:
    """Run one user of `user_class` in the present greenlet, until it stops; for use with a debugger.

    Options are read from the command line of the script, from configuration files and environment variables, as the
    command does. The first call in a process makes an environment and fires `init`; every call fires `test_start`.
    `test_stop` and `quit` do not fire. Every request is printed to stdout. The user is
    `environment.single_user_instance`.

    Args:
        user_class: Whose instance is run.
        include_length: Whether to print the length of each response.
        include_time: Whether to print when each request began.
        include_context: Whether to print the context of each request.
        include_payload: Whether to print the body of each request.
        loglevel: From which level on to log; None leaves the log alone.

    Raises:
        SystemExit: When a listener of `init` failed, or the command line is wrong.

    Example:
        if __name__ == "__main__":
            run_single_user(Shopper)

    Differs from Locust: the standard library is not patched, unless the script is run by `python -m rocust script.py`.
    """
    if loglevel:
        _log.setup_logging(loglevel)
    environment = knob("debug", "_env")
    if not environment:
        # In case a test looks for the name of its locustfile: it is the script that calls this.
        script = os.path.basename(sys._getframe(1).f_code.co_filename)
        environment = _make_environment(script)
        PrintListener(environment, include_length, include_time, include_context, include_payload)
        _fire_init(environment)
    if problem := why_not_awaited(user_class):
        refuse(problem)
    environment.user_classes = [user_class]
    environment._filter_tasks_by_tags()
    environment.events.test_start.fire(environment=environment)
    if environment.host:
        user_class.host = environment.host
    environment.single_user_instance = user = user_class(environment)
    try:
        user.run()
    finally:
        loop_thread.rest()


def _make_environment(locustfile: str) -> Environment:
    options = get_parser().parse_args()
    options.locustfile = locustfile
    environment = Environment(events=global_events(), locustfile=locustfile, host=options.host, parsed_options=options)
    assign_knob("debug", "_env", environment)
    return environment


def _fire_init(environment: Environment) -> None:
    environment.events.init.fire(environment=environment, runner=None, web_ui=None)
    # What a listener raises is logged and goes no further; a user should not be debugged in a half-made environment.
    if _log.has_unhandled_exception():
        refuse(
            "A listener of events.init failed (see the log above), so the user was not run. "
            "hint: mend it, then run again"
        )
