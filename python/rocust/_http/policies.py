"""What a client is told about time and trouble: limits, retries, and how fast it may ask."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from requests.exceptions import ConnectionError
from requests.exceptions import Timeout as AnyTimeout

from rocust._kernel.native import Lock

if TYPE_CHECKING:
    from requests import Response

#: Statuses that say "later": too many requests, and a server or gateway that cannot just now.
LATER_STATUSES = frozenset({429, 502, 503, 504})


@dataclass(frozen=True)
class Timeout:
    """How long a request may take, in seconds; None is for ever.

    What has passed is told by the exception: `rocust.TotalTimeout`, `requests.exceptions.ConnectTimeout` or
    `requests.exceptions.ReadTimeout`. All three are a `requests.exceptions.Timeout`.

    Args:
        total: From the beginning to the last byte, redirects and waiting for a free connection included. Each attempt of a `Retry` has
            its own.
        connect: To make a connection: for each address, and then for the TLS handshake.
        read: Without a byte from the server, while one is waited for.
    """

    total: float | None = 300.0
    connect: float | None = None
    read: float | None = None

    def __post_init__(self) -> None:
        for name in ("total", "connect", "read"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, (int, float)) and value > 0):
                raise ValueError(
                    f"Timeout({name}=...) is a number of seconds above 0, or None for no limit; it is {value!r}"
                )


class Limits(tuple[float | None, float | None]):
    """Connect and read limits as the session takes them, with the total beside them."""

    total: float | None = None

    @classmethod
    def of(cls, timeout: Any) -> Limits:
        """The limits that a caller wrote: a `Timeout`, seconds in total, None for none, or a pair of connect and read."""
        if isinstance(timeout, Limits):
            return timeout
        if timeout is None:
            timeout = Timeout(total=None)
        elif isinstance(timeout, tuple):
            timeout = Timeout(None, *timeout)
        elif not isinstance(timeout, Timeout):
            timeout = Timeout(total=timeout)
        limits = cls((timeout.connect, timeout.read))
        limits.total = timeout.total
        return limits


@dataclass(frozen=True)
class Retry:
    """When a request is sent again, and how long that waits: `backoff` seconds, then twice as long each time.

    Each attempt is a request of its own in the statistics. A body that is made while it is sent is gone after the first attempt, so such
    a request is not sent again.

    Args:
        attempts: How many there are at most, the first one included.
        backoff: Seconds before the second attempt; the wait doubles with each one.
        jitter: Which share of a wait is left to chance: with 0.5, a wait of two seconds takes between one and two.
        on: What is tried again: statuses, and classes of exceptions.
    """

    attempts: int = 3
    backoff: float = 0.1
    jitter: float = 0.5
    on: Iterable[int | type[BaseException]] = field(default=(ConnectionError, AnyTimeout, *sorted(LATER_STATUSES)))

    def __post_init__(self) -> None:
        attempts: Any = self.attempts
        if not (isinstance(attempts, int) and attempts >= 1):
            raise ValueError(f"Retry(attempts=...) is the number of attempts, at least 1; it is {self.attempts!r}")
        if self.backoff < 0 or not 0 <= self.jitter <= 1:
            raise ValueError("Retry(backoff=...) is a number of seconds, and jitter is between 0 and 1")
        object.__setattr__(self, "on", tuple(self.on))

    def wait_after(self, attempt: int, response: Response, error: BaseException | None) -> float | None:
        """How many seconds to wait before the attempt after number `attempt` (from 1); None when there is none."""
        if attempt >= self.attempts or not self._concerns(response, error):
            return None
        wait = self.backoff * 2.0 ** (attempt - 1)
        return wait * (1 - self.jitter * random.random())

    def _concerns(self, response: Response, error: BaseException | None) -> bool:
        kinds = tuple(kind for kind in self.on if isinstance(kind, type))
        return isinstance(error, kinds) if error is not None else response.status_code in self.on


class Pacer:
    """Gives requests their moments: so many a second, evenly spaced."""

    def __init__(self, rate: float) -> None:
        """Moments at `rate` a second.

        Raises:
            ValueError: The rate is not above 0.
        """
        if not rate > 0:
            raise ValueError(f"rate is a number of requests a second above 0; it is {rate!r}")
        self._gap = 1 / rate
        self._next = float("-inf")
        # Threads may share a client.
        self._lock = Lock()

    def wait(self, now: float) -> float:
        """Take the next moment; how many seconds it is away. What was not used is not caught up."""
        with self._lock:
            moment = max(now, self._next)
            self._next = moment + self._gap
        return moment - now

    def take_if_free(self, now: float) -> float:
        """Take the next moment if it has come; how many seconds it is away."""
        with self._lock:
            pause = max(0.0, self._next - now)
            if pause == 0:
                self._next = now + self._gap
        return pause


class Request:
    """One request for `map`: what a call of `client.request` would be given.

    Args:
        method: The HTTP method.
        url: A path, which is appended to the client's `base_url`, or a whole URL.
        **kwargs: As for `client.request`, but `catch_response` and `stream`.

    Raises:
        TypeError: For an argument that a request in `map` cannot have.
    """

    __slots__ = ("kwargs", "method", "url")

    def __init__(self, method: str, url: str, **kwargs: Any) -> None:
        refused = sorted({"catch_response", "stream"} & kwargs.keys())
        if refused:
            raise TypeError(f"A request in map cannot have {' and '.join(refused)}: its response is handed over whole.")
        self.method, self.url, self.kwargs = method, url, kwargs

    def __repr__(self) -> str:
        return f"Request({self.method!r}, {self.url!r})"
