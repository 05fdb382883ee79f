"""Which way a call takes, and why it is not the fast one.

Three ways, one answer:

- *rust*: all that the call brings is data; the engine makes the request and follows redirects.
- *prepared*: `requests`' own code makes the request (hooks, authentication objects, `files=`, cookie policies, overridden methods)
  and follows redirects; the engine sends each hop.
- *adapter*: somebody else's code sends (a mounted adapter, a shared pool, a patched `send`), measured around it as stock measures.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from rocust._http import tracing

#: What runs at `send` unless somebody has patched it: `requests_mock`, `responses`, OpenTelemetry and others do.
SESSION_SEND = requests.Session.send
ADAPTER_SEND = HTTPAdapter.send

#: Methods of a session that `requests` calls on the way; whoever overrides one of them expects that it is called.
OVERRIDABLE = (
    "send",
    "get_adapter",
    "prepare_request",
    "merge_environment_settings",
    "resolve_redirects",
    "get_redirect_target",
    "should_strip_auth",
    "rebuild_auth",
    "rebuild_method",
    "rebuild_proxies",
    "_send_request_safe_mode",
)


class Tally:
    """How many calls of a session went which way, but for the fast one, which the engine counts itself."""

    __slots__ = ("adapter", "hops", "prepared")

    def __init__(self) -> None:
        #: Calls that `requests` prepared and the engine sent.
        self.prepared = 0
        #: Calls that somebody else's code sent.
        self.adapter = 0
        #: Requests that the engine sent for prepared calls.
        self.hops = 0

    def note(self, is_engines: bool) -> None:
        """One more call that `requests` ran."""
        if is_engines:
            self.prepared += 1
        else:
            self.adapter += 1

    def counts(self, submitted: int) -> dict[str, int]:
        """Calls by way, of which the engine was given `submitted`."""
        return {"rust": submitted - self.hops, "prepared": self.prepared, "adapter": self.adapter}


def patched() -> str | None:
    """Who has taken the place of `requests`' own sending, in words; None when nobody has, or somebody who asks the engine too."""
    send = requests.Session.send
    if send is not SESSION_SEND and not (tracing.tracer is not None and tracing.tracer.is_own(send)):
        return "requests.Session.send is patched"
    if HTTPAdapter.send is not ADAPTER_SEND:
        return "requests.adapters.HTTPAdapter.send is patched"
    return None


def overridden_in(kind: type, base: type) -> str | None:
    """Which method of a session a subclass has of its own, in words; None when none matters."""
    for name in OVERRIDABLE:
        if getattr(kind, name) is not getattr(base, name):
            return f"{kind.__name__} has a {name} of its own"
    return None


def unplain(kwargs: Mapping[str, Any], plain: frozenset[str]) -> str | None:
    """Which arguments of a call need `requests`, in words; None when none does."""
    given = sorted(key for key in kwargs.keys() - plain if kwargs[key])
    return f"{', '.join(given)} given" if given else None
