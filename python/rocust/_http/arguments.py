"""What a call's arguments mean for the engine: bodies, headers, cookies, limits as plain data; and which calls are not plain.

A call is plain when all it brings is data. Then its parts go to `_core.Client.send_with` as they are made here, by `requests`' own
preparation code where that has the say over the bytes on the wire (form encoding, JSON, authentication headers).
"""

from __future__ import annotations

from collections.abc import Mapping
from http.cookiejar import Cookie, CookieJar
from typing import TYPE_CHECKING, Any, NamedTuple

from requests.auth import HTTPBasicAuth, HTTPProxyAuth, _basic_auth_str
from requests.cookies import cookiejar_from_dict
from requests.exceptions import InvalidHeader
from requests.models import RequestEncodingMixin
from requests.utils import check_header_validity, to_key_val_list
from urllib3 import Timeout
from urllib3._version import __version__ as urllib3_version

from rocust import _core
from rocust._http.json_text import written_by_requests

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Keyword arguments that plain calls may have.
PLAIN = frozenset(
    {
        "params",
        "headers",
        "cookies",
        "auth",
        "timeout",
        "allow_redirects",
        "verify",
        "cert",
        "proxies",
        "max_body",
        "stream",
    }
)


class NotPlain(Exception):
    """The call needs `requests`' own code: it says why."""


class BadHeader(NotPlain):
    """A header is none that `requests` sends; it says so itself."""


class BadJson(NotPlain):
    """JSON cannot say what `json` holds; `requests` says so itself."""


class Body(NamedTuple):
    """A request body and the type that goes with it."""

    content: bytes | None
    content_type: str | None
    #: The same as `PreparedRequest.body` shows it: text where `requests` keeps text.
    written: Any


def body_of(data: Any, json: Any, files: Any = None) -> Body:
    """The body for `data`, `json` and `files`, as `requests` encodes them.

    Raises:
        NotPlain: For what JSON cannot say, which `requests` reports, and for what is no body.
        ValueError: For `data` that cannot be fields of a form beside `files`.
    """
    if files:
        form, content_type = RequestEncodingMixin._encode_files(files, data)  # type: ignore[attr-defined]
        return Body(form, content_type, form)
    if not data and json is not None:
        try:
            content = written_by_requests(json)
        except ValueError as error:
            raise BadJson(f"json cannot be encoded: {error}") from error
        return Body(content, "application/json", content)
    if not data:
        return Body(None, None, None)
    if isinstance(data, (bytes, bytearray, memoryview)):
        return Body(bytes(data), None, data)
    if isinstance(data, str):
        return Body(data.encode(), None, data)
    if not isinstance(data, (Mapping, list, tuple)):
        raise NotPlain(f"data is a {type(data).__name__}")
    form = _form(data)
    return Body(form.encode() if isinstance(form, str) else form, "application/x-www-form-urlencoded", form)


def query_of(params: Any) -> str:
    """`params` as the query string that `requests` appends; empty when there is nothing to append."""
    if not params:
        return ""
    encoded = _form(params)
    return encoded.decode() if isinstance(encoded, bytes) else str(encoded)


#: Values whose text is all that `requests` makes of them.
_SINGLE = frozenset({str, int, float, bool})


def _form(fields: Any) -> Any:
    """`fields` as `requests` encodes them, which takes its time to find out what they are."""
    if type(fields) is dict and all(type(key) is str and type(value) in _SINGLE for key, value in fields.items()):
        return _core.form([(key, str(value)) for key, value in fields.items()])
    return RequestEncodingMixin._encode_params(fields)  # type: ignore[attr-defined]


def merged(own: Any, session: Any) -> Any:
    """A call's mapping over its session's, as `requests` merges them: the call wins, None removes; what is no mapping is not merged."""
    if not session or not isinstance(session, Mapping):
        return own
    if not isinstance(own or {}, Mapping):
        return own
    own = own or {}
    both = dict(to_key_val_list(session))  # type: ignore[no-untyped-call]
    both.update(to_key_val_list(own))  # type: ignore[no-untyped-call]
    return {key: value for key, value in both.items() if value is not None}


#: What a cookie is that a call brings as a name and a value, as `requests` makes it.
_OF_A_CALL: dict[str, Any] = {
    "domain": "",
    "domain_specified": False,
    "path": "/",
    "path_specified": True,
    "secure": False,
    "expires": None,
    "port": None,
    "rest": [("HttpOnly", None)],
}


def cookies_of(cookies: Any) -> list[dict[str, Any]]:
    """A call's own cookies, from a dict or a jar, as the engine takes them."""
    if not cookies:
        return []
    if type(cookies) is dict and all(_is_bare(name, value) for name, value in cookies.items()):
        return [{**_OF_A_CALL, "name": name, "value": value} for name, value in cookies.items()]
    jar: CookieJar = cookies if isinstance(cookies, CookieJar) else cookiejar_from_dict(dict(cookies))  # type: ignore[no-untyped-call]
    return [cookie_fields(cookie) for cookie in jar]


def _is_bare(name: Any, value: Any) -> bool:
    """Whether `requests` takes name and value of a cookie as they are."""
    return type(name) is str and type(value) is str and '"' not in value


def cookie_fields(cookie: Cookie) -> dict[str, Any]:
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


def authorization_of(auth: Any) -> tuple[str, str] | None:
    """The header that proves who is calling, for credentials that are plain data.

    Raises:
        NotPlain: For any other scheme.
    """
    if not auth:
        return None
    if isinstance(auth, tuple) and len(auth) == 2:
        return "Authorization", _basic_auth_str(*auth)
    if type(auth) is HTTPBasicAuth:
        return "Authorization", _basic_auth_str(auth.username, auth.password)
    if type(auth) is HTTPProxyAuth:
        return "Proxy-Authorization", _basic_auth_str(auth.username, auth.password)
    raise NotPlain(f"auth is a {type(auth).__name__}")


def limits_of(timeout: Any) -> tuple[float | None, float | None]:
    """Connect and read limits in seconds from what `requests` accepts as `timeout`: a number, a pair, or a `Timeout` of urllib3.

    The `total` of a `Timeout` bounds connecting and every silence of the server; stock takes the time to connect off the latter.

    Raises:
        ValueError: For a tuple of another length, and for a limit that is none.
    """
    if timeout is None:
        return None, None
    if type(timeout) in (float, int) and timeout > 0:
        return timeout, timeout
    if isinstance(timeout, tuple):
        if len(timeout) != 2:
            raise ValueError(
                f"Invalid timeout {timeout}. Pass a (connect, read) timeout tuple, "
                "or a single float to set both timeouts to the same value."
            )
        return _limits(Timeout(connect=timeout[0], read=timeout[1]))
    if isinstance(timeout, Timeout):
        return _limits(timeout)
    return _limits(Timeout(connect=timeout, read=timeout))


def _limits(timeout: Timeout) -> tuple[float | None, float | None]:
    """The limits of a `Timeout`, which refuses what is none."""
    connect, read = timeout._connect, timeout._read
    if timeout.total is not None:
        own = [limit for limit in (connect, timeout.total) if isinstance(limit, (int, float)) and limit > 0]
        connect = min(own)
        read = min(limit for limit in (read, timeout.total) if isinstance(limit, (int, float)) and limit > 0)
    return _seconds(connect), _seconds(read)


def _seconds(limit: Any) -> float | None:
    """A limit as a number; urllib3's default, which is an enum, stands for the socket module's: none."""
    return (
        None if limit is None or limit is Timeout.DEFAULT_TIMEOUT else float(limit) if isinstance(limit, str) else limit
    )


#: Larger bounds are no bounds: no body is that long.
_LARGEST_BOUND = 2**63 - 1


def bound_of(max_body: Any) -> int:
    """`max_body` as the engine takes it: -1 stands for no bound.

    Raises:
        ValueError: When it is no number of bytes.
    """
    if max_body is None:
        return -1
    if isinstance(max_body, int) and max_body >= 0:
        return min(int(max_body), _LARGEST_BOUND)
    raise ValueError(f"max_body must be a number of bytes, or None for no bound; it is {max_body!r}")


def text(value: Any) -> str:
    """`value` as text: bytes are taken as UTF-8, as `requests` takes URLs."""
    if isinstance(value, str):
        return value
    return value.decode() if isinstance(value, bytes) else str(value)


#: What urllib3 and http.client send, in front, in place of these headers when a call has none of them.
SENT_ANYWAY = {"Accept-Encoding": "identity", "User-Agent": f"python-urllib3/{urllib3_version}"}


_SENT_ANYWAY = tuple((name.lower(), name, value.encode()) for name, value in SENT_ANYWAY.items())
_ABSENT = (None, None)

#: Headers as the engine takes them, by names in lower case; None stands for one that is not sent.
HeaderTable = dict[str, tuple[str, "bytes | None"]]


class Added(str):
    """The name of a header that nobody asked for."""

    __slots__ = ()


def checked_header_pairs(headers: Mapping[str, Any]) -> list[tuple[str, bytes]]:
    """Headers as the engine takes them, with what urllib3 adds to them.

    Raises:
        NotPlain: For a header that `requests` refuses; it says so itself then.
    """
    return pairs_of(checked_table(headers.items()))


def checked_table(headers: Iterable[tuple[Any, Any]]) -> HeaderTable:
    """Headers by names in lower case, as `CaseInsensitiveDict` keeps them, without its price.

    Raises:
        NotPlain: For a header that `requests` refuses; it says so itself then.
    """
    table: HeaderTable = {}
    for key, value in headers:
        name = text(key)
        if value is not None and (not isinstance(value, (str, bytes)) or value[:1].isspace()):
            raise BadHeader(_objection(key, value))
        table[name.lower()] = name, None if value is None else encoded(value)
    return table


def _objection(name: Any, value: Any) -> str:
    """What `requests` says of a header that it refuses."""
    try:
        check_header_validity((name, value))
    except InvalidHeader as refusal:
        return str(refusal)
    return f"the header {text(name)} is {value!r}"


def pairs_of(table: HeaderTable) -> list[tuple[str, bytes]]:
    """The headers of a table that are sent, with what urllib3 adds to them in front."""
    added = [(Added(name), value) for key, name, value in _SENT_ANYWAY if table.get(key, _ABSENT)[1] is None]
    return [*added, *((name, value) for name, value in table.values() if value is not None)]


def header_pairs(headers: Iterable[tuple[Any, Any]]) -> list[tuple[str, bytes]]:
    """Headers as the engine takes them. Text is encoded as http.client does: Latin-1, else UTF-8."""
    return [(text(name), encoded(value)) for name, value in headers if value is not None]


def encoded(value: Any) -> bytes:
    """A header value as bytes."""
    if isinstance(value, bytes):
        return value
    try:
        return str(value).encode("latin-1")
    except UnicodeEncodeError:
        return str(value).encode()
