"""What a call's arguments mean for the engine: bodies, headers, cookies, limits as plain data; and which calls are not plain.

A call is plain when all it brings is data. Then its parts go to `_core.Client.send_with` as they are made here, by `requests`' own
preparation code where that has the say over the bytes on the wire (form encoding, JSON, authentication headers).
"""

from __future__ import annotations

from collections.abc import Mapping
from http.cookiejar import CookieJar
from typing import TYPE_CHECKING, Any, NamedTuple

from requests.auth import HTTPBasicAuth, _basic_auth_str
from requests.models import RequestEncodingMixin
from requests.utils import to_key_val_list
from urllib3._version import __version__ as urllib3_version

from rocust._http.json_text import written_by_requests

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Keyword arguments that plain calls may have.
PLAIN = frozenset({"params", "headers", "cookies", "auth", "timeout", "allow_redirects", "verify"})


class NotPlain(Exception):
    """The call needs `requests`' own code: it says why."""


class Body(NamedTuple):
    """A request body and the type that goes with it."""

    content: bytes | None
    content_type: str | None


def body_of(data: Any, json: Any) -> Body:
    """The body for `data` and `json`, as `requests` encodes them.

    Raises:
        NotPlain: For a file or a generator, which are streamed, and for what JSON cannot say, which `requests` reports.
    """
    if not data and json is not None:
        try:
            return Body(written_by_requests(json), "application/json")
        except ValueError as error:
            raise NotPlain(f"json cannot be encoded: {error}") from error
    if not data:
        return Body(None, None)
    if isinstance(data, (bytes, bytearray)):
        return Body(bytes(data), None)
    if isinstance(data, str):
        return Body(data.encode(), None)
    if not isinstance(data, (Mapping, list, tuple)):
        raise NotPlain(f"data is a {type(data).__name__}, which is streamed")
    encoded = RequestEncodingMixin._encode_params(data)  # type: ignore[attr-defined]
    return Body(encoded.encode() if isinstance(encoded, str) else encoded, "application/x-www-form-urlencoded")


def query_of(params: Any) -> str:
    """`params` as the query string that `requests` appends; empty when there is nothing to append."""
    if not params:
        return ""
    encoded = RequestEncodingMixin._encode_params(params)  # type: ignore[attr-defined]
    return encoded.decode() if isinstance(encoded, bytes) else str(encoded)


def merged(own: Any, session: Any) -> Any:
    """A call's mapping over its session's, as `requests` merges them: the call wins, None removes."""
    if not session:
        return own
    if not own:
        return session
    if not (isinstance(own, Mapping) and isinstance(session, Mapping)):
        return own
    both = dict(to_key_val_list(session))  # type: ignore[no-untyped-call]
    both.update(to_key_val_list(own))  # type: ignore[no-untyped-call]
    return {key: value for key, value in both.items() if value is not None}


def cookies_of(cookies: Any) -> list[tuple[str, str]]:
    """A call's own cookies as pairs.

    Raises:
        NotPlain: For a jar, whose cookies have domains and paths.
    """
    if not cookies:
        return []
    if isinstance(cookies, CookieJar):
        raise NotPlain("cookies is a jar")
    return [(str(name), str(value)) for name, value in dict(cookies).items()]


def authorization_of(auth: Any) -> str | None:
    """The `Authorization` header for basic credentials.

    Raises:
        NotPlain: For any other scheme.
    """
    if auth is None:
        return None
    if isinstance(auth, tuple) and len(auth) == 2:
        return _basic_auth_str(*auth)
    if type(auth) is HTTPBasicAuth:
        return _basic_auth_str(auth.username, auth.password)
    raise NotPlain(f"auth is a {type(auth).__name__}")


def limits_of(timeout: Any) -> tuple[float | None, float | None]:
    """Connect and read limits in seconds from what `requests` accepts as `timeout`.

    Raises:
        NotPlain: For a urllib3 `Timeout` object.
        ValueError: For a tuple of another length.
    """
    if timeout is None:
        return None, None
    if isinstance(timeout, tuple):
        if len(timeout) != 2:
            raise ValueError(
                f"Invalid timeout {timeout}. Pass a (connect, read) timeout tuple, "
                "or a single float to set both timeouts to the same value."
            )
        return timeout
    if isinstance(timeout, (int, float)):
        return timeout, timeout
    raise NotPlain(f"timeout is a {type(timeout).__name__}")


def text(value: Any) -> str:
    """`value` as text: bytes are taken as UTF-8, as `requests` takes URLs."""
    return value.decode() if isinstance(value, bytes) else str(value)


#: What urllib3 sends in place of these headers when a call has none of them.
_SENT_ANYWAY = {"user-agent": f"python-urllib3/{urllib3_version}", "accept-encoding": "identity"}


def checked_header_pairs(headers: Mapping[str, Any]) -> list[tuple[str, bytes]]:
    """Headers as the engine takes them, with what urllib3 adds to them.

    Raises:
        NotPlain: For a header that `requests` refuses; it says so itself then.
    """
    for name, value in headers.items():
        if value is None:
            continue
        if not isinstance(value, (str, bytes)) or value[:1].isspace():
            raise NotPlain(f"the header {name} is {value!r}")
    added = [(name, value) for name, value in _SENT_ANYWAY.items() if headers.get(name) is None]
    return header_pairs([*headers.items(), *added])


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
