"""What `rocust.Client` and `rocust.AsyncClient` are beside sessions: clients that belong to no user.

Their arguments, statistics and pools, their time limits, retries and rate are here; how a call waits is theirs.
"""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn

from rocust import _core
from rocust._events import EventHook
from rocust._http import tls
from rocust._http.address import split_credentials
from rocust._http.policies import Limits, Pacer, Retry, Timeout
from rocust._http.recording import StatsListener
from rocust._http.state import ENCODED_DEFAULT_HEADERS
from rocust._http.submitting import SubmittingSession
from rocust._http.wire import PLAIN
from rocust._stats import RequestStats

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rocust._http.uploading import SentBody

_NO_LIMIT = 1_000_000


class Standalone(SubmittingSession):
    """A session with statistics, limits and policies of its own, and no user."""

    trust_env = False

    #: What has been requested, as a load test's `environment.stats`.
    stats: RequestStats
    #: How many requests may be under way at once; None is no limit.
    limit: int | None
    _retries: Retry | None
    _pacer: Pacer | None
    _limits: Limits

    def __init__(
        self,
        base_url: str | None = None,
        *,
        limit: int | None = 1000,
        limit_per_host: int | None = None,
        dns_ttl: float | None = None,
        timeout: Timeout | float | None = Timeout(),  # noqa: B008 - it is frozen
        retries: Retry | None = None,
        rate: float | None = None,
        http2: bool = False,
        headers: Mapping[str, str] | None = None,
        verify: Any = True,
    ) -> None:
        """Make a client.

        Args:
            base_url: What paths are appended to.
            limit: How many requests may be under way at once; those beyond wait for their turn, in order. None is no limit.
            limit_per_host: The same at each server (scheme, host and port).
            dns_ttl: For how many seconds addresses are used that a name resolved to; 5 by default. It is the process that remembers
                them.
            timeout: A `Timeout`, or a number of seconds in total. A call may have another one.
            retries: When a request is sent again; never, by default.
            rate: How many requests a second may begin, evenly spaced; retries count.
            http2: Whether to speak HTTP/2 where the server does.
            headers: Sent with every request, over the usual ones.
            verify: Whether to check certificates, or a file with those to believe.

        Raises:
            ValueError: For a limit, rate or time that cannot be.
            TypeError: For retries that are no `Retry`, and a base URL that is no text.
        """
        if base_url is not None and not isinstance(base_url, str):
            raise TypeError(f'base_url is text, such as "http://127.0.0.1:8000"; it is {base_url!r}')
        for name, value in (("limit", limit), ("limit_per_host", limit_per_host)):
            if value is not None and not is_count(value):
                raise ValueError(f"{name} is a number of requests, at least 1, or None for no limit; it is {value!r}")
        if retries is not None and not hasattr(retries, "wait_after"):
            raise TypeError(
                f"retries is a rocust.Retry, such as Retry(attempts=3), or None for none; it is {retries!r}"
            )
        stats = RequestStats()
        request_event = EventHook()
        request_event.add_listener(StatsListener(SimpleNamespace(stats=stats)))
        super().__init__(base_url, request_event, None)
        pool = _core.Pool(limit or _NO_LIMIT, limit_per_host, limit or _NO_LIMIT)
        own = self.__dict__
        own["_client"] = client = _core.Client(
            "requests", split_credentials(base_url)[0] or "", ENCODED_DEFAULT_HEADERS, tls.DEFAULT, pool
        )
        own["stats"], own["limit"], own["_retries"] = stats, limit, retries
        own["_pacer"] = None if rate is None else Pacer(rate)
        own["_limits"] = limits = Limits.of(timeout)
        client.set_limits(*limits, self.max_redirects, limits.total)
        self.wire = PLAIN.but(http2=http2, dns_ttl=dns_ttl)
        # Made now and not at their first use: of two threads that came first, each would have headers of its own.
        self.headers.update(headers or {})
        if verify is not True:
            self.verify = verify

    def __getstate__(self) -> NoReturn:
        """Refused: its pool, its statistics and its rate are one thing for all who share it.

        Raises:
            TypeError: Always.
        """
        raise TypeError(f"A {type(self).__name__} can be neither pickled nor copied. hint: make one in each process")

    @staticmethod
    def limited(kwargs: dict[str, Any]) -> dict[str, Any]:
        """A call's arguments with its time limits as the session takes them."""
        return {**kwargs, "timeout": Limits.of(kwargs["timeout"])} if "timeout" in kwargs else kwargs

    def concurrency_of(self, concurrency: int | None, batch: int | None) -> int:
        """How many requests of a `map` are under way at once.

        Raises:
            ValueError: For a number of requests that is none.
        """
        wanted = concurrency if concurrency is not None else self.limit or 1000
        for label, value in (("concurrency", wanted), ("batch", batch)):
            if value is not None and not is_count(value):
                raise ValueError(f"{label} is a number of requests, at least 1; it is {value!r}")
        return wanted

    def pause(self) -> float:
        """How many seconds to wait until the rate allows a request; its moment is taken."""
        return 0.0 if self._pacer is None else self._pacer.wait(time.monotonic())

    def wait_before_next(self, attempt: int, response: Any, data: Any, catch_response: bool) -> float | None:
        """How many seconds to wait before the attempt after number `attempt`; None when this response is the answer.

        Raises:
            requests.exceptions.RequestException: What the last attempt failed with, unless a block judges it.
        """
        retries = None if catch_response or is_made_while_sent(data) else self._retries
        wait = None if retries is None else retries.wait_after(attempt, response, response.error)
        if wait is not None:
            response.close()
        elif response.error is not None and not catch_response:
            raise response.error
        return wait

    def _extra(
        self, method: Any, url: Any, data: Any, json: Any, kwargs: dict[str, Any], sent: SentBody | None = None
    ) -> dict[str, Any]:
        limits = kwargs.get("timeout", self._limits)
        extra = super()._extra(method, url, data, json, {**kwargs, "timeout": limits}, sent)
        extra["total_timeout"] = limits.total
        return extra

    def _reported(self, exchange: Any, call: Any, catch_response: bool, timeout: Any, own_error: Any = None) -> Any:
        limits = self._limits if timeout is None else timeout
        return super()._reported(exchange, call, catch_response, limits, own_error)


def is_count(value: Any) -> bool:
    """Whether it is a number of something of which there must be one."""
    return isinstance(value, int) and value >= 1


def is_made_while_sent(data: Any) -> bool:
    """Whether a body is gone once it was sent."""
    return hasattr(data, "__next__") or hasattr(data, "__aiter__") or hasattr(data, "read")
