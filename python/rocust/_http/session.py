"""`HttpUser.client`: a `requests.Session` whose plain calls are run by the engine.

A session is made for every user, so it starts almost empty: what `requests.Session` builds in its constructor (headers, jars, adapters,
pools) is built here when somebody asks for it (`__getattr__`). Until somebody does, a call has nothing to merge and goes straight to
the engine; afterwards it is merged as `requests` merges. A call that is not plain data takes the `detour` through `requests` itself.
"""

from __future__ import annotations

import logging
import re
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlparse, urlunparse

import requests
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth
from requests.exceptions import InvalidSchema, InvalidURL, MissingSchema, RequestException
from requests.hooks import default_hooks
from requests.structures import CaseInsensitiveDict
from requests.utils import DEFAULT_CA_BUNDLE_PATH, default_user_agent

from rocust import _core
from rocust._http import arguments, failures
from rocust._http.arguments import PLAIN, NotPlain
from rocust._http.cookies import SessionCookies
from rocust._http.headers import SessionHeaders
from rocust._http.recording import ledgers
from rocust._http.response import ResponseContextManager, renamed
from rocust._kernel import mailroom
from rocust._kernel.green import getcurrent

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from rocust._events import EventHook

logger = logging.getLogger("locust.clients")

absolute_http_url_regexp = re.compile(r"^https?://", re.IGNORECASE)

_new = ResponseContextManager.__new__
_NO_CONTEXT: dict[str, Any] = {}

#: Attributes of a session that change what is sent, and how each of them starts.
_SETTINGS = frozenset({"auth", "params", "proxies", "hooks", "stream", "verify", "cert", "max_redirects", "adapters"})


class LocustHttpAdapter(HTTPAdapter):
    """The adapter of calls that take the detour, optionally over a pool that users share. Same as Locust."""

    def __init__(self, pool_manager: Any = None, *args: Any, **kwargs: Any) -> None:
        """Make an adapter over `pool_manager`, or over a pool of its own."""
        self.poolmanager = pool_manager
        super().__init__(*args, **kwargs)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make a pool unless one was given. Same as Locust."""
        if self.poolmanager is None:
            super().init_poolmanager(*args, **kwargs)


class HttpSession(requests.Session):
    """A `requests.Session` that knows its base URL and reports each request.

    All methods of `requests.Session` take a path instead of a URL, and two more arguments: `name` (the label in the statistics) and
    `catch_response` (the call is used in a `with` block that judges the response).

    Same as Locust.
    """

    # What requests' constructor would set, without a constructor: most users never touch them.
    auth: Any = None
    stream = False
    verify: Any = True
    cert: Any = None
    max_redirects = 30
    trust_env = True

    #: A label for all requests until it is set to None again.
    request_name: str | None = None

    _is_touched = False
    _headers_changed = False

    def __init__(
        self, base_url: str | None, request_event: EventHook, user: Any, *_: Any, pool_manager: Any = None, **__: Any
    ) -> None:
        """Make a session.

        Args:
            base_url: What paths are appended to. Credentials in it become basic authentication.
            request_event: Fired for each request.
            user: Whose session this is, or None.
            pool_manager: A urllib3 pool for calls that take the detour; the engine keeps its own connections.
        """
        own = self.__dict__
        own["request_event"], own["user"], own["_pool_manager"] = request_event, user, pool_manager
        base_url, credentials = _split_credentials(base_url)
        own["_base_url"] = base_url
        own["_client"] = _core.Client("requests", base_url or "", _ENCODED_DEFAULT_HEADERS, str(DEFAULT_CA_BUNDLE_PATH))
        if credentials:
            self.auth = HTTPBasicAuth(*credentials)

    # -- settings ---------------------------------------------------------------------------------------------------------

    @property
    def base_url(self) -> str | None:
        """What paths are appended to; may be assigned at any time. Same as Locust."""
        return self._base_url  # type: ignore[no-any-return]

    @base_url.setter
    def base_url(self, base_url: str | None) -> None:
        self.__dict__["_base_url"] = base_url
        self._client.set_base_url(base_url or "")

    def __setattr__(self, name: str, value: Any) -> None:
        """Assign an attribute; those that change what is sent are noted."""
        if name in _SETTINGS:
            self.__dict__["_is_touched"] = True
        elif name == "headers":
            value = SessionHeaders(value, self._note_headers)
            self._note_headers()
        elif name == "cookies":
            self.cookies.replace(value)  # type: ignore[attr-defined]
            return
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        """Make, at its first use, what `requests.Session` makes in its constructor."""
        maker = _MAKERS.get(name)
        if maker is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        value = self.__dict__[name] = maker(self)
        if name in _SETTINGS:
            self.__dict__["_is_touched"] = True
        return value

    def _note_headers(self) -> None:
        self.__dict__["_headers_changed"] = True

    # -- requests ---------------------------------------------------------------------------------------------------------

    def request(  # type: ignore[override]
        self,
        method: str | bytes,
        url: str | bytes,
        name: str | None = None,
        catch_response: bool = False,
        context: dict[str, Any] = _NO_CONTEXT,
        *,
        data: Any = None,
        json: Any = None,
        **kwargs: Any,
    ) -> ResponseContextManager:
        """Send a request and report it.

        Args:
            method: The HTTP method.
            url: A path, which is appended to `base_url`, or a whole URL.
            name: The label in the statistics; the path by default.
            catch_response: Whether a `with` block will judge the response.
            context: Passed to listeners, together with the user's own context.
            data: The body: a dict or pairs (form), text or bytes.
            json: The body as JSON.
            **kwargs: As in `requests`: `params headers cookies auth timeout allow_redirects verify files stream proxies cert hooks`.

        Returns:
            The response. A connection that failed gives one with status 0 and the exception in `error`.

        Raises:
            requests.exceptions.InvalidURL: And `MissingSchema`, `InvalidSchema`, for a URL that cannot be requested.

        Same as Locust, but the time is taken where the bytes arrive.
        """
        name = name or self.request_name
        ledger, is_direct = ledgers(self.request_event, self.user)
        room = mailroom.current()
        extra: dict[str, Any] | None = None
        detour_reason: str | None = None
        is_bare = not (kwargs or data is not None or json is not None or self._is_touched or self._headers_changed)
        try:
            if is_bare and not (type(url) is str and "@" in url):
                key = self._client.send(
                    room.port, getcurrent(), ledger, is_direct and not catch_response, method, url, name
                )
            else:
                if self._headers_changed:
                    self._push_headers()
                extra = self._extra(method, url, data, json, kwargs)
                key = self._client.send_with(
                    room.port, getcurrent(), ledger, is_direct and not catch_response, method, url, name, extra
                )
        except _core.InvalidTarget as problem:
            raise failures.invalid_target(problem) from None
        except (NotPlain, _core.InvalidHeader) as problem:
            detour_reason = str(problem)
        if detour_reason is not None:
            # Outside of the handler: what goes wrong on the detour must not have our own reason among its causes.
            return self._detour(detour_reason, method, url, name, catch_response, context, data, json, kwargs)
        exchange = room.park(key)
        if exchange is False:
            raise RuntimeError(
                "The engine lost a request to a panic of its own; see the traceback above. This run cannot be trusted."
            )
        if exchange.is_settled and not catch_response:
            response = _new(ResponseContextManager)
            own = response.__dict__
            own["_exchange"], own["_call"] = exchange, (self, method, name, context)
            return response
        limits = arguments.limits_of(kwargs.get("timeout"))
        return self._report(exchange, method, name, catch_response, context, limits, extra)

    def _report(
        self,
        exchange: Any,
        method: Any,
        name: str | None,
        catch_response: bool,
        context: dict[str, Any],
        limits: tuple[float | None, float | None],
        extra: dict[str, Any] | None,
    ) -> ResponseContextManager:
        """Build the response and tell the listeners, or leave that to the `with` block.

        Raises:
            InvalidSchema: After a redirect to something that is not HTTP, reported all the same: the server has seen a request.
        """
        if exchange.failed:
            error, _ = failures.of_requests(exchange, limits)
            response = ResponseContextManager(error)
            response.__dict__["_exchange"] = exchange
            error.request = response.request = self._attempted(exchange, method, extra)
        else:
            response = _new(ResponseContextManager)
            response.__dict__["_exchange"] = exchange
        response._request_event = self.request_event
        response._catch_response = catch_response
        meta = response.request_meta = self._meta(response, method, name, context)
        if isinstance(response.error, InvalidSchema):
            meta["exception"] = response.error
            response._report()
            raise response.error
        if not catch_response:
            meta["exception"] = response.verdict(meta["name"])
            response._report()
        return response

    def _attempted(self, exchange: Any, method: Any, extra: dict[str, Any] | None) -> requests.PreparedRequest:
        """The request that failed, as far as it got."""
        prepared = requests.PreparedRequest()
        prepared.method = exchange.request_method or arguments.text(method).upper()
        prepared.url = exchange.url
        prepared.body = exchange.request_body or (extra["body"] if extra else None)
        own = extra["headers"] if extra and extra["headers"] is not None else self._own_header_pairs()
        sent = exchange.request_headers() or [(name, value.decode("latin-1")) for name, value in own]
        prepared.headers = CaseInsensitiveDict(sent)
        return prepared

    def _meta(
        self, response: ResponseContextManager, method: Any, name: str | None, context: dict[str, Any]
    ) -> dict[str, Any]:
        """What the listeners are told."""
        exchange = response._exchange
        user = self.user
        return {
            "request_type": method,
            "response_time": exchange.response_time,
            "name": name or exchange.first_path_url,
            "context": {**user.context(), **context} if user else context,
            "response": response,
            "exception": None,
            "start_time": exchange.started_at,
            "url": exchange.first_url,
            "response_length": exchange.length,
        }

    def _extra(self, method: Any, url: Any, data: Any, json: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
        """All that goes with the request, as plain data.

        Raises:
            NotPlain: When `requests` itself must run the call.
        """
        if not PLAIN.issuperset(kwargs):
            unplain = {key for key in kwargs.keys() - PLAIN if kwargs[key]}
            if unplain:
                raise NotPlain(f"{', '.join(sorted(unplain))} given")
        own = self.__dict__
        if self._is_touched and (
            self.stream or self.cert or own.get("proxies") or any(own.get("hooks", {}).values()) or "adapters" in own
        ):
            raise NotPlain("the session streams, has hooks, proxies, a certificate or adapters of its own")
        content, content_type = arguments.body_of(data, json)
        if content is None and arguments.text(method).upper() not in ("GET", "HEAD"):
            content = b""
        headers = kwargs.get("headers")
        pairs: list[tuple[str, bytes]] | None = None
        authorization = arguments.authorization_of(kwargs.get("auth") or self.auth or _credentials_in(url))
        if headers or content_type or authorization:
            pairs = self._headers_with(headers, content_type, authorization)
        connect, read = arguments.limits_of(kwargs.get("timeout"))
        verify = kwargs.get("verify")
        follow = kwargs.get("allow_redirects")
        return {
            "headers": pairs,
            "body": content,
            "query": arguments.query_of(arguments.merged(kwargs.get("params"), own.get("params"))),
            "cookies": arguments.cookies_of(kwargs.get("cookies")),
            "connect_timeout": connect,
            "read_timeout": read,
            "follow": True if follow is None else bool(follow),
            "max_redirects": self.max_redirects,
            "bundle": _bundle(self.verify if verify is None else verify),
        }

    def _headers_with(
        self, headers: Any, content_type: str | None, authorization: str | None
    ) -> list[tuple[str, bytes]]:
        """The session's headers with a call's own over them, in `requests`' order."""
        both = CaseInsensitiveDict(self.__dict__.get("headers", _DEFAULT_HEADERS))
        for key, value in dict(headers or {}).items():
            both[arguments.text(key)] = value
        if content_type and "content-type" not in both:
            both["Content-Type"] = content_type
        if authorization:
            both["Authorization"] = authorization
        return arguments.checked_header_pairs(both)

    def _own_header_pairs(self) -> list[tuple[str, bytes]]:
        own = self.__dict__.get("headers")
        return _ENCODED_DEFAULT_HEADERS if own is None else arguments.header_pairs(own.items())

    def _push_headers(self) -> None:
        self._client.set_headers(arguments.checked_header_pairs(self.headers))
        self.__dict__["_headers_changed"] = False

    # -- the detour -------------------------------------------------------------------------------------------------------

    def _detour(
        self,
        reason: str,
        method: Any,
        url: Any,
        name: str | None,
        catch_response: bool,
        context: dict[str, Any],
        data: Any,
        json: Any,
        kwargs: dict[str, Any],
    ) -> ResponseContextManager:
        """Run the call by `requests` itself, timed around it as stock times it."""
        logger.debug("%s %s is run by requests itself: %s", method, url, reason)
        complete_url = self._build_url(arguments.text(url))
        started_at, begun = time.time(), time.perf_counter()  # noqa: TID251 - shown as start_time
        try:
            plain = super().request(method, complete_url, data=data, json=json, **kwargs)
        except (MissingSchema, InvalidSchema, InvalidURL):
            raise
        except RequestException as error:
            plain = ResponseContextManager(error)
        response_time = (time.perf_counter() - begun) * 1000
        first: Any = (plain.history[0] if plain.history else plain).request
        streamed = bool(kwargs.get("stream", False))
        meta = {
            "request_type": method,
            "response_time": response_time,
            "name": name or (first.path_url if first is not None else str(url)),
            "context": {**self.user.context(), **context} if self.user else context,
            "response": plain,
            "exception": None,
            "start_time": started_at,
            "url": str(first.url) if first is not None else complete_url,
            "response_length": int(plain.headers.get("content-length") or 0) if streamed else len(plain.content or b""),
        }
        response = ResponseContextManager.wrap_response(plain, self.request_event, meta, catch_response)
        if not catch_response:
            meta["exception"] = response.verdict(str(meta["name"]))
            response._report()
        return response

    def get_adapter(self, url: str | bytes) -> Any:
        """The adapter for a call that takes the detour.

        Raises:
            InvalidSchema: When there is none for the URL.

        Same as requests.
        """
        if "adapters" in self.__dict__:
            return super().get_adapter(arguments.text(url))
        # Adapters that nobody asked for: the calls that need none of them stay plain.
        adapters = self.__dict__["_detour_adapters"] = _make_adapters(self)
        for prefix, adapter in adapters.items():
            if arguments.text(url).lower().startswith(prefix):
                return adapter
        raise InvalidSchema(f"No connection adapters were found for {url!r}")

    def _build_url(self, path: str) -> str:
        """`path` appended to the base URL, unless it is a whole URL already. Same as Locust."""
        return path if absolute_http_url_regexp.match(path) else f"{self.base_url}{path}"

    def rename_request(self, name: str) -> AbstractContextManager[None]:
        """Group the requests of a `with` block under `name`. Same as Locust."""
        return renamed(self, name)

    # -- verbs ------------------------------------------------------------------------------------------------------------

    def get(self, url: str | bytes, *, data: Any = None, json: Any = None, **kwargs: Any) -> ResponseContextManager:
        """Send a GET request. Same as Locust."""
        return self.request("GET", url, data=data, json=json, **kwargs)

    def options(self, url: str | bytes, *, data: Any = None, json: Any = None, **kwargs: Any) -> ResponseContextManager:
        """Send an OPTIONS request. Same as Locust."""
        return self.request("OPTIONS", url, data=data, json=json, **kwargs)

    def head(self, url: str | bytes, *, data: Any = None, json: Any = None, **kwargs: Any) -> ResponseContextManager:
        """Send a HEAD request; redirects are not followed unless `allow_redirects=True`. Same as Locust."""
        kwargs.setdefault("allow_redirects", False)
        return self.request("HEAD", url, data=data, json=json, **kwargs)

    def post(self, url: str | bytes, data: Any = None, json: Any = None, **kwargs: Any) -> ResponseContextManager:
        """Send a POST request. Same as Locust."""
        return self.request("POST", url, data=data, json=json, **kwargs)

    def put(self, url: str | bytes, data: Any = None, *, json: Any = None, **kwargs: Any) -> ResponseContextManager:
        """Send a PUT request. Same as Locust."""
        return self.request("PUT", url, data=data, json=json, **kwargs)

    def patch(self, url: str | bytes, data: Any = None, *, json: Any = None, **kwargs: Any) -> ResponseContextManager:
        """Send a PATCH request. Same as Locust."""
        return self.request("PATCH", url, data=data, json=json, **kwargs)

    def delete(self, url: str | bytes, *, data: Any = None, json: Any = None, **kwargs: Any) -> ResponseContextManager:
        """Send a DELETE request. Same as Locust."""
        return self.request("DELETE", url, data=data, json=json, **kwargs)

    def close(self) -> None:
        """Close this session's idle connections. Same as requests."""
        self._client.close()
        for adapter in (self.__dict__.get("adapters") or self.__dict__.get("_detour_adapters") or {}).values():
            adapter.close()


def _make_adapters(session: HttpSession) -> dict[str, HTTPAdapter]:
    """The adapters of a session, which calls that took the detour may have made already."""
    made: dict[str, HTTPAdapter] | None = session.__dict__.get("_detour_adapters")
    if made is not None:
        return made
    pool_manager = session.__dict__["_pool_manager"]
    # The same order as in requests: the longest prefix first.
    return OrderedDict((prefix, LocustHttpAdapter(pool_manager)) for prefix in ("https://", "http://"))


def _make_headers(session: HttpSession) -> SessionHeaders:
    return SessionHeaders(dict(_DEFAULT_HEADERS), session._note_headers)


_MAKERS: dict[str, Any] = {
    "headers": _make_headers,
    "cookies": lambda session: SessionCookies(session._client),
    "params": lambda _: {},
    "proxies": lambda _: {},
    "hooks": lambda _: default_hooks(),
    "adapters": _make_adapters,
}

#: What `requests` sends by default where Locust is installed: its FastHttpUser brings brotli along.
_DEFAULT_HEADERS = (
    ("User-Agent", default_user_agent()),
    ("Accept-Encoding", "gzip, deflate, br"),
    ("Accept", "*/*"),
    ("Connection", "keep-alive"),
)


_ENCODED_DEFAULT_HEADERS = arguments.header_pairs(_DEFAULT_HEADERS)


def _credentials_in(url: Any) -> tuple[str, str] | None:
    """User and password that a whole URL brings along."""
    return _split_credentials(url)[1] if isinstance(url, str) and absolute_http_url_regexp.match(url) else None


def _bundle(verify: Any) -> str | None:
    """The file of trusted certificates for what `requests` takes as `verify`; None switches verification off."""
    if verify is True:
        return str(DEFAULT_CA_BUNDLE_PATH)
    return str(verify) if verify else None


def _split_credentials(base_url: str | None) -> tuple[str | None, tuple[str, str] | None]:
    """A base URL without its credentials, and those, percent-decoded."""
    if not base_url or "@" not in base_url:
        return base_url, None
    parts = urlparse(base_url)
    if not (parts.username and parts.password):
        return base_url, None
    bare = urlunparse(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    return bare, (unquote(parts.username), unquote(parts.password))
