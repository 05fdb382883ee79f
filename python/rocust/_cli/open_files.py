"""How many files this process may have open: every user's connection is one.

The soft limit is raised as far as the system lets a process raise its own. What it does not allow is said in one
sentence, before the first user fails to connect.
"""

from __future__ import annotations

import contextlib
import logging
import os

logger = logging.getLogger("locust.main")

#: Fewer than this is too few for load testing; Locust's figure.
_MINIMUM = 10_000
#: What is asked for where the hard limit names no number: the most that Linux allows by default, then what macOS does.
_WITHOUT_BOUND = (1_048_576, 10_240, _MINIMUM)
#: Files that are open beside the users' connections: standard streams, the loop, the engine, logs, modules.
_OTHERS = 64


def raise_open_file_limit(user_count: int | None = None) -> None:
    """Raise the limit to the most that is allowed, and warn when that is too few.

    Args:
        user_count: How many users there will be, if that is known.

    Differs from Locust: it raises the limit to 10,000 and leaves it alone when the system allows fewer than that.
    """
    if os.name == "nt":
        return
    import resource

    _raise_to_most()
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return
    if user_count is not None and user_count > limit - _OTHERS:
        logger.warning(
            "This process may open %d files only, and %d users with a connection each need more: those beyond it will fail "
            "to connect. Raise the limit with 'ulimit -n %d' before starting, or spread the users over several machines.",
            limit,
            user_count,
            user_count + _OTHERS,
        )
    elif limit < _MINIMUM:
        logger.warning(
            "System open file limit '%d' is below minimum setting '%d', and the system did not allow to raise it: users "
            "beyond it will fail to connect. Raise it with 'ulimit -n %d' before starting.",
            limit,
            _MINIMUM,
            _MINIMUM,
        )


def _raise_to_most() -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return
    for wanted in _WITHOUT_BOUND if hard == resource.RLIM_INFINITY else (hard,):
        if wanted <= soft:
            return
        # macOS says that there is no bound and has one all the same.
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            return
