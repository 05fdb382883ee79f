"""Users, task sets and their decorators, by Locust's names.

`task` is two things here: as an attribute the decorator, as `import locust.user.task` a module. The import system makes
a module an attribute of its package when it has loaded it; taking the decorator out of that very module comes after,
and so wins.
"""

from rocust._users.http_user import HttpUser
from rocust._users.user import User
from rocust.user.task import TaskSet, tag, task

__all__ = ["HttpUser", "TaskSet", "User", "tag", "task"]
