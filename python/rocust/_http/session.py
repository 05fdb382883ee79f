"""`HttpUser.client`: a `requests.Session` whose plain calls are run by the engine.

A session is made for every user, so it starts almost empty: what `requests.Session` builds in its constructor (headers, jars, adapters,
pools) is built here when somebody asks for it (`__getattr__`). Until somebody does, a call has nothing to merge and goes straight to
the engine; afterwards it is merged as `requests` merges. A call that is not plain data is run by `requests` itself (`paths`), which
hands what it prepared to the engine (`adapter`).
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from http.cookiejar import CookieJar
from typing import TYPE_CHECKING, Any

import requests
from requests import Session
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth
from requests.exceptions import InvalidSchema, InvalidURL, MissingSchema, RequestException

from rocust import _core
from rocust._events import EventHook
from rocust._http import arguments, environment, failures, paths, streaming, tls, tracing, uploading
from rocust._http.adapter import Call, is_engines
from rocust._http.address import absolute_http_url_regexp, credentials_in, split_credentials
from rocust._http.arguments import PLAIN, NotPlain
from rocust._http.cookies import adopt
from rocust._http.headers import SessionHeaders
from rocust._http.paths import ADAPTER_SEND, OVERRIDABLE, SESSION_SEND
from rocust._http.proxies import rules_of
from rocust._http.recording import direct_stats, ledgers
from rocust._http.response import ResponseContextManager, own_dict, renamed
from rocust._http.sent import prepared_from
from rocust._http.state import DEFAULT_HEADERS, ENCODED_DEFAULT_HEADERS, MAKERS, make_cookies, why_not_plain
from rocust._http.uploading import SentBody
from rocust._http.wire import PLAIN as PLAIN_WIRE
from rocust._http.wire import WiredSession, WireSettings, warn_of_foreign_connections
from rocust._kernel import mailroom
from rocust._kernel.green import getcurrent

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

logger = logging.getLogger("locust.clients")

_new = ResponseContextManager.__new__
_NO_CONTEXT: dict[str, Any] = {}
_DEFAULT_TABLE = arguments.checked_table(DEFAULT_HEADERS)

#: Attributes of a session that change what is sent, and how it is sent.
_SETTINGS = frozenset(
    {"auth", "params", "proxies", "hooks", "stream", "verify", "cert", "max_redirects", "adapters", *OVERRIDABLE}
)


class HttpSession(WiredSession, requests.Session):
    """A `requests.Session` that knows its base URL and reports each request.

    All methods of `requests.Session` take a path instead of a URL, and two more arguments: `name` (the label in the statistics) and
    `catch_response` (the call is used in a `with` block that judges the response).

    Same as Locust, and beside it: `http2`, `keep_alive`, `resolve`, `ip_version`, `source_address` and `tls_resumption` may be
    assigned; see the attributes of these names on `HttpUser`.
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
    #: The label of the latest call that `requests` ran, if it was given one. Same as Locust.
    explicit_name: str | None = None

    #: What calls give back, and how the body of one comes that is streamed.
    _response_kind: type[ResponseContextManager] = ResponseContextManager
    _begin_streaming = staticmethod(streaming.begin)

    #: Arguments of calls that are the engine's.
    _plain = PLAIN

    _is_touched = False
    _headers_changed = False
    #: Which method a subclass has of its own, in words.
    _own_code: str | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._own_code = paths.overridden_in(cls, HttpSession)
        cls._is_touched = cls._own_code is not None or cls._build_url is not HttpSession._build_url

    def __init__(
        self,
        base_url: str | None,
        request_event: EventHook,
        user: Any,
        *_: Any,
        pool_manager: Any = None,
        wire: WireSettings = PLAIN_WIRE,
        **__: Any,
    ) -> None:
        """Make a session.

        Args:
            base_url: What paths are appended to. Credentials in it become basic authentication.
            request_event: Fired for each request.
            user: Whose session this is, or None.
            pool_manager: A pool of urllib3, which users may share. All calls go through it then, so none is the engine's.
            wire: How connections are made.
        """
        own = self.__dict__
        own["request_event"], own["user"], own["_pool_manager"] = request_event, user, pool_manager
        base_url, credentials = split_credentials(base_url)
        own["_base_url"] = base_url
        own["_client"] = _core.Client("requests", base_url or "", ENCODED_DEFAULT_HEADERS, tls.DEFAULT)
        if pool_manager is not None:
            own["_is_touched"] = True
        if wire is not PLAIN_WIRE:
            self.wire = wire
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

    @property
    def max_body(self) -> int | None:
        """The most bytes a response's body may have, as received and as decoded. A larger one is a failure, `BodyTooLarge`.

        None, the default, bounds only what compression makes of a body: at a gibibyte. It may be assigned at any time, and one call may
        have another bound (`max_body=`). It holds wherever the engine sends, so not for calls that somebody else's adapter sends.

        Differs from Locust: it reads bodies of any size.
        """
        bound: int | None = self.__dict__.get("_max_body")
        return bound

    @max_body.setter
    def max_body(self, max_body: int | None) -> None:
        self._client.set_max_body(arguments.bound_of(max_body))
        self.__dict__["_max_body"] = max_body

    def __setattr__(self, name: str, value: Any) -> None:
        """Assign an attribute; those that change what is sent are noted."""
        if name == "verify" and (settings := tls.known(value)) is not None:
            # The engine can be told once, so that calls need not say it each time.
            self._client.set_tls(settings)
        elif name in _SETTINGS:
            self.__dict__["_is_touched"] = True
        elif name == "headers":
            value = SessionHeaders(value, self._note_headers)
            self._note_headers()
        elif name == "cookies":
            self._replace_cookies(value)
            return
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        """Make, at its first use, what `requests.Session` makes in its constructor."""
        maker = MAKERS.get(name)
        if maker is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        value = self.__dict__[name] = maker(self)
        if name in _SETTINGS and name != "adapters":
            self._note_touch()
        return value

    def _note_touch(self) -> None:
        self.__dict__["_is_touched"] = True

    def _note_headers(self) -> None:
        self.__dict__["_headers_changed"] = True

    def _replace_cookies(self, cookies: Any) -> None:
        """Have another jar: the engine's own takes the cookies of a plain one over, any other is left to `requests`."""
        own = self.__dict__
        if cookies is own.get("cookies"):
            return
        if isinstance(cookies, CookieJar):
            if not adopt(cookies, self._client, self._note_touch):
                self._note_touch()
            own["cookies"] = cookies
        else:
            own["cookies"] = fresh = make_cookies(self)
            fresh.replace(cookies)

    @property
    def paths(self) -> dict[str, int]:
        """How many calls went which way: `rust`, `prepared` or `adapter` (see `rocust._http.paths`).

        Calls of the first kind cost least. Why a call was none is logged at DEBUG to `locust.clients`, once for each reason and session.

        Differs from Locust: there is one way there.
        """
        tally = self.__dict__.get("_tally")
        submitted = self._client.submitted
        return tally.counts(submitted) if tally is not None else paths.Tally().counts(submitted)

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
            url: A path, which is appended to `base_url`, or a whole URL. Bytes are refused by a TypeError.
            name: The label in the statistics; the path by default.
            catch_response: Whether a `with` block will judge the response.
            context: Passed to listeners, together with the user's own context.
            data: The body: a dict or pairs (form), text or bytes; a file or anything that can be iterated is sent piece by piece.
            json: The body as JSON.
            **kwargs: As in `requests`: `params headers cookies auth timeout allow_redirects verify files stream proxies cert hooks`.
                And `max_body`, a bound for this call's response instead of the session's.

        Returns:
            The response. A connection that failed gives one with status 0 and the exception in `error`.

        Raises:
            requests.exceptions.InvalidURL: And `MissingSchema`, `InvalidSchema`, for a URL that cannot be requested.

        The time is taken where the bytes arrive. Of a call that `requests` has to prepare it is the sum over its hops; of one that
        somebody else's adapter sends it is the time around it, as in Locust.

        Differs from Locust: SOCKS proxies need no PySocks, and what they refuse is reported in their words.

        Same as Locust otherwise.
        """
        name = name or self.request_name
        ledger, is_direct = ledgers(self.request_event, self.user)
        room: Any = mailroom.current()
        extra: dict[str, Any] | None = None
        body: SentBody | None = None
        reason: str | None = None
        is_bare = (
            not (kwargs or data is not None or json is not None or self._is_touched or self._headers_changed)
            and Session.send is SESSION_SEND
            and HTTPAdapter.send is ADAPTER_SEND
            and tracing.tracer is None
            and not (self.trust_env and (tls.environment_bundle() or environment.speaks()))
        )
        try:
            if is_bare and type(url) is str and "@" not in url:
                key = self._client.send(
                    room.port, getcurrent(), ledger, is_direct and not catch_response, method, url, name
                )
            else:
                if data is not None and uploading.is_streamed(data):
                    body = SentBody(data, arguments.text(method), uploading.length_of(data))
                extra = self._extra(method, url, data, json, kwargs, body)
                room = self._followed(room, method, name, extra, body, kwargs)
                key = self._client.send_with(
                    room.port, getcurrent(), ledger, is_direct and not catch_response, method, extra["url"], name, extra
                )
        except _core.InvalidTarget as problem:
            raise failures.invalid_target(problem) from None
        except (NotPlain, _core.InvalidHeader) as problem:
            reason = str(problem)
        if reason is not None:
            # Outside of the handler: what goes wrong from here on must not have our own reason among its causes.
            return self._by_requests(reason, method, url, name, catch_response, context, data, json, kwargs)
        exchange = room.park(key) if body is None else body.exchange(room, key)
        if exchange is False:
            raise RuntimeError(failures.LOST)
        if exchange.is_settled and not catch_response:
            response = _new(self._response_kind)
            response._exchange, response._call = exchange, (self, method, name, context, extra, url)
            if extra is not None and extra["is_streamed"]:
                self._begin_streaming(own_dict(response), exchange)
            return response
        call = (self, method, name, context, extra, url)
        own_error = body.error if body is not None else None
        return self._reported(exchange, call, catch_response, kwargs.get("timeout"), own_error).usable()

    def _followed(
        self,
        room: Any,
        method: Any,
        name: str | None,
        extra: dict[str, Any],
        body: SentBody | None,
        kwargs: dict[str, Any],
    ) -> Any:
        """Where a call waits: if somebody follows it, what is to be sent with it is part of `extra` then."""
        trace = self._trace(method, name, extra)
        if trace is None:
            return room
        return tracing.FollowedRoom(
            room, trace, lambda exchange: self._traced_error(exchange, body, kwargs), lambda _: False
        )

    def _trace(self, method: Any, name: str | None, extra: dict[str, Any]) -> tracing.Trace | None:
        """Who follows a call, if anybody does; what is to be sent with it is part of `extra` then."""
        if tracing.tracer is None:
            return None
        url = self._build_url(extra["url"]) + (f"?{extra['query']}" if extra["query"] else "")
        headers = extra["headers"] or self._own_header_pairs()
        trace = tracing.tracer.begin(tracing.Call(arguments.text(method).upper(), url, name, headers))
        if trace is not None:
            extra["headers"] = trace.headers
        return trace

    @staticmethod
    def _traced_error(exchange: Any, body: SentBody | None, kwargs: dict[str, Any]) -> BaseException:
        """What a call failed with, for who follows it."""
        if body is not None and body.error is not None:
            return failures.of_body(body.error)
        return failures.of_requests(exchange, arguments.limits_of(kwargs.get("timeout")))[0]

    def _reported(
        self,
        exchange: Any,
        call: tuple[Any, ...],
        catch_response: bool,
        timeout: Any,
        own_error: Exception | None = None,
    ) -> ResponseContextManager:
        """Build the response and tell the listeners, or leave that to the `with` block."""
        _, method, name, context, extra, url = call
        if exchange.failed:
            limits = arguments.limits_of(timeout)
            error = failures.of_body(own_error) if own_error else failures.of_requests(exchange, limits)[0]
            if not failures.knows_no_request(exchange):
                error.request = prepared_from(exchange, call)
            else:
                # As in Locust: an error within the body knows no request, so the URL is the name as it was passed.
                name = name or arguments.text(url)
            response = self._response_kind(error)
        else:
            response = _new(self._response_kind)
        own = own_dict(response)
        own["_exchange"], own["_call"] = exchange, call
        if not exchange.failed and extra is not None and extra["is_streamed"]:
            self._begin_streaming(own, exchange)
        own["_request_event"], own["_catch_response"] = self.request_event, catch_response
        if catch_response and not exchange.failed and direct_stats(self.request_event) is not None:
            # `request_meta` is made when somebody reads it; whom it would be told to may never ask.
            return response
        meta = response.request_meta = self._meta(response, method, name, context)
        if response.is_unusable:
            # Not to be judged by anybody: the server has seen a request, and the caller gets an exception.
            meta["exception"] = response.error
            response._report()
        elif not catch_response:
            response.report_by_status()
        return response

    def _meta(
        self, response: ResponseContextManager, method: Any, name: str | None, context: dict[str, Any]
    ) -> dict[str, Any]:
        """What the listeners are told: a failed call by the request that failed, any other by its first one."""
        exchange = response._exchange
        user = self.user
        failed = exchange.failed
        extra = response._call[4]
        is_streamed = extra is not None and extra["is_streamed"]
        return {
            "request_type": method,
            "response_time": exchange.response_time,
            "name": name or (exchange.path_url if failed else exchange.first_path_url),
            "context": {**user.context(), **context} if user else context,
            "response": response,
            "exception": None,
            "start_time": exchange.started_at,
            "url": exchange.url if failed else exchange.first_url,
            "response_length": exchange.declared_length if is_streamed else exchange.length,
        }

    def _why_by_requests(self, kwargs: dict[str, Any]) -> str | None:
        """What of the call, of the session or of the process needs `requests`' own code, in words."""
        return (
            paths.patched()
            or paths.unplain(kwargs, self._plain)
            or (self._is_touched and why_not_plain(self))
            or (self.trust_env and environment.speaks())
            or None
        )

    def _extra(
        self, method: Any, url: Any, data: Any, json: Any, kwargs: dict[str, Any], sent: SentBody | None = None
    ) -> dict[str, Any]:
        """All that goes with the request, as plain data.

        Raises:
            NotPlain: When `requests` itself must run the call.
        """
        own = self.__dict__
        max_body = arguments.bound_of(kwargs.get("max_body", self.max_body))
        reason = self._why_by_requests(kwargs)
        if reason is not None:
            raise NotPlain(reason)
        if self._headers_changed:
            self._push_headers()
        body = sent or arguments.body_of(data, json, kwargs.get("files"))
        content = body.content
        if content is None and sent is None and arguments.text(method).upper() not in ("GET", "HEAD"):
            content = b""
        headers = kwargs.get("headers")
        pairs: list[tuple[str, bytes]] | None = None
        auth = kwargs.get("auth")
        if auth is None:
            auth = credentials_in(url) if self.auth is None else self.auth
        authorization = arguments.authorization_of(auth)
        if headers or body.content_type or authorization or sent:
            pairs = self._headers_with(headers, content, body.content_type, authorization, sent)
        connect, read = arguments.limits_of(kwargs.get("timeout"))
        verify = kwargs.get("verify")
        if self.trust_env and (verify is None or verify is True):
            verify = tls.environment_bundle() or verify
        follow = kwargs.get("allow_redirects", True)
        return {
            # What is no text is refused there, in Python's words.
            "url": url if isinstance(url, str) and type(self)._build_url is _BUILD_URL else self._build_url(url),
            "headers": pairs,
            "body": content,
            "written_body": body.written,
            "query": arguments.query_of(arguments.merged(kwargs.get("params"), own.get("params"))),
            "cookies": arguments.cookies_of(kwargs.get("cookies")),
            "use_jar": True,
            "connect_timeout": connect,
            "read_timeout": read,
            "follow": bool(follow),
            "max_redirects": self.max_redirects,
            "max_body": max_body,
            "tls": tls.of_requests(
                self.verify if verify is None else verify,
                kwargs.get("cert") or self.cert,
                url if absolute_http_url_regexp.match(arguments.text(url)) else self.base_url or "",
            ),
            "is_streamed": bool(kwargs.get("stream")),
            "upload": sent.core if sent else None,
            "proxies": rules_of(kwargs.get("proxies"), own.get("proxies")),
        }

    def _headers_with(
        self,
        headers: Any,
        content: bytes | None,
        content_type: str | None,
        authorization: tuple[str, str] | None,
        sent: SentBody | None = None,
    ) -> list[tuple[str, bytes]]:
        """The session's headers with a call's own over them, in `requests`' order."""
        # Those of the session were looked at when they were set.
        table = self.__dict__.get("_header_table", _DEFAULT_TABLE).copy()
        if headers:
            for key, header in arguments.checked_table(dict(headers).items()).items():
                if header[1] is None:
                    # It takes one away, and what comes of the body may take its place.
                    table.pop(key, None)
                else:
                    table[key] = header
        if sent is not None:
            name, value = sent.framing
            table[name.lower()] = name, value.encode()
        elif content is not None:
            table["content-length"] = "Content-Length", b"%d" % len(content)
        if content_type and "content-type" not in table:
            table["content-type"] = "Content-Type", content_type.encode()
        if authorization:
            name, value = authorization
            table[name.lower()] = name, arguments.encoded(value)
        return arguments.pairs_of(table)

    def _own_header_pairs(self) -> list[tuple[str, bytes]]:
        own = self.__dict__.get("headers")
        return ENCODED_DEFAULT_HEADERS if own is None else arguments.header_pairs(own.items())

    def _push_headers(self) -> None:
        own = self.__dict__
        checked = arguments.checked_table(self.headers.items())
        table = own["_header_table"] = {key: header for key, header in checked.items() if header[1] is not None}
        self._client.set_headers(arguments.pairs_of(table))
        own["_headers_changed"] = False

    # -- calls that requests runs -------------------------------------------------------------------------------------------

    def _by_requests(
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
        """Have `requests` run the call; its requests are the engine's all the same, unless somebody else's adapter sends them."""
        self._tell(reason)
        self.explicit_name = name
        complete_url = self._build_url(url)
        max_body = arguments.bound_of(kwargs.pop("max_body", self.max_body))
        call = Call(
            ledgers(self.request_event, self.user)[0], is_foreign=paths.patched() is not None, max_body=max_body
        )
        calls, key = self._calls, getcurrent()
        outer = calls.get(key)
        calls[key] = call
        started_at, begun = time.time(), time.perf_counter()  # noqa: TID251 - shown as start_time
        try:
            plain = self._send_request_safe_mode(method, complete_url, data=data, json=json, **kwargs)
        except BaseException:
            call.breaks_off()
            raise
        finally:
            if outer is None:
                del calls[key]
            else:
                calls[key] = outer
        response_time = (time.perf_counter() - begun) * 1000
        if is_ours := call.ran_all(plain):
            started_at, response_time = call.started_at or started_at, call.response_time or response_time
        self._tally.note(is_ours)
        if not is_ours and self.wire != PLAIN_WIRE:
            warn_of_foreign_connections()
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
        if is_ours and not streamed and plain.raw is not None:
            # It has been read, as anybody can see who looks.
            plain.raw.drain_conn()
        response = self._response_kind.wrap_response(plain, self.request_event, meta, catch_response)
        call.hand_over(response, is_ours)
        if not catch_response:
            response.report_by_status()
        return response

    def _tell(self, reason: str) -> None:
        """Log why a call is not the engine's alone, once for each reason."""
        told = self.__dict__.setdefault("_told", set())
        if reason not in told:
            told.add(reason)
            logger.debug("Calls of this session are run by requests itself, at requests' cost: %s", reason)

    def _send_request_safe_mode(self, method: Any, url: str, **kwargs: Any) -> requests.Response:
        """Have `requests` send, and make a response of what goes wrong. Same as Locust."""
        try:
            return super().request(method, url, **kwargs)
        except (MissingSchema, InvalidSchema, InvalidURL):
            raise
        except RequestException as error:
            call = self._calls.get(getcurrent())
            if call is not None and error is call.error:
                error.__context__ = call.cause
            return ResponseContextManager(error)

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        """A request with the session's settings merged into it. Same as Locust."""
        prepared = super().prepare_request(request)
        if self.explicit_name:
            prepared._explicit_name = self.explicit_name  # type: ignore[attr-defined]
        return prepared

    def _build_url(self, path: str) -> str:
        """`path` appended to the base URL, unless it is a whole URL already. Same as Locust."""
        return path if absolute_http_url_regexp.match(path) else f"{self.base_url}{path}"

    def rename_request(self, name: str) -> AbstractContextManager[None]:
        """Group the requests of a `with` block under `name`. Same as Locust."""
        return renamed(self, name)

    # -- verbs ------------------------------------------------------------------------------------------------------------

    def get(self, url: str | bytes, *, data: Any = None, json: Any = None, **kwargs: Any) -> ResponseContextManager:
        """Send a GET request. Same as Locust."""
        # Most calls bring nothing else, and to hand on an empty dict costs as much as the rest of this.
        if kwargs:
            return self.request("GET", url, data=data, json=json, **kwargs)
        return self.request("GET", url, data=data, json=json)

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
        for adapter in self.__dict__.get("adapters", {}).values():
            adapter.close()

    # -- copies -----------------------------------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        """What a pickled session keeps: `requests`' settings, the base URL and the label, not its user, listeners or connections."""
        state: dict[str, Any] = super().__getstate__()  # type: ignore[misc]
        state["adapters"] = OrderedDict(
            (prefix, adapter) for prefix, adapter in state["adapters"].items() if not is_engines(adapter)
        )
        return {**state, "base_url": self.base_url, "request_name": self.request_name, "max_body": self.max_body}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Make a session that reports to nobody.

        Differs from Locust: there such a session cannot be used.
        """
        state = dict(state)
        HttpSession.__init__(self, state.pop("base_url"), EventHook(), None)
        adapters = state.pop("adapters")
        super().__setstate__(state)  # type: ignore[misc]
        for prefix, adapter in adapters.items():
            self.mount(prefix, adapter)


_BUILD_URL = HttpSession._build_url
