"""A session's cookie jar: `requests`' own, over the jar that the engine sends from.

The engine keeps the cookies (it needs them between two redirects, on a thread that knows no Python). What Python reads is refreshed
from there when the engine's jar has changed; what Python changes is passed on at once.
"""

from __future__ import annotations

from http.cookiejar import Cookie
from typing import TYPE_CHECKING, Any

from requests.cookies import RequestsCookieJar, cookiejar_from_dict

if TYPE_CHECKING:
    from rocust import _core


class SessionCookies(RequestsCookieJar):
    """The cookies of one session, shared with the engine."""

    def __init__(self, client: _core.Client) -> None:
        self._client = client
        self._version = -1
        self._known: dict[str, dict[str, dict[str, Cookie]]] = {}
        super().__init__()

    @property
    def _cookies(self) -> dict[str, dict[str, dict[str, Cookie]]]:
        """The table that `http.cookiejar` works on: domain, path, name."""
        version = self._client.cookies_version()
        if version != self._version:
            self._known.clear()
            for fields in self._client.cookies():
                cookie = _cookie(fields)
                self._known.setdefault(cookie.domain, {}).setdefault(cookie.path, {})[cookie.name] = cookie
            self._version = version
        return self._known

    @_cookies.setter
    def _cookies(self, _: Any) -> None:
        """The base class starts with an empty table; the engine's is the truth."""

    def set_cookie(self, cookie: Cookie, *args: Any, **kwargs: Any) -> Any:
        """Add a cookie, for the engine too. Same as requests."""
        super().set_cookie(cookie, *args, **kwargs)
        self._client.set_cookie(_fields(cookie))

    def clear(self, domain: str | None = None, path: str | None = None, name: str | None = None) -> None:
        """Drop cookies, for the engine too. Same as http.cookiejar.

        Raises:
            KeyError: When there is no such cookie.
        """
        table = self._cookies
        if domain is not None:
            paths = table[domain]
            if path is not None:
                names = paths[path]
                if name is not None:
                    names[name]
        self._client.clear_cookies(domain, path, name)

    def replace(self, cookies: Any) -> None:
        """Have the cookies of another jar or dict instead."""
        fresh = cookies if hasattr(cookies, "set_cookie") else cookiejar_from_dict(dict(cookies or {}))  # type: ignore[no-untyped-call]
        kept = list(fresh)
        self._client.clear_cookies(None, None, None)
        for cookie in kept:
            self.set_cookie(cookie)

    def copy(self) -> RequestsCookieJar:
        """A plain copy, which belongs to no session. Same as requests."""
        jar = RequestsCookieJar()
        jar.update(self)
        return jar

    def __reduce__(self) -> Any:
        """Pickled as a plain jar: the engine's end cannot travel."""
        return _plain_jar, (list(self),)


def _plain_jar(cookies: list[Cookie]) -> RequestsCookieJar:
    """A jar that belongs to no session."""
    jar = RequestsCookieJar()
    for cookie in cookies:
        jar.set_cookie(cookie)
    return jar


def _cookie(fields: dict[str, Any]) -> Cookie:
    """The engine's cookie as Python's."""
    own = {**fields, "rest": dict(fields["rest"])}
    domain, expires = fields["domain"], fields["expires"]
    return Cookie(
        version=0,
        port_specified=fields["port"] is not None,
        domain_initial_dot=domain.startswith("."),
        discard=expires is None,
        comment=None,
        comment_url=None,
        **own,
    )


def _fields(cookie: Cookie) -> dict[str, Any]:
    """Python's cookie as the engine's."""
    return {
        "name": cookie.name,
        "value": cookie.value,
        "domain": cookie.domain,
        "domain_specified": bool(cookie.domain_specified),
        "path": cookie.path,
        "path_specified": bool(cookie.path_specified),
        "secure": bool(cookie.secure),
        "expires": None if cookie.expires is None else int(cookie.expires),
        "port": cookie.port,
        "rest": [(str(key), None if value is None else str(value)) for key, value in cookie._rest.items()],  # type: ignore[attr-defined]
    }
