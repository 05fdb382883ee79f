"""How another thread has something done on a gevent hub.

One hatch for each hub. Whoever wants something puts it in and rings; the hub takes everything out in one go, so many words cost one
wake-up. While nobody waits behind it, the hatch does not keep the hub alive.
"""

from __future__ import annotations

import sys
from collections import deque
from typing import TYPE_CHECKING, Any

from rocust._kernel.green import get_hub

if TYPE_CHECKING:
    from collections.abc import Callable

    from rocust._kernel.green import Hub

_ATTRIBUTE = "_rocust_hatch"


class Hatch:
    """The way into one hub."""

    __slots__ = ("_hub", "_waiting", "_watcher", "_words")

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._words: deque[tuple[Callable[..., Any], tuple[Any, ...]]] = deque()
        self._waiting = 0
        self._watcher: Any = hub.loop.async_(ref=False)
        self._watcher.start(self._drain)

    def tell(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Have the hub call `function`, in its own turn; from any thread. It must not block: it runs in the hub itself."""
        self._words.append((function, arguments))
        # libev writes to its pipe only when it has not been told yet.
        self._watcher.send_ignoring_arg(None)

    def wait(self) -> None:
        """Leave the current greenlet until somebody switches to it, who is told through here."""
        self._waiting += 1
        self._watcher.ref = True
        try:
            self._hub.switch()
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._watcher.ref = False

    def _drain(self) -> None:
        words = self._words
        while words:
            function, arguments = words.popleft()
            try:
                function(*arguments)
            except BaseException:
                self._hub.handle_error(function, *sys.exc_info())


def current() -> Hatch:
    """The hatch of the current thread's hub."""
    hub = get_hub()
    try:
        return getattr(hub, _ATTRIBUTE)  # type: ignore[no-any-return]
    except AttributeError:
        hatch = Hatch(hub)
        setattr(hub, _ATTRIBUTE, hatch)
        return hatch
