"""What a behaviour is, and the list of all.

A behaviour is a small function that uses a client and tells what it sees:

    @http("Cookies")
    def a_cookie_comes_back(client, observe):
        \"\"\"A cookie that was set is sent with the next request.\"\"\"
        client.get("/set-cookie")
        observe.response(client.get("/echo"))

`http` gives it the client of a fresh `HttpUser`, `fast` that of a fresh `FastHttpUser`, `both` one after the other.
Modules of behaviours import `locust` inside of functions only: pytest reads their names without it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

HTTP, FAST = "http", "fast"
USERS = {HTTP: "HttpUser", FAST: "FastHttpUser"}


@dataclass(frozen=True)
class Behaviour:
    """One thing that is compared.

    Attributes:
        kind: Whose client it uses: `http` or `fast`.
        title: The name of its function.
        group: The heading that it stands under.
        text: What it shows, in a line.
        run: The function.
        host: Which of the places the user's host is.
        settings: Attributes of the user class.
    """

    kind: str
    title: str
    group: str
    text: str
    run: Callable[[Any, Any], None]
    host: str = "url"
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """How it is called everywhere."""
        return f"{self.kind}-{self.title}"


_registered: dict[str, Behaviour] = {}


def _register(kinds: tuple[str, ...], group: str, host: str, settings: dict[str, Any]) -> Callable[[Any], Any]:
    def register(function: Any) -> Any:
        for kind in kinds:
            behaviour = Behaviour(kind, function.__name__, group, function.__doc__.strip(), function, host, settings)
            assert behaviour.name not in _registered, f"two behaviours are called {behaviour.name}"
            assert "\n" not in behaviour.text, f"the description of {behaviour.name} is longer than a line"
            _registered[behaviour.name] = behaviour
        return function

    return register


def http(group: str, *, host: str = "url", **settings: Any) -> Callable[[Any], Any]:
    """Register a behaviour of `HttpUser`; `settings` become attributes of the user class."""
    return _register((HTTP,), group, host, settings)


def fast(group: str, *, host: str = "url", **settings: Any) -> Callable[[Any], Any]:
    """Register a behaviour of `FastHttpUser`; `settings` become attributes of the user class."""
    return _register((FAST,), group, host, settings)


def both(group: str, *, host: str = "url", **settings: Any) -> Callable[[Any], Any]:
    """Register a behaviour of both users; `settings` become attributes of the user class."""
    return _register((HTTP, FAST), group, host, settings)


def behaviours() -> dict[str, Behaviour]:
    """All behaviours by name, in the order in which they are written."""
    package = importlib.import_module("twin.behaviours")
    for module in sorted(found.name for found in pkgutil.iter_modules(package.__path__)):
        importlib.import_module(f"twin.behaviours.{module}")
    return dict(_registered)
