"""A user whose tasks are the test functions of a pytest file.

`_cli/pytest_files` finds them and makes a class of each; what they are here is plain data. pytest is imported only when such a user
runs, so that nobody else pays for it.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from inspect import isgenerator
from typing import TYPE_CHECKING, Any

from requests.exceptions import RequestException

from rocust._errors import CatchResponseError
from rocust._http.fast_errors import FastConnectionError
from rocust._kernel import mailroom
from rocust._kernel.green import GreenletExit, give_way
from rocust._users.user import User
from rocust._users.wire import WireMixin

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("locust.user.users")


@dataclass(frozen=True)
class Fixture:
    """How an argument of a test function is made, for each user anew."""

    name: str
    #: What returns the value, or is a generator that yields it and cleans up afterwards.
    make: Callable[..., Any]
    #: What `make` is called with: other fixtures, or None for the user itself.
    needs: tuple[Fixture | None, ...] = ()


@dataclass(frozen=True)
class PytestFunction:
    """A test function, or the bound method of a test class."""

    name: str
    obj: Callable[..., Any]
    fixtures: tuple[Fixture, ...]


class PytestUser(WireMixin, User):
    """A user that calls the test functions of its class, one after the other, again and again, without a wait.

    A function that is left by a failed request (`raise_for_status()`) or a failed check of a response has been reported already: the
    next one follows. Any other exception ends the user. `pytest.skip()` ends it quietly. `on_start`, `on_stop`, `wait_time` and `tasks`
    play no part.

    Differs from Locust: an exception that ends the user is among the exceptions of the run, so that its exit code says so; a user that
    may finish (`--stop-timeout`) ends after the function that it is in; what fixtures do after their `yield` is done then; test
    functions may have any number of arguments, and fixtures may need other fixtures.
    """

    abstract = True
    #: What is called.
    functions: list[PytestFunction] = []
    #: The arguments that this user's functions are called with, a dictionary for each of them.
    fixtures: list[dict[str, Any]] = []

    def run(self) -> None:  # type: ignore[misc] # final for everybody else
        """Call the functions until the user is stopped. Not to be overridden."""
        self._seat.start()
        try:
            with ExitStack() as afterwards:
                self.fixtures = [
                    {fixture.name: self._made(fixture, afterwards) for fixture in function.fixtures}
                    for function in self.functions
                ]
                self._go_round(
                    [partial(one.obj, **made) for one, made in zip(self.functions, self.fixtures, strict=True)]
                )
        except GreenletExit:
            raise
        except BaseException as exception:  # pytest's outcomes are no `Exception`s
            if _is_skip(exception):
                logger.info("A %s was skipped and ends: %s", type(self).__name__, exception)
                return
            self.environment.events.user_error.fire(user_instance=self, exception=exception, tb=exception.__traceback__)
            raise
        finally:
            self._seat.end()

    def _go_round(self, calls: list[Callable[[], Any]]) -> None:
        room = mailroom.current()
        turn = -1
        while calls:
            for call in calls:
                if self._seat.is_stopping:
                    return
                try:
                    call()
                except ValueError:
                    raise  # a wrong URL, although its exception is among those of requests
                except (RequestException, CatchResponseError, FastConnectionError) as error:
                    logger.debug("%s", error, exc_info=True)
            # Functions that wait for nothing must not keep the others from running.
            if room.port.turn == turn:
                give_way()
            turn = room.port.turn

    def _made(self, fixture: Fixture, afterwards: ExitStack) -> Any:
        """The value of a fixture for this user; what is left to do with it at the end is put down in `afterwards`."""
        value = fixture.make(*(self if need is None else self._made(need, afterwards) for need in fixture.needs))
        if not isgenerator(value):
            return value
        afterwards.callback(next, value, None)
        return next(value)


def _is_skip(exception: BaseException) -> bool:
    import pytest

    return isinstance(exception, pytest.skip.Exception)
