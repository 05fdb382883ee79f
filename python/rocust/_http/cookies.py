"""A session's cookie jar: `requests`' own, over the jar that the engine sends from.

The engine keeps the cookies (it needs them between two redirects, on a thread that knows no Python). What Python reads is refreshed
from there when the engine's jar has changed; what Python changes is passed on at once.
"""

from __future__ import annotations

from http.cookiejar import Cookie, CookiePolicy, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any

from requests.cookies import RequestsCookieJar, cookiejar_from_dict

from rocust._http.arguments import cookie_fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from rocust import _core


class SessionCookies(RequestsCookieJar):
    """The cookies of one session, shared with the engine."""

    def __init__(self, client: _core.Client, policy_changed: Callable[[], None] | None = None) -> None:
        self._client = client
        self._policy_changed = policy_changed
        self._version = -1
        self._known: dict[str, dict[str, dict[str, Cookie]]] = {}
        self._has_own_policy = False
        super().__init__()

    def is_plain(self, client: _core.Client) -> bool:
        """Whether the engine's rules are all that holds for these cookies, and they are that client's."""
        return self._client is client and not self._has_own_policy

    def set_policy(self, policy: CookiePolicy) -> None:
        """Have other rules: from now on `requests` applies them, at its own cost. Same as http.cookiejar."""
        self._note_policy()
        super().set_policy(policy)

    def get_policy(self) -> CookiePolicy:
        """The rules, which whoever asks for them may change. Same as requests."""
        self._note_policy()
        return super().get_policy()

    def _note_policy(self) -> None:
        self._has_own_policy = True
        if self._policy_changed is not None:
            self._policy_changed()

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
        self._client.set_cookie(cookie_fields(cookie))

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


def adopt(jar: Any, client: _core.Client, policy_changed: Callable[[], None]) -> bool:
    """Make a jar of `requests`, as it is, the shared jar of `client`, whose cookies are dropped; say whether that was possible.

    The object stays the same, so that whoever holds it goes on seeing the session's cookies.
    """
    if type(jar) is not RequestsCookieJar or not _is_default(jar.get_policy()):
        return False
    cookies: list[Any] = list(jar)
    del jar.__dict__["_cookies"]
    jar.__class__ = SessionCookies
    jar.__dict__.update(_client=client, _policy_changed=policy_changed, _version=-1, _known={}, _has_own_policy=False)
    client.clear_cookies(None, None, None)
    for cookie in cookies:
        jar.set_cookie(cookie)
    return True


def _is_default(policy: Any) -> bool:
    """Whether a policy is as `http.cookiejar` makes it."""
    if type(policy) is not DefaultCookiePolicy:
        return False
    ours, default = dict(vars(policy)), dict(vars(DefaultCookiePolicy()))
    # When it was last used.
    ours.pop("_now", None)
    default.pop("_now", None)
    return ours == default


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
