"""How requests get to the engine for who waits for their answers otherwise than `HttpSession.request`: in a coroutine, or for many at once.

All of it is the engine's or nobody's: what only `requests`' own code can do is refused, in one sentence.
"""

from __future__ import annotations

from typing import Any, NoReturn, Protocol, TypeVar

from requests import Session
from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidHeader, InvalidJSONError

from rocust import _core
from rocust._errors import LocustError
from rocust._http import arguments, environment, failures, tls, tracing, uploading
from rocust._http.arguments import PLAIN, BadHeader, BadJson, NotPlain
from rocust._http.paths import ADAPTER_SEND, SESSION_SEND
from rocust._http.session import HttpSession
from rocust._http.uploading import SentBody

Answer = TypeVar("Answer", covariant=True)


class Verb(Protocol[Answer]):
    """What `get` and its like are to a type checker, in sessions whose `request` gives something of its own."""

    def __call__(self, url: str | bytes, *, data: Any = None, json: Any = None, **kwargs: Any) -> Answer:
        """Send a request."""


class BodyVerb(Protocol[Answer]):
    """The same for verbs whose body may come without its name."""

    def __call__(self, url: str | bytes, data: Any = None, json: Any = None, **kwargs: Any) -> Answer:
        """Send a request."""


class SubmittingSession(HttpSession):
    """A session that can submit a request without waiting for its answer."""

    _plain = PLAIN | {"files"}

    #: What is said of a call that only `requests` could make.
    _refusal = (
        "map leaves all to the engine, and this request needs requests' own code: {problem}. hint: make it by itself, "
        "with `client.request`."
    )

    def _is_bare(self, url: Any, data: Any, json: Any, kwargs: dict[str, Any]) -> bool:
        """Whether a call brings nothing but its method, URL and name, and its session nothing to merge with them."""
        return (
            not (kwargs or data is not None or json is not None or self._is_touched or self._headers_changed)
            and Session.send is SESSION_SEND
            and HTTPAdapter.send is ADAPTER_SEND
            and tracing.tracer is None
            and type(url) is str
            and "@" not in url
            and not (self.trust_env and (tls.environment_bundle() or environment.speaks()))
        )

    def _prepared(
        self, method: Any, url: Any, name: str | None, data: Any, json: Any, kwargs: dict[str, Any]
    ) -> tuple[dict[str, Any], Any, tracing.Trace | None]:
        """All that goes with a request, what makes its body, and who follows it."""
        self._refuse_two_bodies(data, kwargs)
        body = self._sent_body(data, method)
        try:
            extra = self._extra(method, url, data, json, kwargs, body)
        except NotPlain as problem:
            # Raised below: the caller's exception must not have our own reason among its causes.
            refused = problem
        else:
            return extra, body, self._trace(method, name, extra)
        self._refuse(refused)

    @staticmethod
    def _refuse_two_bodies(data: Any, kwargs: dict[str, Any]) -> None:
        """Say that files cannot go with a body that is made while it is sent, in `requests`' words."""
        if kwargs.get("files") and (uploading.is_streamed(data) or hasattr(data, "__aiter__")):
            raise NotImplementedError("Streamed bodies and files are mutually exclusive.")

    @staticmethod
    def _sent_body(data: Any, method: Any) -> SentBody | None:
        """What makes the body while it is sent; None for one that is data."""
        if data is None or not uploading.is_streamed(data):
            return None
        return SentBody(data, arguments.text(method), uploading.length_of(data))

    def _submitted(
        self, port: Any, waiter: Any, ledger: Any, is_direct: bool, method: Any, name: str | None, extra: dict[str, Any]
    ) -> int:
        try:
            key: int = self._client.send_with(port, waiter, ledger, is_direct, method, extra["url"], name, extra)
            return key
        except _core.InvalidTarget as problem:
            raise failures.invalid_target(problem) from None
        except _core.InvalidHeader as problem:
            raise InvalidHeader(problem.args[-1]) from None

    def _refuse(self, problem: NotPlain) -> NoReturn:
        """Say what is wrong with a call, as `requests` would if it can, else why it cannot be made here."""
        if isinstance(problem, BadJson):
            raise InvalidJSONError(problem.__cause__)
        if isinstance(problem, BadHeader):
            raise InvalidHeader(str(problem))
        raise LocustError(self._refusal.format(problem=problem))
