"""Rocust: Locust's Python, a Rust engine.

The names are Locust's. Importing this package patches nothing; the `rocust` command patches before it loads a locustfile. In a
script of your own, `rocust.install()` makes `import locust` mean this package.
"""

import warnings

from rocust import _core
from rocust._compat.alias import install
from rocust._compat.deprecated import DeprecatedHttpLocustClass as HttpLocust
from rocust._compat.deprecated import DeprecatedLocustClass as Locust
from rocust._events import Events
from rocust._run.shape import LoadTestShape
from rocust._users.http_user import FastHttpUser, HttpUser
from rocust._users.task import tag, task
from rocust._users.taskset import TaskSet
from rocust._users.user import User
from rocust._users.wait_time import between, constant, constant_pacing, constant_throughput, poisson
from rocust.user import wait_time

#: The version of this package; the Locust API it speaks is `LOCUST_API_VERSION`.
__version__ = _core.__version__
#: The Locust version whose public API this package follows.
LOCUST_API_VERSION = "2.47.0"

#: The hooks that module-level listeners are added to.
events = Events()

if _core.IS_DEBUG_BUILD:
    warnings.warn(
        "rocust was built without optimisation: it is slow, and its figures mean nothing. hint: build with --release",
        RuntimeWarning,
        stacklevel=2,
    )

__all__ = [
    "LOCUST_API_VERSION",
    "FastHttpUser",
    "HttpLocust",
    "HttpUser",
    "LoadTestShape",
    "Locust",
    "TaskSet",
    "User",
    "__version__",
    "between",
    "constant",
    "constant_pacing",
    "constant_throughput",
    "events",
    "install",
    "poisson",
    "tag",
    "task",
    "wait_time",
]
