"""What `requests` makes of a failure on the way through a proxy.

Which exception it is depends on how far the way had been gone. Before there is a connection, all is `Unable to connect to proxy`; while
a tunnel is asked for, only a refusal is; and afterwards it is again when the peer hangs up, since urllib3 forgets by then that it was
connected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests.exceptions as wrong
from urllib3 import exceptions as pool

if TYPE_CHECKING:
    from collections.abc import Callable

    from rocust import _core

Told = tuple[BaseException, BaseException]

#: What urllib3 adds when a proxy that should speak TLS does not seem to.
_PLAIN_AFTER_ALL = (
    ". Your proxy appears to only use HTTP and not HTTPS, try changing your proxy URL to be HTTP. "
    "See: https://urllib3.readthedocs.io/en/latest/advanced-usage.html#https-proxy-error-http-proxy"
)


class SOCKS5Error(OSError):
    """A SOCKS 5 proxy refused; the name and the words are PySocks'."""


class SOCKS4Error(OSError):
    """A SOCKS 4 proxy refused; the name and the words are PySocks'."""


def refusal(exchange: _core.Exchange) -> OSError:
    """What a proxy that opens no tunnel is told as."""
    kind = exchange.via[0] if exchange.via is not None else ""
    error = SOCKS5Error if kind.startswith("socks5") else SOCKS4Error if kind.startswith("socks4") else OSError
    return error(exchange.failure_message)


def of_proxy(
    exchange: _core.Exchange,
    told: Told,
    connect_limit: float | None,
    tls_error: Callable[[_core.Exchange], BaseException],
    gave_up: Callable[[_core.Exchange, Exception], pool.MaxRetryError],
    timed_out: Callable[[_core.Exchange, float | None], pool.ReadTimeoutError],
) -> Told:
    """The failure of an exchange that had a proxy on its way.

    Args:
        exchange: It, with `via`.
        told: What it would be without the proxy: what `requests` raises, and what stock reports.
        connect_limit: Seconds to connect.
        tls_error: The `ssl` module's error for a failed handshake.
        gave_up: urllib3's way of giving up for a cause.
        timed_out: urllib3's words for silence of so many seconds.
    """
    assert exchange.via is not None
    kind, _, _, stage = exchange.via
    error, reported = told
    if kind.startswith("socks"):
        # Which urllib3 takes for another way to connect, not for a proxy.
        return told
    failure = exchange.failure_kind
    why: Exception | None = None
    if failure == "read-timeout" and stage != "beyond":
        timeout = timed_out(exchange, connect_limit)
        if stage == "asking":
            slow = wrong.ReadTimeout(timeout)
            return slow, slow
        why = reported = timeout
    elif failure == "tunnel":
        why = reported = refusal(exchange)
    elif stage == "reaching":
        why = _reason_of(error)
    elif stage == "beyond" and failure in ("closed-early", "reset") and exchange.body_received is None:
        why = reported  # type: ignore[assignment]
    if failure == "tls" and exchange.is_tls:
        # Tunnels are opened at a place where urllib3 wraps nothing yet.
        reported = tls_error(exchange)
    if why is None:
        return error, reported
    hint = _PLAIN_AFTER_ALL if kind == "https" and "wrong version number" in str(why) else ""
    not_connected = pool.ProxyError(f"Unable to connect to proxy{hint}", why)
    if stage == "reaching" and kind == "https" and not exchange.is_tls:
        # A proxy that forwards over TLS is connected to at a place where urllib3 wraps at once.
        reported = not_connected
    return wrong.ProxyError(gave_up(exchange, not_connected)), reported


def _reason_of(error: BaseException) -> Exception | None:
    """Why urllib3 gave up."""
    given_up = error.args[0] if error.args else None
    if isinstance(given_up, pool.MaxRetryError):
        return given_up.reason
    if isinstance(given_up, pool.ProtocolError) and len(given_up.args) == 2:
        cause = given_up.args[1]
        return cause if isinstance(cause, Exception) else None
    return None
