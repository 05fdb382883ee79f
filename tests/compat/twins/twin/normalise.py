"""The differences that are not looked at, all of them: what must differ from run to run, and a few names.

Anything else that differs is found.
"""

from __future__ import annotations

import re
from typing import Any

from twin.places import Places

SAME = (
    # what, as a regular expression; what stands for it; why
    (r"0x[0-9a-f]{6,}", "0x...", "addresses of objects"),
    (r"boundary=[0-9a-f]{32}", "boundary=(boundary)", "the boundary of a multipart body is random"),
    (r"--[0-9a-f]{32}", "--(boundary)", "the same, in the body"),
    (r"python/gevent-http-client-[\d.]+|rocust/\d[\w.]*", "(fast client)", "FastHttpUser's client says its own name as user agent"),
    (r'cnonce="[0-9a-f]+"', 'cnonce="..."', "digest authentication: random"),
    (r'response="[0-9a-f]{32}"', 'response="..."', "digest authentication: follows from the random number"),
    (r"geventhttpclient\.\w+\.|\b_parser\.(?=HTTPParseError)|rocust\._http\.fast_\w+\."
     r"|locust\.contrib\.fasthttp\.(?=ConnectionError|HTTPConnectionClosed|HTTPParseError|Headers)",
     "geventhttpclient.", "we have no geventhttpclient; our classes of these names stand in for its own"),
    (r" \(_ssl\.c:\d+\)", "", "the line of CPython's source, another in each release"),
    (r"_=\d{13}", "_=(now)", "`rest_()` appends the time"),
)  # fmt: skip

PORTS = ("url", "tls", "proxy", "refused")


def normalised(value: Any, places: Places) -> Any:
    """All texts in `value` without the differences above, and with names for the ports of this run."""
    if isinstance(value, str):
        return _text(value, places)
    if isinstance(value, dict):
        return {normalised(key, places): normalised(item, places) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [normalised(item, places) for item in value]
    return value


def _text(text: str, places: Places) -> str:
    for name in PORTS:
        port = getattr(places, name).rpartition(":")[2]
        text = re.sub(rf"(?<!\d){port}(?!\d)", f"({name} port)", text)
    text = text.replace(places.folder, "(folder)").replace(places.authority, "(authority)")
    for pattern, stand_in, _ in SAME:
        text = re.sub(pattern, stand_in, text)
    return text
