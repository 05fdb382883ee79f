"""What a session keeps: how each part of it starts, made at its first use; and what of it needs `requests`' own code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from requests.hooks import default_hooks
from requests.utils import default_user_agent
from urllib3.response import HAS_ZSTD

from rocust._http import arguments, paths
from rocust._http.adapter import LocustHttpAdapter, SessionAdapters, is_engines
from rocust._http.cookies import SessionCookies
from rocust._http.headers import SessionHeaders
from rocust._http.paths import OVERRIDABLE

if TYPE_CHECKING:
    from requests.adapters import HTTPAdapter

    from rocust._http.session import HttpSession


def why_not_plain(session: HttpSession) -> str | None:
    """What of a session's own state needs `requests`, in words."""
    own = session.__dict__
    cookies = own.get("cookies")
    reasons = (
        (session._own_code is not None, session._own_code),
        (own["_pool_manager"] is not None, "a pool_manager is given"),
        (not own.keys().isdisjoint(OVERRIDABLE), "a method of the session is replaced"),
        (session.stream and not callable(session.stream), "the session streams"),
        (any(own.get("hooks", {}).values()), "the session has hooks"),
        (
            not all(is_engines(adapter) for adapter in own.get("adapters", {}).values()),
            "an adapter is mounted",
        ),
        (
            cookies is not None and not (type(cookies) is SessionCookies and cookies.is_plain(session._client)),
            "the session has cookies of its own kind, or a policy for them",
        ),
    )
    return next((words for holds, words in reasons if holds), None)


def _is_local(base_url: str | None) -> bool:
    """Whether HTTP is spoken over a Unix socket."""
    return (base_url or "")[:12].lower() == "http+unix://"


def _make_adapters(session: HttpSession) -> dict[str, HTTPAdapter]:
    """The adapters of a session, in `requests`' order: the longest prefix first."""
    own = session.__dict__
    pairs = (
        (prefix, LocustHttpAdapter.of_session(session._client, session._tally, session._calls, own["_pool_manager"]))
        for prefix in ("https://", "http://", *(["http+unix://"] if _is_local(session.base_url) else []))
    )
    return SessionAdapters(pairs, session._note_touch)


def make_cookies(session: HttpSession) -> SessionCookies:
    """A fresh jar over the engine's cookies of the session."""
    return SessionCookies(session._client, session._note_touch)


def _make_headers(session: HttpSession) -> SessionHeaders:
    return SessionHeaders(dict(DEFAULT_HEADERS), session._note_headers)


MAKERS: dict[str, Any] = {
    "headers": _make_headers,
    "cookies": make_cookies,
    "params": lambda _: {},
    "proxies": lambda _: {},
    "hooks": lambda _: default_hooks(),
    "adapters": _make_adapters,
    "_tally": lambda _: paths.Tally(),
    "_calls": lambda _: {},
}

#: What `requests` sends by default where Locust is installed: its FastHttpUser brings brotli along.
DEFAULT_HEADERS = (
    ("User-Agent", default_user_agent()),
    ("Accept-Encoding", f"gzip, deflate, br{', zstd' if HAS_ZSTD else ''}"),
    ("Accept", "*/*"),
    ("Connection", "keep-alive"),
)


ENCODED_DEFAULT_HEADERS = arguments.header_pairs(DEFAULT_HEADERS)
