"""`FastHttpSession.client`: what users know of geventhttpclient's `UserAgent`, as knobs of a session of ours.

Nothing here sends: reading tells what holds for the session, assigning changes it. The pool stands for the engine's connections.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from rocust import _core
from rocust._events import EventHook
from rocust._http.fast_headers import Headers
from rocust._http.fast_response import FastRequest, FastResponse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rocust._http.fast import FastHttpSession

#: Statuses that are no failure.
VALID_CODES = frozenset([*range(200, 209), 226, 301, 302, 303, 304, 307, 308])
#: Statuses that are followed.
REDIRECT_CODES = frozenset([301, 302, 303, 307, 308])

#: How many requests of a user are under way at once, by default.
CONCURRENCY = 10


class DefaultHeaders(Headers):
    """Headers of every request, which tell when they are changed."""

    def __init__(self, lines: Any, changed: Callable[[], None] | None) -> None:
        """Begin with these."""
        self._changed: Callable[[], None] | None = None
        super().__init__(lines)
        self._changed = changed

    def _put(self, name: str, lines: list[tuple[str, Any]]) -> None:
        super()._put(name, lines)
        if self._changed is not None:
            self._changed()

    def __delitem__(self, name: str) -> None:
        """Drop all lines of a name."""
        super().__delitem__(name)
        if self._changed is not None:
            self._changed()


class ClientPool:
    """The connections of a session, by the name and the few attributes that geventhttpclient's pool has."""

    def __init__(self, close: Callable[[], None], client_args: dict[str, Any]) -> None:
        """Stand for connections that `close` closes."""
        self._close = close
        #: What the session was made with.
        self.client_args = client_args

    def close(self) -> None:
        """Close the idle connections; the next request opens one. Same as Locust."""
        self._close()


class HTTPClientPool:
    """Connections that users share: give one to them as `client_pool`. Same as Locust, which has it from geventhttpclient."""

    def __init__(self, **client_args: Any) -> None:
        """Make a pool.

        Args:
            **client_args: `concurrency`, how many requests may be under way on it at once, one by default. The rest is kept; the users'
                own settings hold instead.
        """
        #: What the pool was made with.
        self.client_args = client_args

    def close(self) -> None:
        """Close the idle connections; the next request opens one. Same as Locust."""
        shared_pool(self).close()


#: The engine's pools behind pools of geventhttpclient's kind that users share.
_SHARED: WeakKeyDictionary[Any, _core.Pool] = WeakKeyDictionary()


def shared_pool(client_pool: Any) -> _core.Pool:
    """The engine's pool for an object that users of a class have as `client_pool`: the same one for all of them."""
    pool = _SHARED.get(client_pool)
    if pool is None:
        arguments = getattr(client_pool, "client_args", {})
        pool = _SHARED[client_pool] = _core.Pool(max(1, int(arguments.get("concurrency", 1))))
    return pool


class _Refusing:
    """A client that sends nothing, because what it needs could not be made."""

    def __init__(self, client: _core.Client, problem: Exception) -> None:
        self._client, self._problem = client, problem

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def send(self, *_: Any) -> int:
        """Raise what is wrong."""
        raise self._problem

    send_with = send


def refusing(client: _core.Client, problem: Exception) -> Any:
    """A client as `client`, whose requests raise `problem`."""
    return _Refusing(client, problem)


class LocustUserAgent:
    """What a `FastHttpSession` does with a request, as attributes that can be read and assigned at any time.

    `valid_response_codes` and `redirect_response_codes` may also be set on the class, before the users are made.

    Same as Locust, for what is not geventhttpclient's own plumbing.
    """

    response_type = FastResponse
    request_type = FastRequest
    valid_response_codes: frozenset[int] = VALID_CODES
    redirect_response_codes: frozenset[int] = REDIRECT_CODES
    #: Seconds between two attempts; there is no pause.
    retry_delay: float = 0

    _session: FastHttpSession

    def __init__(self, client_pool: Any = None, *, session: FastHttpSession | None = None, **settings: Any) -> None:
        """Make an agent: that of `session`, or one of its own, whose requests are reported to nobody.

        Args:
            client_pool: A pool whose connections are shared.
            session: Whose agent this is.
            **settings: As for `FastHttpSession`.
        """
        if session is None:
            from rocust._http.fast import FastHttpSession

            session = FastHttpSession(None, EventHook(), None, client_pool=client_pool, **settings)
        self.__dict__["_session"] = session

    @property
    def max_redirects(self) -> int:
        """How many redirects are followed; zero returns the redirect itself."""
        return self._session._max_redirects

    @property
    def max_retries(self) -> int:
        """How often a request whose connection failed is sent again."""
        return self._session._max_retries

    @property
    def default_headers(self) -> Headers:
        """Headers of every request; may be changed."""
        return self._session._default_headers

    @property
    def cookiejar(self) -> Any:
        """The session's cookies; None while it keeps none."""
        return self._session._jar()

    @property
    def clientpool(self) -> Any:
        """The session's connections, or the pool that was given for them."""
        return self._session._client_pool

    def __setattr__(self, name: str, value: Any) -> None:
        """Assign an attribute; the session goes by it from now on."""
        if name == "clientpool":
            raise AttributeError("connections cannot be exchanged later; give client_pool= when the session is made")
        change = _CHANGES.get(name)
        if change is not None:
            change(self._session, value)
        if name not in _PROPERTIES:
            self.__dict__[name] = value

    def urlopen(
        self,
        url: str,
        method: str = "GET",
        headers: Any = None,
        payload: Any = None,
        params: Any = None,
        **settings: Any,
    ) -> FastResponse:
        """Send a request that is reported to nobody.

        Raises:
            Exception: When there is no response, or one whose status is not among the valid ones.

        Same as Locust.
        """
        quiet = object.__new__(type(self._session))
        quiet.__dict__.update(self._session.__dict__, request_event=EventHook(), user=None)
        response: FastResponse = quiet.request(method, url, data=payload, headers=headers, params=params, **settings)
        response.raise_for_status()
        return response

    def close(self) -> None:
        """Close the idle connections. Same as Locust."""
        self._session._client.close()


def _set_codes(session: FastHttpSession, codes: Iterable[int]) -> None:
    session._valid_codes = frozenset(codes)


#: What assigning to an attribute of an agent does to its session.
_CHANGES: dict[str, Callable[[Any, Any], None]] = {
    "valid_response_codes": _set_codes,
    "redirect_response_codes": lambda session, codes: session._client.set_redirect_codes(sorted(codes)),
    "max_redirects": lambda session, limit: session._set_limits(max_redirects=int(limit)),
    "max_retries": lambda session, limit: setattr(session, "_max_retries", int(limit)),
    "default_headers": lambda session, headers: session._set_default_headers(headers),
    "cookiejar": lambda session, jar: session._set_jar(jar),
}
_PROPERTIES = frozenset({"max_redirects", "max_retries", "default_headers", "cookiejar", "clientpool"})
