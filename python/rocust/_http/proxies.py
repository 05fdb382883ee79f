"""`proxies=`: which proxies a call takes, as `requests` works it out, in the engine's terms.

The engine picks from the rules for every hop (`_core.Proxies`). Proxies that the environment names are merged by `requests` itself:
a session that trusts it sends its calls the prepared way as soon as there are any (`environment`).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from requests.auth import _basic_auth_str
from requests.exceptions import InvalidProxyURL, InvalidURL, RequestException
from requests.utils import get_auth_from_url, prepend_scheme_if_needed
from urllib3.exceptions import LocationValueError, ProxySchemeUnknown
from urllib3.util import parse_url

from rocust import _core
from rocust._http.arguments import NotPlain

_PORTS = {"http": 80, "https": 443, "socks4": 1080, "socks4a": 1080, "socks5": 1080, "socks5h": 1080}
#: `http.client` asks for tunnels in HTTP/1.1 since then.
_SPEAKS_HTTP11 = sys.version_info >= (3, 12)


def rules_of(own: Any, session: Any = None) -> _core.Proxies | None:
    """The rules of a call's mapping over its session's, as `requests` merges them: the call wins, None removes.

    Returns:
        None when nobody names a proxy.

    Raises:
        NotPlain: For what `requests` has to say about it.
    """
    if not own and not session:
        return None
    if not (isinstance(own or {}, Mapping) and isinstance(session or {}, Mapping)):
        raise NotPlain("proxies is no mapping")
    both = {**(session or {}), **(own or {})}
    return _known_rules(tuple((str(key), url) for key, url in both.items() if url is not None))


@lru_cache(maxsize=256)
def _known_rules(rules: tuple[tuple[str, Any], ...]) -> _core.Proxies:
    """The same rules are the same object, so that connections are found by it."""
    return _core.Proxies([(key, _taken_apart(str(url)) if url else None) for key, url in rules])


def proxy_at(host: str, port: int | None) -> _core.Proxies:
    """The rules that send everything to this HTTP proxy, as `FastHttpUser` names it.

    Raises:
        AssertionError: When there is no port.
    """
    assert port is not None, "you have to provide proxy_port if you set proxy_host"
    proxy = {
        "url": f"http://{host}:{port}",
        "kind": "http",
        "host": host,
        "port": int(port),
        "credentials": None,
        "authorization": None,
        "speaks_http11": True,
        "always_names_port": True,
    }
    return _core.Proxies([("all", proxy)])


def said_of(problem: Exception) -> str:
    """What a `FastHttpUser` is told of a request that cannot be sent."""
    kind, message = problem.args
    if kind != "invalid-proxy":
        return str(message)
    return f"{message} is no proxy; hint: proxy_host is a host name or an address alone"


def _taken_apart(url: str) -> dict[str, Any] | str:
    """A proxy's URL in parts; the URL as it is when it cannot be used."""
    try:
        complete = prepend_scheme_if_needed(url, "http")  # type: ignore[no-untyped-call]
        parts = parse_url(complete)
    except LocationValueError:
        return url
    kind = (parts.scheme or "").lower()
    if not parts.host or kind not in _PORTS:
        return url
    user, password = get_auth_from_url(complete)
    return {
        "url": url,
        "kind": kind,
        "host": parts.host,
        "port": parts.port or _PORTS[kind],
        "credentials": (user, password) if user else None,
        "authorization": _basic_auth_str(user, password).encode("latin-1") if user else None,
        "speaks_http11": _SPEAKS_HTTP11,
        "always_names_port": False,
    }


def problem_with(url: str) -> RequestException:
    """What `requests` says of a proxy's URL that cannot be used."""
    try:
        parts = parse_url(prepend_scheme_if_needed(url, "http"))  # type: ignore[no-untyped-call]
    except LocationValueError as error:
        return InvalidURL(error)
    if not parts.host:
        return InvalidProxyURL("Please check proxy URL. It is malformed and could be missing the host.")
    return InvalidURL(ProxySchemeUnknown(parts.scheme))
