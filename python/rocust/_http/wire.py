"""What a session, a user or the command line may choose about connections; and the attributes of a session that say it.

None of this is Locust's. Sessions that choose nothing have nothing of it: their client is never told of any options.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from typing import Any

from rocust import _core

logger = logging.getLogger("locust.clients")


@dataclass(frozen=True)
class WireSettings:
    """How the connections of a session are made and used. Sessions with equal settings share what is made of them."""

    #: Whether HTTP/2 is spoken: offered over TLS (a server that does not want it gets HTTP/1.1), taken for granted on plain http.
    http2: bool = False
    #: Whether connections serve more than one request.
    keep_alive: bool = True
    #: Addresses in place of what names resolve to, each as curl writes it: `host:port:address[,address]`.
    resolve: tuple[str, ...] = ()
    #: 4 or 6: the only version of IP to use.
    ip_version: int | None = None
    #: The address connections come from, and the port or 0.
    source_address: tuple[str, int] | None = None
    #: Whether a new TLS connection continues the session of an earlier one of the same user, which saves the server work.
    tls_resumption: bool = True
    #: For how many seconds addresses are used that a name resolved to; None for the usual time. Only `Client` and `AsyncClient` choose it.
    dns_ttl: float | None = None

    def but(self, **changes: Any) -> WireSettings:
        """These settings with other values, given as users write them.

        Raises:
            ValueError: For a value that cannot be, in a sentence.
        """
        checked: dict[str, Any] = {name: _CHECKS[name](name, value) for name, value in changes.items()}
        changed = replace(self, **checked)
        changed.compiled()
        return changed

    def compiled(self) -> _core.WireOptions:
        """The engine's object for these settings."""
        return _compiled(self)


@cache
def warn_of_foreign_connections() -> None:
    """Say once that somebody else's connections are not made by these settings."""
    logger.warning(
        "A call was sent by an adapter of the locustfile's own, or by a patched requests: "
        "http2, keep_alive, resolve, ip_version, source_address and tls_resumption say nothing to its connections."
    )


PLAIN = WireSettings()
#: Years enough for anybody, and still a duration to the engine.
_LONGEST_S = 1e12
#: What classes of users choose.
NAMES = tuple(field.name for field in fields(WireSettings) if field.name != "dns_ttl")


@cache
def _compiled(settings: WireSettings) -> _core.WireOptions:
    return _core.WireOptions(**asdict(settings))


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{name} is True or False, not {value!r}")
    return value


def _overrides(name: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, Sequence) and all(isinstance(entry, str) for entry in value):
        return tuple(value)
    raise ValueError(f"{name} is a list of texts like 'example.com:443:127.0.0.1', not {value!r}")


def _version(name: str, value: Any) -> int | None:
    if value not in (None, 4, 6):
        raise ValueError(f"{name} is 4, 6 or None, not {value!r}")
    return None if value is None else int(value)


def _address(name: str, value: Any) -> tuple[str, int] | None:
    if value is None:
        return None
    if isinstance(value, str):
        return value, 0
    if isinstance(value, (tuple, list)) and len(value) == 2 and isinstance(value[0], str):
        port = value[1]
        if isinstance(port, int) and 0 <= port < 1 << 16:
            return value[0], port
    raise ValueError(f"{name} is an IP address, or a pair of one and a port, not {value!r}")


def _seconds(name: str, value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, (int, float)) and 0 <= value < _LONGEST_S:
        return float(value)
    raise ValueError(f"{name} is a number of seconds, at least 0, or None for the usual time; it is {value!r}")


_CHECKS = {
    "http2": _flag,
    "keep_alive": _flag,
    "resolve": _overrides,
    "ip_version": _version,
    "source_address": _address,
    "tls_resumption": _flag,
    "dns_ttl": _seconds,
}


class _Option:
    """An attribute of a session that is one of its settings; assigning it closes the connections made by the old ones."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, session: Any, owner: type | None = None) -> Any:
        return getattr(PLAIN if session is None else session.wire, self._name)

    def __set__(self, session: Any, value: Any) -> None:
        session.wire = session.wire.but(**{self._name: value})


class WiredSession:
    """The settings of a session's connections, as attributes."""

    http2 = _Option()
    keep_alive = _Option()
    resolve = _Option()
    ip_version = _Option()
    source_address = _Option()
    tls_resumption = _Option()

    @property
    def wire(self) -> WireSettings:
        """All of the settings; assigning others closes the connections made by these."""
        return self.__dict__.get("_wire", PLAIN)  # type: ignore[no-any-return]

    @wire.setter
    def wire(self, settings: WireSettings) -> None:
        self.__dict__["_wire"] = settings
        self.__dict__["_client"].set_wire(settings.compiled())
