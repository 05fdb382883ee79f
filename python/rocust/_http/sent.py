"""What was sent, as the `PreparedRequest` that `requests` would have made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests
from requests.cookies import RequestsCookieJar, cookiejar_from_dict
from requests.structures import CaseInsensitiveDict

from rocust._http import arguments

if TYPE_CHECKING:
    from rocust import _core


def prepared_from(exchange: _core.Exchange, call: Any) -> requests.PreparedRequest:
    """The request of an exchange, in the spelling of the call that asked for it.

    Args:
        exchange: One that the engine ran.
        call: What the session remembers of the call: the session, method, name, context and extra data.

    Same as requests, but that `_cookies` holds the cookies that were sent, not all that the session knew.
    """
    session, method, extra = (call[0], call[1], call[4]) if call is not None else (None, None, None)
    written = _written_headers(session, extra)
    prepared = requests.PreparedRequest()
    prepared.method = exchange.request_method or (arguments.text(method).upper() if method is not None else None)
    prepared.url = exchange.url
    prepared.headers = CaseInsensitiveDict(_as_written(exchange.request_headers(), written))
    if not prepared.headers and exchange.failed:
        sent = [(name.lower(), value.decode("latin-1")) for name, value in written]
        if prepared.method not in ("GET", "HEAD"):
            length = len(extra["body"] or b"") if extra is not None else 0
            sent.append(("content-length", str(length)))
        prepared.headers = CaseInsensitiveDict(_as_written(sent, written))
    prepared.body = _body(exchange, extra)
    prepared._cookies = _cookies(prepared.headers.get("Cookie"))  # type: ignore[attr-defined]
    return prepared


def _written_headers(session: Any, extra: dict[str, Any] | None) -> list[tuple[str, bytes]]:
    """The headers as the call had them, or as its session has them."""
    if extra is not None and extra["headers"] is not None:
        return extra["headers"]  # type: ignore[no-any-return]
    return session._own_header_pairs() if session is not None else []


def _as_written(sent: list[tuple[str, str]], written: list[tuple[str, bytes]]) -> list[tuple[str, str]]:
    """Headers as they went out, but spelled as they were given, and without what the layers below `requests` add."""
    spelling = {name.lower(): name for name, _ in written}
    own = []
    for name, value in sent:
        spelled = spelling.get(name)
        if spelled is None:
            spelled = name.title()
            if name == "host" or arguments.SENT_ANYWAY.get(spelled) == value:
                continue
        elif isinstance(spelled, arguments.Added):
            continue
        own.append((spelled, value))
    return own


def _body(exchange: _core.Exchange, extra: dict[str, Any] | None) -> Any:
    """The body as it was given: text stays text, a file a file."""
    sent = exchange.request_body
    if extra is not None and extra.get("upload"):
        return extra["written_body"]
    if extra is None or not extra["body"]:
        return sent
    if sent is None and not (exchange.failed and not exchange.request_method):
        return None
    return extra["written_body"]


def _cookies(header: str | None) -> RequestsCookieJar:
    """The cookies of a `Cookie` header."""
    if not header:
        return RequestsCookieJar()
    pairs = (pair.partition("=") for pair in header.split("; "))
    jar: RequestsCookieJar = cookiejar_from_dict({name: value for name, _, value in pairs})  # type: ignore[no-untyped-call]
    return jar
