"""Writes down what a behaviour sees, as JSON that does not depend on who is running it.

Runs inside the program under test, stock Locust's or ours; what it may not compare is left out later, by `normalise`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache
from types import ModuleType
from typing import Any

from requests.structures import CaseInsensitiveDict

from twin.places import Places
from twin.registry import FAST

PUBLIC = (
    "exception", "clients", "contrib.fasthttp", "user.users", "user.task", "env", "event", "stats", "runners",
)  # fmt: skip
"""Locust's modules that users import from: a class is named by the one that has it, wherever it was written."""

HTTP_FACTS = (
    "status_code", "reason", "ok", "url", "encoding", "apparent_encoding", "content", "text", "headers", "cookies",
    "history", "is_redirect", "is_permanent_redirect", "links", "error", "elapsed",
)  # fmt: skip
FAST_FACTS = ("status_code", "ok", "url", "content", "text", "encoding", "headers")
REQUEST_FACTS = ("method", "url", "headers", "body")

SHOWN = 400


class Observation:
    """What is said to a behaviour as `observe`.

    Attributes:
        places: Where it can go.
        visitor: Makes another user of the same kind, with these attributes.
        user: The user whose client it has.
        values: What it has seen so far, as pairs of a label and a text.
    """

    def __init__(self, kind: str, places: Places, visitor: Callable[..., Any]) -> None:
        self._is_fast = kind == FAST
        self.places = places
        self.visitor = visitor
        self.user: Any = None
        self.values: list[tuple[str, str]] = []

    def __call__(self, label: str, value: Any) -> None:
        """Note a value."""
        self.values.append((label, show(value)))

    def error(self, label: str, call: Callable[[], Any]) -> None:
        """Note what a call raises, or else what it returns."""
        try:
            value = call()
        except Exception as error:
            self.values.append((label, f"raises {show(error)}"))
        else:
            self.values.append((label, show(value)))

    def response(self, response: Any, label: str = "") -> None:
        """Note all that can be known of a response."""
        prefix = f"{label}." if label else ""
        self(f"{prefix}class", type(response))
        for name in FAST_FACTS if self._is_fast else HTTP_FACTS:
            self.error(f"{prefix}{name}", lambda name=name: getattr(response, name))
        if not self._is_fast:
            self.error(f"{prefix}bool", lambda: bool(response))
        if self._is_fast:
            self._late_facts(response, prefix)
        request = getattr(response, "request", None)
        if request is None:
            self(f"{prefix}request", None)
            return
        for name in REQUEST_FACTS:
            self.error(f"{prefix}request.{name}", lambda name=name: getattr(request, name))

    def brief(self, response: Any, label: str = "") -> None:
        """Note of a response only how it ended and what it brought."""
        prefix = f"{label}." if label else ""
        for name in ("status_code", "url", "content"):
            self.error(f"{prefix}{name}", lambda name=name: getattr(response, name))
        if self._is_fast:
            self._late_facts(response, prefix)
        else:
            self(f"{prefix}history", response.history)
            self(f"{prefix}error", response.error)

    def _late_facts(self, response: Any, prefix: str) -> None:
        """What not every response of `FastHttpUser` has; the behaviours of its responses look at who has what."""
        self(f"{prefix}error", getattr(response, "error", None))
        self(f"{prefix}history", [hop.status_code for hop in getattr(response, "history", [])])


def show(value: Any) -> str:
    """A value as text, without what differs from one run to the next."""
    return _bounded(_shown(value))


def _bounded(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}... ({len(text)} characters)"


def _shown(value: Any) -> str:  # noqa: C901 - one line for each kind of value
    if isinstance(value, BaseException):
        return f"{path_of(type(value))}: {value}"
    if isinstance(value, type):
        return path_of(value)
    if isinstance(value, timedelta):
        return "a time above 0" if value > timedelta(0) else repr(value)
    if isinstance(value, ModuleType):
        return "a module"
    if value is None or isinstance(value, (bool, int, float, str, bytes, bytearray)):
        return repr(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_shown(key)}: {_shown(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_shown, value)) + "]"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(_shown, value)) + ")"
    if isinstance(value, (set, frozenset)):
        return "{" + ", ".join(sorted(map(_shown, value))) + "}"
    if hasattr(value, "extract_cookies"):
        return f"jar[{', '.join(map(_cookie, value))}]"
    if isinstance(value, Mapping) or hasattr(value, "items"):
        # A subclass of what `requests` has is as good.
        name = "CaseInsensitiveDict" if isinstance(value, CaseInsensitiveDict) else type(value).__name__
        return f"{name}[{', '.join(f'{key}: {item}' for key, item in value.items())}]"
    if hasattr(value, "status_code"):
        return f"<response {value.status_code} {value.url}>"
    return f"<{path_of(type(value))}>"


def _cookie(cookie: Any) -> str:
    flags = "".join(f"; {key}" for key in sorted(cookie._rest))
    expiry = "; expires" if cookie.expires else ""
    secure = "; secure" if cookie.secure else ""
    return f"{cookie.name}={cookie.value}; domain={cookie.domain}; path={cookie.path}{expiry}{secure}{flags}"


@cache
def path_of(kind: type) -> str:
    """Module and name of a class; of Locust's own the module that users import it from."""
    module = kind.__module__
    is_stand_in = module.startswith("rocust._http.fast_") and not kind.__name__.startswith(
        ("Locust", "Fast", "Error", "R")
    )
    if module.partition(".")[0] in ("locust", "rocust") and not is_stand_in:
        for public in PUBLIC:
            face = importlib.import_module(f"locust.{public}")
            if getattr(face, kind.__name__, None) is kind:
                return f"locust.{public}.{kind.__name__}"
    return f"{module}.{kind.__qualname__}"
