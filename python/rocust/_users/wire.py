"""What a user class may say about the connections of its clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rocust._errors import StopTest
from rocust._http.wire import NAMES, PLAIN, WireSettings

if TYPE_CHECKING:
    from collections.abc import Sequence


class WireMixin:
    """Attributes of users that say how connections are made; the command line has a word for most of them, which wins.

    Differs from Locust: it has none of these. An attribute of one of these names that is a method or a task is left alone.
    """

    #: Whether HTTP/2 is spoken: offered over TLS (a server that does not want it gets HTTP/1.1), taken for granted on plain http.
    #: `--http2`
    http2: bool = False
    #: Whether connections serve more than one request. `--no-keep-alive`
    keep_alive: bool = True
    #: Addresses in place of what names resolve to, each as curl writes it: `host:port:address[,address]`. `--resolve`
    resolve: Sequence[str] = ()
    #: 4 or 6: the only version of IP to use. `--ip-version`
    ip_version: int | None = None
    #: The IP address connections come from, or a pair of one and a port. `--source-address`
    source_address: str | tuple[str, int] | None = None
    #: Whether a new TLS connection continues the session of an earlier one of the same user, which saves the server work.
    tls_resumption: bool = True

    environment: Any

    def _wire_settings(self) -> WireSettings:
        """What the class and the command line say together.

        Raises:
            StopTest: For a value that cannot be.
        """
        said = {name: value for name in NAMES if not callable(value := getattr(self, name))}
        options = getattr(self.environment, "parsed_options", None)
        if getattr(options, "rocust_http2", False):
            said["http2"] = True
        if getattr(options, "rocust_no_keep_alive", False):
            said["keep_alive"] = False
        if entries := getattr(options, "rocust_resolve", None):
            own = said.get("resolve", ())
            said["resolve"] = (*entries, *((own,) if isinstance(own, str) else own))
        for name in ("ip_version", "source_address"):
            if (value := getattr(options, f"rocust_{name}", None)) is not None:
                said[name] = value
        try:
            settings = PLAIN.but(**said)
        except ValueError as problem:
            raise StopTest(f"{type(self).__name__}: {problem}") from None
        # The very same object: to tell a session of settings, even of these, closes the connections that its pool has.
        return PLAIN if settings == PLAIN else settings
