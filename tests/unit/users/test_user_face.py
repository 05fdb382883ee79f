"""`task`: a decorator in `locust.user`, a module to `import locust.user.task`; each order in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

ALIAS = "import rocust; rocust.install()"

#: What is imported, in this order, before the look.
ORDERS = {
    "the package": ["import rocust.user"],
    "the module": ["import rocust.user.task"],
    "the module, by importlib": ["import importlib; importlib.import_module('rocust.user.task')"],
    "the root's name first": ["from rocust import task", "import rocust.user.task"],
    "an alias, then the module": [ALIAS, "import locust.user.task"],
    "an alias, then the package": [ALIAS, "from locust.user import task", "import locust.user.task"],
    "the module, then an alias": ["import rocust.user.task", ALIAS, "import locust.user.task"],
    "the package, then an alias": ["import rocust.user", ALIAS, "import locust.user.task"],
    "both names": [ALIAS, "import locust.user.task", "import rocust.user.task"],
    "a sequence first": [ALIAS, "import locust.user.sequential_taskset", "import locust.user.task"],
}

MODULES = ("inspectuser", "markov_taskset", "sequential_taskset", "users", "wait_time")

LOOK = """
import sys
import rocust, rocust.user
from rocust.user import task
from rocust.user.task import TaskSet, task as same
assert rocust.user.task is task is same is rocust.task, rocust.user.task
assert task(len_of := type("Some", (), {})) is len_of and len_of.locust_task_weight == 1
module = sys.modules["rocust.user.task"]
assert module.TaskSet is TaskSet is rocust.user.TaskSet
assert sys.modules.get("locust.user.task", module) is module
assert sys.modules.get("locust.user", rocust.user) is rocust.user
"""


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_task_stays_the_decorator(order):
    script = "\n".join([*order, LOOK])
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_the_other_modules_are_attributes_without_an_import_of_their_own():
    script = (
        f"{ALIAS}\nimport locust\nfor name in {MODULES!r}: assert getattr(locust.user, name).__name__.endswith(name)"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
