"""Rocust: Locust's Python, a Rust engine.

The names are Locust's. Importing this package patches nothing and loads little: a name is imported when it is first used, so that the
`rocust` command can patch the standard library before anything opens a socket. In a script of your own, `rocust.install()` makes
`import locust` mean this package.
"""

from __future__ import annotations

import importlib
import os
import warnings
from typing import TYPE_CHECKING, Any

# Read by the compiled module's allocator when it is loaded: take memory as it is needed. Measured, single runs: about 11 % less
# memory with 5,000 users. (Giving it back after 1 ms instead of its usual 10 saves up to 5 % more, and costs 5 % of a request.)
os.environ.setdefault("MIMALLOC_ARENA_EAGER_COMMIT", "0")

from rocust import _core
from rocust._compat.alias import install
from rocust._events import Events

if TYPE_CHECKING:
    from rocust._cli.single import run_single_user
    from rocust._compat.deprecated import DeprecatedHttpLocustClass as HttpLocust
    from rocust._compat.deprecated import DeprecatedLocustClass as Locust
    from rocust._http.async_client import AsyncClient
    from rocust._http.client import Client
    from rocust._http.failures import TotalTimeout
    from rocust._http.policies import Request, Retry, Timeout
    from rocust._run.shape import LoadTestShape
    from rocust._users.async_http_user import AsyncHttpUser
    from rocust._users.async_user import AsyncUser
    from rocust._users.http_user import FastHttpUser, HttpUser
    from rocust._users.markov import MarkovTaskSet, transition, transitions
    from rocust._users.sequential import SequentialTaskSet
    from rocust._users.task import tag, task
    from rocust._users.taskset import TaskSet
    from rocust._users.user import User
    from rocust._users.wait_time import between, constant, constant_pacing, constant_throughput, poisson
    from rocust.user import wait_time

#: The version of this package.
__version__ = _core.__version__
#: The Locust version whose public API this package follows.
LOCUST_API_VERSION = "2.47.0"

#: The hooks that module-level listeners are added to; may be assigned anew.
events = Events()

#: Where each name lives, as room and name there.
_HOMES = {
    "AsyncClient": ("_http.async_client", "AsyncClient"),
    "AsyncHttpUser": ("_users.async_http_user", "AsyncHttpUser"),
    "AsyncUser": ("_users.async_user", "AsyncUser"),
    "Client": ("_http.client", "Client"),
    "FastHttpUser": ("_users.http_user", "FastHttpUser"),
    "HttpLocust": ("_compat.deprecated", "DeprecatedHttpLocustClass"),
    "HttpUser": ("_users.http_user", "HttpUser"),
    "LoadTestShape": ("_run.shape", "LoadTestShape"),
    "Locust": ("_compat.deprecated", "DeprecatedLocustClass"),
    "MarkovTaskSet": ("_users.markov", "MarkovTaskSet"),
    "Request": ("_http.policies", "Request"),
    "Retry": ("_http.policies", "Retry"),
    "SequentialTaskSet": ("_users.sequential", "SequentialTaskSet"),
    "TaskSet": ("_users.taskset", "TaskSet"),
    "Timeout": ("_http.policies", "Timeout"),
    "TotalTimeout": ("_http.failures", "TotalTimeout"),
    "User": ("_users.user", "User"),
    "between": ("_users.wait_time", "between"),
    "constant": ("_users.wait_time", "constant"),
    "constant_pacing": ("_users.wait_time", "constant_pacing"),
    "constant_throughput": ("_users.wait_time", "constant_throughput"),
    "poisson": ("_users.wait_time", "poisson"),
    "run_single_user": ("_cli.single", "run_single_user"),
    "tag": ("_users.task", "tag"),
    "task": ("_users.task", "task"),
    "transition": ("_users.markov", "transition"),
    "transitions": ("_users.markov", "transitions"),
}
#: Submodules that Locust's users reach as attributes without importing them.
_FACES = frozenset(
    [
        "argument_parser",
        "clients",
        "contrib",
        "debug",
        "dispatch",
        "env",
        "event",
        "exception",
        "html",
        "log",
        "main",
        "rpc",
        "runners",
        "shape",
        "stats",
        "user",
        "util",
    ]
)


def __getattr__(name: str) -> Any:
    """Import a name of this package when it is first used."""
    if name in _HOMES:
        room, attribute = _HOMES[name]
        value = getattr(importlib.import_module(f"{__name__}.{room}"), attribute)
    elif name == "wait_time":
        value = importlib.import_module(f"{__name__}.user.wait_time")
    elif name in _FACES:
        value = importlib.import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """All names, imported or not."""
    return sorted({*globals(), *_HOMES, *_FACES, "wait_time"})


if _core.IS_DEBUG_BUILD:
    warnings.warn(
        "rocust was built without optimisation: it is slow, and its figures mean nothing. hint: build with --release",
        RuntimeWarning,
        stacklevel=2,
    )

__all__ = [
    "LOCUST_API_VERSION",
    "AsyncClient",
    "AsyncHttpUser",
    "AsyncUser",
    "Client",
    "FastHttpUser",
    "HttpLocust",
    "HttpUser",
    "LoadTestShape",
    "Locust",
    "MarkovTaskSet",
    "Request",
    "Retry",
    "SequentialTaskSet",
    "TaskSet",
    "Timeout",
    "TotalTimeout",
    "User",
    "__version__",
    "between",
    "constant",
    "constant_pacing",
    "constant_throughput",
    "events",
    "install",
    "poisson",
    "run_single_user",
    "tag",
    "task",
    "transition",
    "transitions",
    "wait_time",
]
