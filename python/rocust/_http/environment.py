"""What the environment has to say to sessions that trust it (`trust_env`), as `requests` reads it: proxies and netrc.

Certificates are in `tls`. A session that a user carries does not trust it, same as Locust; one that somebody makes does. It is asked
for every call of such a session, since the environment may change.
"""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from urllib.request import getproxies

from requests.utils import NETRC_FILES


def speaks() -> str | None:
    """What bears on where requests go or who they are from, in words; `requests` itself merges that. None when nothing does."""
    for name, value in os.environ.items():
        if value and name[-6:].lower() == "_proxy" and name[:3].lower() != "no_":
            return f"the environment has {name}"
    if _system_has_proxies():
        return "the system has proxies"
    places = (os.environ["NETRC"],) if "NETRC" in os.environ else [f"~/{name}" for name in NETRC_FILES]
    for place in places:
        if os.path.exists(os.path.expanduser(place)):
            return f"there is {place}"
    return None


@lru_cache(maxsize=1)
def _system_has_proxies() -> bool:
    """Whether macOS or Windows has proxies in its settings; asked once, since asking is slow."""
    return sys.platform in ("darwin", "win32") and bool(getproxies())
