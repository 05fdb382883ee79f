"""Runs behaviours inside a locustfile, each with a fresh user, and gathers what came of it.

Every behaviour is run twice. *Listened*: a listener of `events.request` is there, as in a locustfile that has one.
*Silent*: none is, so the program may take any short cut it has; only what is returned, counted and sent is compared then.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import gevent
from locust import FastHttpUser, HttpUser

from twin.observe import Observation, show
from twin.places import MARK, Places
from twin.registry import HTTP, Behaviour

LISTENED, SILENT = "listened", "silent"
LIMIT_S = 10.0
"""Longer than any behaviour lasts: only one that hangs uses it up."""


class DidNotEnd(BaseException):
    """A behaviour was still running after `LIMIT_S`."""


def visit_all(chosen: Iterable[Behaviour], places: Places, environment: Any) -> dict[str, dict[str, Any]]:
    """Run these behaviours, listened to and silent; what came of each by its name."""
    found: dict[str, dict[str, Any]] = {}
    for behaviour in chosen:
        found[behaviour.name] = {mode: _visit(behaviour, places, environment, mode) for mode in (LISTENED, SILENT)}
    return found


def _visit(behaviour: Behaviour, places: Places, environment: Any, mode: str) -> dict[str, Any]:
    for server in (places.url, places.tls_by_address, places.proxy):
        _mark(server, f"{behaviour.name}.{mode}")
    events: list[dict[str, str]] = []

    def listen(**told: Any) -> None:
        events.append(_event(told))

    environment.stats.clear_all()
    if mode == LISTENED:
        environment.events.request.add_listener(listen)
    raised = None
    host = getattr(places, behaviour.host)
    observation = Observation(behaviour.kind, places, lambda **settings: _user(behaviour, host, environment, settings))
    try:
        with gevent.Timeout(LIMIT_S, DidNotEnd()):
            observation.user = observation.visitor(**behaviour.settings)
            behaviour.run(observation.user.client, observation)
    except (Exception, DidNotEnd) as error:
        raised = show(error)
    finally:
        if mode == LISTENED:
            environment.events.request.remove_listener(listen)
    return {
        "values": observation.values,
        "raised": raised,
        "events": events,
        "statistics": _statistics(environment.stats),
    }


def _user(behaviour: Behaviour, host: str, environment: Any, settings: dict[str, Any]) -> Any:
    base = HttpUser if behaviour.kind == HTTP else FastHttpUser
    return type("Visitor", (base,), {"host": host, "abstract": True, "__module__": "twin.visit", **settings})(
        environment
    )


def _event(told: dict[str, Any]) -> dict[str, str]:
    """One firing of `events.request`, with times only as what kind of thing they are."""
    event = {name: show(value) for name, value in told.items() if name not in ("response_time", "start_time")}
    for name in ("response_time", "start_time"):
        value = told.get(name)
        event[name] = f"a {type(value).__name__} above 0" if isinstance(value, float) and value > 0 else repr(value)
    if "response" in told:
        # Its `url` is the name while stock Locust reports it: `listener_sees_the_url` looks at that.
        # And which class it has in a `with` block of `FastHttpUser`: `classes_that_listeners_see`.
        event["response"] = f"{told['response'].status_code}"
    return event


def _statistics(stats: Any) -> dict[str, Any]:
    entries = sorted(stats.entries.values(), key=lambda entry: (entry.name, str(entry.method)))
    return {
        "entries": [
            {
                "entry": f"{entry.method} {entry.name}",
                "requests": entry.num_requests,
                "failures": entry.num_failures,
                "untimed": entry.num_none_requests,
                "bytes": entry.total_content_length,
            }
            for entry in entries
        ],
        "errors": sorted(f"{error.occurrences}x {error.to_name()}" for error in stats.errors.values()),
        "total": [stats.total.num_requests, stats.total.num_failures, stats.total.total_content_length],
    }


def _mark(server: str, name: str) -> None:
    """Tell a server, by a connection of our own, whose requests follow; returns when it has heard."""
    address = urlsplit(server)
    connection: Any = socket.create_connection((address.hostname or "", address.port or 0))
    if address.scheme == "https":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = context.wrap_socket(connection)
    with connection:
        connection.sendall(f"GET {MARK}?{name} HTTP/1.1\r\nHost: mark\r\nConnection: close\r\n\r\n".encode())
        while connection.recv(4096):
            pass
