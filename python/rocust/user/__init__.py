"""Users, task sets and their decorators, by Locust's names."""

from rocust._users.http_user import HttpUser
from rocust._users.task import tag, task
from rocust._users.taskset import TaskSet
from rocust._users.user import User

__all__ = ["HttpUser", "TaskSet", "User", "tag", "task"]
