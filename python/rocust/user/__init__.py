"""Users, task sets and their decorators, by Locust's names.

`task` is two things here: as an attribute the decorator, as `import locust.user.task` a module. The import system makes
a module an attribute of its package when it has loaded it; taking the decorator out of that very module comes after,
and so wins. The other modules can be reached as attributes without an import of their own, as in Locust.
"""

from rocust.user import inspectuser, markov_taskset, sequential_taskset, wait_time  # noqa: F401
from rocust.user.task import TaskSet, tag, task
from rocust.user.users import HttpUser, User

__all__ = ["HttpUser", "TaskSet", "User", "tag", "task"]
