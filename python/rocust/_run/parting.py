"""Ending users: who ends at once, who may finish first, and how long that is waited for."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rocust._kernel.green import Group, getcurrent, killall, spawn_later
from rocust._users.user import User

if TYPE_CHECKING:
    from collections.abc import Container

    from rocust._kernel.green import AnyGreenlet

logger = logging.getLogger("locust.runners")


class Parting:
    """Users that are stopped together.

    A user that waits ends at once. One in a task may finish it, for as long as the patience lasts.
    """

    def __init__(self, patience_s: float, leaving: Container[AnyGreenlet]) -> None:
        """Nobody yet.

        Args:
            patience_s: Seconds that running tasks get to finish; zero: none.
            leaving: Greenlets whose tasks wait for this very parting: nobody waits for them.
        """
        self._patience_s = patience_s
        self._leaving = leaving
        self._at_once: list[AnyGreenlet] = []
        self._finishing = Group()
        #: Calls of `stop` methods that user classes have of their own.
        self._calls = Group()

    def tell(self, user: User) -> None:
        """Tell a user to stop. Nothing runs yet."""
        greenlet = user.greenlet
        if greenlet is None:
            return
        if greenlet is getcurrent():
            # A task called quit(): it cannot wait for its own end.
            user.group.killone(greenlet, block=False)  # type: ignore[union-attr]
        elif type(user).stop is not User.stop:
            self._call(user, greenlet)
        elif user._seat.stop(not self._patience_s or greenlet in self._leaving):
            self._at_once.append(greenlet)
        else:
            self._finishing.add(greenlet)

    def _call(self, user: User, greenlet: AnyGreenlet) -> None:
        if not self._patience_s:
            self._calls.add(spawn_later(0, user.stop, force=True))
            return
        self._finishing.add(greenlet)
        if user._state != "stopping":
            self._calls.add(spawn_later(0, user.stop, force=False))

    def end(self) -> list[AnyGreenlet]:
        """End those who have nothing to finish; their `on_stop` has run when this returns.

        Returns:
            Their greenlets.
        """
        killall(self._at_once, block=True)
        return self._at_once

    def wait(self) -> None:
        """Wait for the others, and end those whom the patience does not suffice."""
        self._calls.join()
        if not self._finishing.join(timeout=self._patience_s or None):
            logger.info(
                "Not all users finished their tasks & terminated in %s seconds. Stopping them...", self._patience_s
            )
            self._finishing.kill(block=True)
