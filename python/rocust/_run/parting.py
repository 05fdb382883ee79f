"""Ending users: who ends at once, who may finish first, and how long that is waited for."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from rocust._kernel.green import GreenletExit, Group, get_hub, getcurrent, joinall, run_in_hub, spawn_later
from rocust._users.user import User

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from rocust._kernel.green import AnyGreenlet

logger = logging.getLogger("locust.runners")


class Parting:
    """Users that are stopped together.

    A user that waits ends at once. One in a task may finish it, for as long as the patience lasts.
    """

    def __init__(self, users: Sequence[User], patience_s: float, leaving: Container[AnyGreenlet]) -> None:
        """Nobody is told yet.

        Args:
            users: Whom to stop.
            patience_s: Seconds that running tasks get to finish; zero: none.
            leaving: Greenlets whose tasks wait for this very parting: nobody waits for them.
        """
        self._users = users
        self._patience_s = patience_s
        self._leaving = leaving
        self._ended: list[AnyGreenlet] = []
        self._finishing = Group()
        #: Calls of `stop` methods that user classes have of their own.
        self._calls = Group()

    def tell(self) -> list[AnyGreenlet]:
        """Tell all to stop, and end those who have nothing to finish; their `on_stop` has run when this returns.

        To tell a user and to end it is one step: one that was told, and went on before it is ended, would be in its `on_stop` then.

        Returns:
            The greenlets of those.
        """
        plain = []
        for user in self._users:
            greenlet = user.greenlet
            if greenlet is None:
                continue
            if greenlet is getcurrent():
                # A task called quit(): it cannot wait for its own end.
                user.group.killone(greenlet, block=False)  # type: ignore[union-attr]
            elif type(user).stop is not User.stop:
                self._call(user, greenlet)
            else:
                plain.append((user, greenlet))
        if plain:
            run_in_hub(lambda: self._tell_plain(plain))
            joinall([greenlet for greenlet in self._ended if not greenlet.dead])
        return self._ended

    def _tell_plain(self, plain: list[tuple[User, AnyGreenlet]]) -> None:
        hub = get_hub()
        for user, greenlet in plain:
            if not user._seat.stop(not self._patience_s or greenlet in self._leaving):
                self._finishing.add(greenlet)
                continue
            self._ended.append(greenlet)
            try:
                greenlet.throw(GreenletExit)
            except BaseException:
                hub.handle_error(greenlet, *sys.exc_info())
            if greenlet.dead:
                # The group would hear of it a little later, when somebody may have counted.
                user.group.discard(greenlet)  # type: ignore[union-attr]

    def _call(self, user: User, greenlet: AnyGreenlet) -> None:
        if not self._patience_s:
            self._calls.add(spawn_later(0, user.stop, force=True))
            return
        self._finishing.add(greenlet)
        if user._state != "stopping":
            self._calls.add(spawn_later(0, user.stop, force=False))

    def wait(self) -> None:
        """Wait for the others, and end those whom the patience does not suffice."""
        self._calls.join()
        if not self._finishing.join(timeout=self._patience_s or None):
            logger.info(
                "Not all users finished their tasks & terminated in %s seconds. Stopping them...", self._patience_s
            )
            self._finishing.kill(block=True)
