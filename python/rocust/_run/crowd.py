"""The greenlets of all users, and how many there are of which class.

A group of gevent's, because locustfiles and plugins treat it as one. It keeps its users by class as they come and go, so that
neither a look at the counts nor the choice of who stops goes through all of them: with 100,000 users each step of a ramp would.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from rocust._kernel.green import AnyGreenlet, Group

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rocust._users.user import User


class _UserGreenlet(AnyGreenlet):
    """A greenlet that does not keep who spawned it: of users that is always the runner, and it weighs as much as a small user."""

    spawning_stack_limit = 0


class Crowd(Group):
    """The greenlets of users; the first argument of each is its user."""

    greenlet_class = _UserGreenlet

    def __init__(self) -> None:
        """An empty crowd."""
        super().__init__()
        #: By class name, in the order of arrival.
        self._members: dict[str, dict[AnyGreenlet, User]] = {}
        self._class_of: dict[AnyGreenlet, str] = {}

    def add(self, greenlet: Any) -> None:
        """Take a user's greenlet in. One without a user is in the group, and in no class."""
        super().add(greenlet)
        if arguments := getattr(greenlet, "args", ()):
            user = arguments[0]
            name = type(user).__name__
            self._class_of[greenlet] = name
            self._members.setdefault(name, {})[greenlet] = user

    def _discard(self, greenlet: Any) -> None:
        super()._discard(greenlet)  # type: ignore[misc]
        if name := self._class_of.pop(greenlet, None):
            del self._members[name][greenlet]

    def counts(self) -> dict[str, int]:
        """How many users there are of each class that has any. An asynchronous user may ask while others come."""
        return {name: len(members) for name, members in list(self._members.items()) if members}

    def last(self, name: str, count: int) -> list[User]:
        """The users to stop of the class called `name`: those who came last, and first those who are not stopping already.

        Fewer than `count` when there are no more.
        """
        members = self._members.get(name, {})
        chosen = list(islice(_staying(members), count))
        if len(chosen) < count:
            chosen += islice(_leaving(members), count - len(chosen))
        return chosen


def _staying(members: dict[AnyGreenlet, User]) -> Iterator[User]:
    return (user for user in reversed(members.values()) if user._state != "stopping")


def _leaving(members: dict[AnyGreenlet, User]) -> Iterator[User]:
    return (user for user in reversed(members.values()) if user._state == "stopping")
